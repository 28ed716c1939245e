/**
 * A pipeline that runs: a member of its group, a producer, and a lane for each
 * partition it owns.
 *
 * Offsets are committed up to the low-water mark only: every so often, before a
 * partition is given up, and when the run stops. So nothing is lost by any kind
 * of end, and what was in flight at a crash is read again (at least once).
 */
import type {
  Client,
  GroupConsumer,
  PartitionBatch,
  Producer,
  RawRecord,
  TopicPartition,
  TopicPartitionOffset,
  TopicSource,
} from "../client/index.ts";
import { ClientError, topic } from "../client/index.ts";
import { deadLetterHeaders } from "./dead-letter.ts";
import type { Ctx, Flow } from "./definition.ts";
import {
  DeadLetterRecord,
  type Failure,
  PipelineError,
  SkipRecord,
} from "./errors.ts";
import { deadLetterTopicOf, type PipelineSettings } from "./options.ts";
import { type PartitionHost, PartitionLane } from "./partition-lane.ts";
import { type BranchCounters, RunCounters, type RunStats } from "./stats.ts";

export interface RunParts {
  readonly name: string;
  readonly settings: PipelineSettings;
  readonly sources: readonly TopicSource<unknown, unknown>[];
  readonly flow: Flow;
  readonly client: Client;
  readonly producer: Producer;
  readonly consumer: GroupConsumer;
  /** Partitions of the dead-letter topics known at the start. */
  readonly deadLetterPartitionCounts: ReadonlyMap<string, number>;
}

export class Run implements PartitionHost, AsyncDisposable {
  /** Resolves when the run has stopped; rejects with what stopped it. */
  readonly done: Promise<void>;
  readonly ctx: Ctx;
  readonly #parts: RunParts;
  readonly #sources: ReadonlyMap<string, TopicSource<unknown, unknown>>;
  readonly #counters = new RunCounters();
  readonly #aborter = new AbortController();
  readonly #lanes = new Map<string, PartitionLane>();

  #cancelCommit: () => void = () => {};
  #committing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;
  #failure: PipelineError | null = null;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#sources = new Map(parts.sources.map((s) => [s.name, s]));
    this.ctx = {
      signal: this.#aborter.signal,
      skip: () => {
        throw new SkipRecord();
      },
      deadLetter: (reason) => {
        throw new DeadLetterRecord(reason);
      },
    };
    parts.consumer.onAssign((partitions) => this.#assigned(partitions));
    parts.consumer.onRevoke((ids, reason) => this.#revoked(ids, reason));
    this.#scheduleCommit();
    this.done = this.#consume();
    // Whoever does not look at `done` must not be ended by it.
    this.done.catch(() => {});
  }

  get onDecodeError(): "deadLetter" | "skip" | "stop" {
    return this.#parts.settings.onDecodeError;
  }

  get inFlightPerPartitionMax(): number {
    return this.#parts.settings.inFlightPerPartitionMax;
  }

  stats(): RunStats {
    return this.#counters.read();
  }

  /** Records behind the committed low-water mark, by `topic-partition`, for the partitions this run owns. */
  async lag(): Promise<ReadonlyMap<string, number>> {
    const lanes = [...this.#lanes.values()];
    const ends = await this.#parts.client.admin.offsetsAt(
      lanes.map((lane) => ({ ...lane.id, at: "latest" as const })),
    );
    return new Map(
      lanes.map((lane, index) => {
        const end = ends[index] ?? lane.progress.lowWaterOffset;
        const lag = Math.max(0, end - lane.progress.lowWaterOffset);
        return [keyOf(lane.id), lag];
      }),
    );
  }

  /** Reads no more, lets what is in flight settle, commits, leaves the group. */
  stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(
      options.drainMs ?? this.#parts.settings.drainTimeoutMs,
    );
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  // What lanes ask of the run.

  counters(branch: string | null): BranchCounters {
    return branch === null
      ? this.#counters.root
      : this.#counters.branch(branch);
  }

  async send(
    name: string,
    key: Uint8Array | null,
    value: Uint8Array | null,
    source: RawRecord,
  ): Promise<void> {
    await this.#parts.producer.send(topic(name), {
      key,
      value,
      headers: source.headerList,
      timestamp: source.timestamp,
    });
  }

  async deadLetter(
    source: RawRecord,
    failure: Failure,
    branch: string | null,
  ): Promise<"written" | "run-failed"> {
    const { client, name, settings, producer } = this.#parts;
    const target =
      typeof settings.deadLetterTopic === "function"
        ? settings.deadLetterTopic(source)
        : (settings.deadLetterTopic ?? deadLetterTopicOf(source.topic));
    const partitionCount =
      this.#parts.deadLetterPartitionCounts.get(target) ?? 0;
    const headers = deadLetterHeaders(source, failure, {
      pipeline: name,
      branch,
      group: settings.group,
      failedAtMs: client.clock.now(),
    });
    try {
      await producer.send(topic(target), {
        key: source.key,
        value: source.value,
        headers,
        // The same partition as the source, as Spring does, where there is one.
        ...(source.partition < partitionCount
          ? { partition: source.partition }
          : {}),
      });
      return "written";
    } catch (cause) {
      this.fail(cause);
      return "run-failed";
    }
  }

  isInfrastructure(thrown: unknown): boolean {
    return (
      thrown instanceof ClientError &&
      (thrown.isRetriable || thrown.code === "closed")
    );
  }

  fail(thrown: unknown): void {
    if (this.#failure !== null || this.#stopping !== null) return;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.#failure = new PipelineError(
      "delivery-failed",
      `pipeline ${this.#parts.name} stopped: ${reason}`,
      thrown,
    );
    // What is in flight cannot be saved by waiting: it is read again next time.
    void this.stop({ drainMs: 0 });
  }

  recordSettled(): void {
    this.#counters.settled += 1;
  }

  pause(partition: TopicPartition): void {
    this.#parts.consumer.pause([partition]);
  }

  resume(partition: TopicPartition): void {
    if (this.#stopping === null) this.#parts.consumer.resume([partition]);
  }

  // The life of the run.

  async #consume(): Promise<void> {
    try {
      for await (const batch of this.#parts.consumer) this.#accept(batch);
    } catch (cause) {
      this.fail(cause);
    }
    await this.stop();
    if (this.#failure !== null) throw this.#failure;
  }

  #accept(batch: PartitionBatch): void {
    // A batch that arrives after `stop` began is left for the next run.
    if (this.#stopping !== null) return;
    const lane = this.#lanes.get(keyOf(batch));
    lane?.accept(batch);
  }

  async #assigned(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    for (const { topic: name, partition, offset } of partitions) {
      const source = this.#sources.get(name);
      if (source === undefined) continue;
      const id = { topic: name, partition };
      this.#lanes.set(
        keyOf(id),
        new PartitionLane(this, id, offset, source, this.#parts.flow),
      );
    }
  }

  async #revoked(
    ids: readonly TopicPartition[],
    reason: "revoked" | "lost",
  ): Promise<void> {
    const lanes = this.#lanesOf(ids);
    if (reason === "revoked") {
      await this.#drained(lanes, this.#parts.settings.drainTimeoutMs);
      await this.#commit(lanes);
    }
    for (const lane of lanes) {
      lane.revoke();
      this.#lanes.delete(keyOf(lane.id));
    }
  }

  #lanesOf(ids: readonly TopicPartition[]): readonly PartitionLane[] {
    return ids.flatMap((id) => this.#lanes.get(keyOf(id)) ?? []);
  }

  async #stop(drainMs: number): Promise<void> {
    this.#cancelCommit();
    const lanes = [...this.#lanes.values()];
    this.#parts.consumer.pause(lanes.map((lane) => lane.id));
    await this.#drained(lanes, drainMs);
    this.#aborter.abort();
    await this.#commit(lanes);
    for (const lane of lanes) lane.revoke();
    this.#lanes.clear();
    await this.#parts.consumer.close();
    await this.#parts.producer.close();
  }

  /** Resolves when the lanes have nothing in flight, or when the time is over. */
  async #drained(
    lanes: readonly PartitionLane[],
    timeoutMs: number,
  ): Promise<void> {
    if (timeoutMs === 0) return;
    let cancel = (): void => {};
    const timedOut = new Promise<void>((resolve) => {
      cancel = this.#parts.client.clock.schedule(timeoutMs, resolve);
    });
    await Promise.race([
      timedOut,
      Promise.all(lanes.map((lane) => lane.drained())),
    ]);
    cancel();
  }

  #scheduleCommit(): void {
    const { client, settings } = this.#parts;
    this.#cancelCommit = client.clock.schedule(
      settings.commitIntervalMs,
      () => {
        void this.#commit([...this.#lanes.values()]).then(() => {
          if (this.#stopping === null) this.#scheduleCommit();
        });
      },
    );
  }

  /** One commit at a time. A failed one is counted and made good by the next. */
  #commit(lanes: readonly PartitionLane[]): Promise<void> {
    this.#committing = this.#committing.then(() => this.#commitNow(lanes));
    return this.#committing;
  }

  async #commitNow(lanes: readonly PartitionLane[]): Promise<void> {
    const moved = lanes.flatMap((lane) => {
      const offset = lane.progress.committableOffset;
      return offset === null ? [] : [{ lane, offset }];
    });
    if (moved.length === 0) return;
    try {
      await this.#parts.consumer.commit(
        moved.map(({ lane, offset }) => ({ ...lane.id, offset })),
      );
      for (const { lane, offset } of moved) lane.progress.markCommitted(offset);
    } catch (cause) {
      if (!(cause instanceof ClientError)) throw cause;
      this.#counters.commitFailures += 1;
    }
  }
}

function keyOf({ topic: name, partition }: TopicPartition): string {
  return `${name}-${partition}`;
}
