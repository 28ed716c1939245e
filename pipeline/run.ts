/**
 * A pipeline that runs: a member of its group, a producer, and a lane for each
 * partition it owns.
 *
 * Offsets are committed up to the low-water mark only, so nothing is lost by any
 * kind of end; what was in flight at a crash, or at a drain that timed out, is
 * read again (at least once).
 */
import type {
  Client,
  GroupConsumer,
  PartitionBatch,
  Producer,
  TopicPartition,
  TopicPartitionOffset,
  TopicSource,
} from "../client/index.ts";
import { Committer } from "./committer.ts";
import type { Flow } from "./definition.ts";
import { failureOf, PipelineError } from "./errors.ts";
import type { PipelineSettings } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { type PartitionHost, PartitionLane } from "./partition-lane.ts";
import { RunCounters, type RunStats } from "./stats.ts";

export interface RunParts {
  readonly name: string;
  readonly settings: PipelineSettings;
  readonly sources: readonly TopicSource<unknown, unknown>[];
  readonly flow: Flow;
  readonly client: Client;
  readonly producer: Producer;
  readonly consumer: GroupConsumer;
  readonly deadLetterPartitionCounts: ReadonlyMap<string, number>;
}

export class Run implements PartitionHost, AsyncDisposable {
  readonly done: Promise<void>;
  readonly settings: PipelineSettings;
  readonly outlet: Outlet;
  readonly counters = new RunCounters();
  readonly #parts: RunParts;
  readonly #sources: ReadonlyMap<string, TopicSource<unknown, unknown>>;
  readonly #committer: Committer;
  readonly #finished = Promise.withResolvers<void>();
  /** Resolves when nothing in flight will be waited for any longer. */
  readonly #impatience = Promise.withResolvers<void>();

  /** By `topic-partition`: those that are owned now. */
  readonly #lanes = new Map<string, PartitionLane>();
  #stopping: Promise<void> | null = null;
  readonly #timers: (() => void)[] = [];
  #failure: PipelineError | null = null;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.outlet = new Outlet(parts);
    this.#sources = new Map(parts.sources.map((s) => [s.name, s]));
    this.#committer = new Committer({
      consumer: parts.consumer,
      clock: parts.client.clock,
      intervalMs: parts.settings.commitIntervalMs,
      counters: this.counters,
      owned: () => [...this.#lanes.values()],
      fail: (error) => this.fail(error),
    });
    this.done = this.#finished.promise;
    // Whoever does not look at `done` must not be ended by it.
    this.done.catch(() => {});
    parts.consumer.onAssign((partitions) => this.#assigned(partitions));
    parts.consumer.onRevoke((ids, reason) => this.#revoked(ids, reason));
    void this.#consume();
  }

  stats(): RunStats {
    return this.counters.read();
  }

  async lag(): Promise<ReadonlyMap<string, number>> {
    const lanes = [...this.#lanes.values()];
    const ends = await this.#parts.client.admin.offsetsAt(
      lanes.map((lane) => ({ ...lane.id, at: "latest" as const })),
    );
    return new Map(
      lanes.map(({ id, progress }, index) => {
        const end = ends[index] ?? progress.lowWaterOffset;
        return [nameOf(id), Math.max(0, end - progress.lowWaterOffset)];
      }),
    );
  }

  stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    const drainMs = options.drainMs ?? this.settings.drainTimeoutMs;
    const giveUp = this.#impatience.resolve;
    if (drainMs <= 0) giveUp();
    else this.#timers.push(this.#parts.client.clock.schedule(drainMs, giveUp));
    if (this.#stopping === null) {
      this.#stopping = this.#stop();
      this.#stopping.then(
        () => this.#finish(this.#failure),
        (broken) => this.#finish(this.#failure ?? broken),
      );
    }
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What is in flight cannot be saved by waiting: it is read again by the next run. */
  fail(error: PipelineError): void {
    this.#failure ??= error;
    void this.stop({ drainMs: 0 });
  }

  pause(partition: TopicPartition): void {
    this.#parts.consumer.pause([partition]);
  }

  resume(partition: TopicPartition): void {
    this.#parts.consumer.resume([partition]);
  }

  /** Ends when the consumer is closed, whoever does it. */
  async #consume(): Promise<void> {
    try {
      for await (const batch of this.#parts.consumer) this.#accept(batch);
    } catch (cause) {
      const { name } = this.#parts;
      this.fail(
        new PipelineError(
          "read-failed",
          `pipeline ${name} cannot read on: ${failureOf(cause).message}`,
          cause,
        ),
      );
    }
    void this.stop();
  }

  #accept(batch: PartitionBatch): void {
    this.#lanes.get(nameOf(batch))?.accept(batch);
  }

  async #assigned(partitions: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.#stopping !== null) return;
    for (const { topic, partition, offset } of partitions) {
      const source = this.#sources.get(topic);
      if (source === undefined) continue;
      const id = { topic, partition };
      // One that was owned already begins anew where the consumer says.
      this.#lanes.get(nameOf(id))?.close();
      this.#lanes.set(
        nameOf(id),
        new PartitionLane(this, id, offset, source, this.#parts.flow),
      );
    }
  }

  async #revoked(
    ids: readonly TopicPartition[],
    reason: "revoked" | "lost",
  ): Promise<void> {
    const lanes = ids.flatMap((id) => this.#lanes.get(nameOf(id)) ?? []);
    // Of lost partitions nothing can be committed: somebody else has them.
    if (reason === "revoked") {
      const late = Promise.withResolvers<void>();
      const cancel = this.#parts.client.clock.schedule(
        this.settings.drainTimeoutMs,
        late.resolve,
      );
      await this.#drained(lanes, [late.promise]);
      cancel();
      await this.#committer.commit(() => lanes);
    }
    for (const lane of lanes) {
      lane.close();
      if (this.#lanes.get(nameOf(lane.id)) === lane) {
        this.#lanes.delete(nameOf(lane.id));
      }
    }
  }

  async #stop(): Promise<void> {
    const { consumer, producer } = this.#parts;
    const lanes = [...this.#lanes.values()];
    this.#committer.stop();
    consumer.pause(lanes.map((lane) => lane.id));
    await this.#drained(lanes);
    for (const lane of lanes) lane.close();
    try {
      await this.#committer.commit(() => lanes);
      await consumer.close();
    } finally {
      this.#lanes.clear();
      await producer.close();
    }
  }

  /** Resolves when these lanes have nothing in flight, or when it takes too long. */
  async #drained(
    lanes: readonly PartitionLane[],
    late: readonly Promise<void>[] = [],
  ): Promise<void> {
    const drained = Promise.all(lanes.map((lane) => lane.drain()));
    await Promise.race([drained, this.#impatience.promise, ...late]);
  }

  #finish(broken: unknown): void {
    for (const cancel of this.#timers) cancel();
    if (broken === null) this.#finished.resolve();
    else this.#finished.reject(broken);
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
