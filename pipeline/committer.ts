/**
 * Commits what has settled: every so often, before partitions are given up, and
 * at the end.
 *
 * One commit at a time, in order: two on their way at once could arrive the
 * other way round and take the group back. A commit that fails is counted and
 * made good by the next one.
 */
import {
  ClientError,
  type Client,
  type GroupConsumer,
} from "../client/index.ts";
import { failureOf, PipelineError } from "./errors.ts";
import type { PartitionLane } from "./partition-lane.ts";
import type { RunCounters } from "./stats.ts";

export interface CommitterParts {
  readonly consumer: GroupConsumer;
  readonly clock: Client["clock"];
  readonly intervalMs: number;
  readonly counters: RunCounters;
  /** The partitions that the run owns now. */
  readonly owned: () => readonly PartitionLane[];
  readonly fail: (error: PipelineError) => void;
}

export class Committer {
  readonly #parts: CommitterParts;
  #cancel: () => void = () => {};
  #isRunning = true;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: CommitterParts) {
    this.#parts = parts;
    this.#schedule();
  }

  /** No more commits but those that are asked for. */
  stop(): void {
    this.#isRunning = false;
    this.#cancel();
  }

  /**
   * Commits the low-water marks of these partitions, behind the commits under
   * way. Never rejects.
   */
  commit(lanes: () => readonly PartitionLane[]): Promise<void> {
    this.#last = this.#last.then(() => this.#commitNow(lanes()));
    return this.#last;
  }

  #schedule(): void {
    const { clock, intervalMs, owned } = this.#parts;
    this.#cancel = clock.schedule(intervalMs, () => {
      void this.commit(owned).then(() => {
        if (this.#isRunning) this.#schedule();
      });
    });
  }

  async #commitNow(lanes: readonly PartitionLane[]): Promise<void> {
    const { consumer, counters, fail } = this.#parts;
    const moved = lanes.flatMap(({ id, progress }) => {
      const offset = progress.committableOffset;
      return offset === null ? [] : [{ id, progress, offset }];
    });
    if (moved.length === 0) return;
    try {
      await consumer.commit(
        moved.map(({ id, progress: { leaderEpoch }, offset }) =>
          leaderEpoch === null
            ? { ...id, offset }
            : { ...id, offset, leaderEpoch },
        ),
      );
      for (const { progress, offset } of moved) progress.markCommitted(offset);
    } catch (cause) {
      counters.commitFailures += 1;
      if (mayPass(cause)) return;
      fail(
        new PipelineError(
          "commit-failed",
          `offsets cannot be committed: ${failureOf(cause).message}`,
          cause,
        ),
      );
    }
  }
}

/** A broker that is away may come back; partitions taken away are somebody else's by now. */
function mayPass(cause: unknown): boolean {
  if (!(cause instanceof ClientError)) return false;
  return (
    cause.isRetriable ||
    cause.code === "commit-failed" ||
    cause.code === "broker-unreachable" ||
    cause.code === "timed-out" ||
    cause.code === "closed"
  );
}
