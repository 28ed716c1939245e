/**
 * One assigned partition: decodes its records, sends them through the flow, and
 * knows how far its offset may be committed.
 */
import {
  ClientError,
  type PartitionBatch,
  type RawRecord,
  type TopicPartition,
  type TopicSource,
} from "../client/index.ts";
import type { Flow, Traveller } from "./definition.ts";
import { type Failure, failureOf } from "./errors.ts";
import { Lane, type LaneHost } from "./lane.ts";
import { PartitionProgress } from "./progress.ts";

export interface PartitionHost extends LaneHost {
  readonly onDecodeError: "deadLetter" | "skip" | "stop";
  readonly inFlightPerPartitionMax: number;
  recordSettled(): void;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
}

export class PartitionLane {
  readonly id: TopicPartition;
  readonly progress: PartitionProgress;
  readonly #host: PartitionHost;
  readonly #source: TopicSource<unknown, unknown>;
  readonly #lane: Lane;
  #isPaused = false;
  /** The partition was given up: what still settles changes nothing. */
  #isRevoked = false;
  #whenDrained: (() => void)[] = [];

  constructor(
    host: PartitionHost,
    id: TopicPartition,
    startOffset: number,
    source: TopicSource<unknown, unknown>,
    flow: Flow,
  ) {
    this.#host = host;
    this.id = id;
    this.progress = new PartitionProgress(startOffset);
    this.#source = source;
    this.#lane = new Lane(host, flow, null);
  }

  /** Takes a batch in; pauses the partition when too much of it is in flight. */
  accept(batch: PartitionBatch): void {
    for (const record of batch.records) {
      // A record below what began already is a repetition after a seek or a reconnect.
      if (record.offset < this.progress.nextOffset) continue;
      this.#begin(record);
    }
    const isFull =
      this.progress.inFlightCount > this.#host.inFlightPerPartitionMax;
    if (isFull && !this.#isPaused) {
      this.#isPaused = true;
      this.#host.pause(this.id);
    }
  }

  /** Resolves when nothing is in flight. */
  drained(): Promise<void> {
    if (this.progress.inFlightCount === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  revoke(): void {
    this.#isRevoked = true;
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  #begin(record: RawRecord): void {
    const settleOffset = this.progress.begin(record.offset);
    const settle = (): void => {
      settleOffset();
      this.#settled();
    };
    const decoded = this.#decode(record);
    if ("failure" in decoded) {
      this.#undecodable(record, decoded, settle);
      return;
    }
    this.#lane.enter(decoded, settle);
  }

  #decode(
    source: RawRecord,
  ): Traveller | { readonly failure: Failure; readonly thrown: unknown } {
    let isKeyFailure = true;
    try {
      const key = this.#source.key.decode(source.key);
      isKeyFailure = false;
      const value = this.#source.value.decode(source.value);
      return { source, record: { ...source, key, value }, key, value };
    } catch (thrown) {
      return {
        thrown,
        failure: failureOf(thrown, {
          errorCode:
            thrown instanceof ClientError ? thrown.code : "decode-failed",
          isKeyFailure,
        }),
      };
    }
  }

  #undecodable(
    record: RawRecord,
    {
      failure,
      thrown,
    }: { readonly failure: Failure; readonly thrown: unknown },
    settle: () => void,
  ): void {
    const counters = this.#host.counters(null);
    counters.received += 1;
    if (this.#host.onDecodeError === "stop") {
      this.#host.fail(thrown);
      return;
    }
    if (this.#host.onDecodeError === "skip") {
      counters.filtered += 1;
      settle();
      return;
    }
    void this.#host.deadLetter(record, failure, null).then((outcome) => {
      if (outcome === "run-failed") return;
      counters.deadLettered += 1;
      settle();
    });
  }

  #settled(): void {
    if (this.#isRevoked) return;
    this.#host.recordSettled();
    const { inFlightCount } = this.progress;
    if (
      this.#isPaused &&
      inFlightCount <= this.#host.inFlightPerPartitionMax / 2
    ) {
      this.#isPaused = false;
      this.#host.resume(this.id);
    }
    if (inFlightCount === 0) {
      for (const resolve of this.#whenDrained.splice(0)) resolve();
    }
  }
}
