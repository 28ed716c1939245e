/**
 * One assigned partition: decodes its records, sends them through the flow, and
 * knows how far its offset may be committed.
 *
 * At most `inFlightPerPartitionMax` of its records are in flight. The rest of a
 * batch waits here as it was read; when more than as many again wait, the
 * partition is paused. So what is held of a partition is bounded by that number
 * and one batch, and a batch by what the consumer fetches at once.
 */
import type {
  PartitionBatch,
  RawRecord,
  TopicPartition,
  TopicSource,
} from "../client/index.ts";
import type { Ctx, Flow, Traveller } from "./definition.ts";
import {
  DeadLetterRecord,
  type Failure,
  failureOf,
  PipelineError,
  SkipRecord,
} from "./errors.ts";
import { Lane, type LaneHost } from "./lane.ts";
import type { PipelineSettings } from "./options.ts";
import { PartitionProgress } from "./progress.ts";

/** What a partition needs of the run besides what its lanes do. */
export interface PartitionHost extends LaneHost {
  readonly settings: PipelineSettings;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
}

export class PartitionLane {
  readonly id: TopicPartition;
  readonly #host: PartitionHost;
  readonly #source: TopicSource<unknown, unknown>;
  readonly #lane: Lane;
  readonly #aborter = new AbortController();

  #progress: PartitionProgress;
  #inFlightCount = 0;
  /** What was read and has not begun, from #nextWaiting on. */
  #waiting: readonly RawRecord[] = [];
  #nextWaiting = 0;
  #isFilling = false;
  #isPaused = false;
  /** `draining`: nothing more begins. `closed`: what still ends changes nothing. */
  #state: "open" | "draining" | "closed" = "open";
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
    this.#progress = new PartitionProgress(startOffset);
    this.#source = source;
    this.#lane = new Lane(host, flow, ctxFor(this.#aborter.signal), null);
  }

  /** Read it anew for each commit: it is replaced when the log begins anew. */
  get progress(): PartitionProgress {
    return this.#progress;
  }

  /** Takes a batch in; ignored while draining, as the next owner reads it again. */
  accept(batch: PartitionBatch): void {
    if (this.#state !== "open") return;
    let waiting = this.#waiting.slice(this.#nextWaiting);
    const nextOffset =
      (waiting.at(-1)?.offset ?? this.#progress.nextOffset - 1) + 1;
    const first = batch.records[0];
    if (first !== undefined && first.offset < nextOffset) {
      // The consumer went back: a seek, a log that begins anew or was cut. From
      // there on what is in flight no longer says anything about the offset, and
      // what waits is gone from the log, or is read again. What lies before was
      // read once, and is not read again.
      waiting = waiting.filter(({ offset }) => offset < first.offset);
      this.#progress = this.#progress.goingBackTo(first.offset);
    }
    this.#progress.noteLeaderEpoch(batch.leaderEpoch);
    this.#waiting = [...waiting, ...batch.records];
    this.#nextWaiting = 0;
    this.#fill();
  }

  /** Begins nothing more; resolves when nothing is in flight, or when closed. */
  drain(): Promise<void> {
    if (this.#state === "open") this.#state = "draining";
    this.#waiting = [];
    if (this.#inFlightCount === 0 || this.#state === "closed") {
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  /** The partition is given up: handlers still at work are told, and not listened to. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#waiting = [];
    this.#lane.close();
    this.#aborter.abort();
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  /** Begins what may begin. */
  #fill(): void {
    // A record that settles at once calls this from within the loop below.
    if (this.#isFilling) return;
    this.#isFilling = true;
    const { inFlightPerPartitionMax } = this.#host.settings;
    while (this.#inFlightCount < inFlightPerPartitionMax) {
      const record = this.#waiting[this.#nextWaiting];
      if (record === undefined) break;
      this.#nextWaiting += 1;
      this.#begin(record);
    }
    this.#isFilling = false;
    if (this.#state === "open") this.#pauseOrResume();
  }

  #pauseOrResume(): void {
    const waitingCount = this.#waiting.length - this.#nextWaiting;
    if (waitingCount === 0) this.#waiting = [];
    // Some wait while the next are fetched, or handlers would idle meanwhile.
    const isFull = waitingCount > this.#host.settings.inFlightPerPartitionMax;
    if (isFull === this.#isPaused) return;
    this.#isPaused = isFull;
    if (isFull) this.#host.pause(this.id);
    else this.#host.resume(this.id);
  }

  #begin(record: RawRecord): void {
    const settleOffset = this.#progress.begin(record.offset);
    this.#inFlightCount += 1;
    const settle = (): void => {
      this.#inFlightCount -= 1;
      this.#host.counters.settled += 1;
      settleOffset();
      this.#settled();
    };
    const decoded = this.#decode(record);
    if ("errorCode" in decoded) this.#undecodable(record, decoded, settle);
    else this.#lane.enter(decoded, settle);
  }

  #decode(source: RawRecord): Traveller | Failure {
    let isKeyFailure = true;
    try {
      const key = this.#source.key.decode(source.key);
      isKeyFailure = false;
      const value = this.#source.value.decode(source.value);
      return { source, key, value };
    } catch (thrown) {
      return failureOf(thrown, "decode-failed", isKeyFailure);
    }
  }

  #undecodable(record: RawRecord, failure: Failure, settle: () => void): void {
    switch (this.#host.settings.onDecodeError) {
      case "deadLetter":
        this.#lane.reject(record, failure, settle);
        return;
      case "skip": {
        const counters = this.#host.counters.of(null);
        counters.received += 1;
        counters.filtered += 1;
        settle();
        return;
      }
      case "stop":
        this.#host.fail(
          new PipelineError(
            "decode-failed",
            `${record.topic}-${record.partition} at offset ${record.offset} cannot be decoded: ${failure.message}`,
          ),
        );
    }
  }

  #settled(): void {
    this.#fill();
    if (this.#inFlightCount > 0) return;
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }
}

function ctxFor(signal: AbortSignal): Ctx {
  return {
    signal,
    skip: () => {
      throw new SkipRecord();
    },
    deadLetter: (reason) => {
      throw new DeadLetterRecord(reason);
    },
  };
}
