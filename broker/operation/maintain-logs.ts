/**
 * What a log needs done from time to time, whoever produces to it or not: one
 * loop goes over the partitions that have files, and gives each to its jobs in
 * turn.
 *
 * A partition without files costs two look-ups, and one that no job concerns is
 * not opened. Rounds do not overlap: the next one is due an interval after the
 * end of the last. What fails on one log is told, and the round goes on.
 */
import type { Topic } from "../catalog/topic.ts";
import type { Logger } from "../options.ts";
import type { Cancel, Clock } from "../platform/clock.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import type { SegmentFacts } from "../storage/retention.ts";
import { StorageError } from "../storage/storage-error.ts";
import type { Partitions } from "./partitions.ts";

/** One log as the jobs see it. */
export interface MaintainedLog {
  readonly topic: Topic;
  readonly partition: number;
  readonly log: PartitionLog;
  /** Aborted when the broker closes: what takes long ends early then. */
  readonly stopped: AbortSignal;
}

/** Something that is done to logs from time to time. */
export interface LogJob {
  /** For the operator: what could not be done. */
  readonly name: string;
  /** False: nothing that is in such a topic's logs would give it anything to do. */
  concerns(topic: Topic): boolean;
  /** Of a partition that nobody has opened, with one segment: whether it can stay so this round. */
  canWait?(topic: Topic, segment: SegmentFacts): boolean;
  /** Throws `StorageError`. */
  run(at: MaintainedLog): Promise<void>;
}

export interface LogMaintenanceParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly partitions: Partitions;
  /** All there are at the beginning of a round. */
  readonly topics: () => readonly Topic[];
  /** Which partitions have files at all, and what can be said of one that is not open. */
  readonly directory: Pick<DataDirectory, "hasDirectory" | "peek">;
  /** A job has thrown what is no fault of the disk: a bug. */
  readonly crashed: (error: unknown) => void;
}

export interface LogMaintenanceTimes {
  /** From opening to the first round. */
  readonly firstDelayMs: number;
  readonly intervalMs: number;
}

/** The event loop is given to others after so much work, or so many look-ups. */
const TURN_MS_MAX = 5;
const LOOK_UPS_A_TURN = 512;

export class LogMaintenance {
  // Fixed at creation.
  readonly #parts: LogMaintenanceParts;
  readonly #jobs: readonly LogJob[];
  readonly #times: LogMaintenanceTimes;
  readonly #stop = new AbortController();

  // Moves with each round.
  #cancel: Cancel = () => {};
  #round: Promise<void> = Promise.resolve();
  #turnStartMs = 0;
  #lookUpCount = 0;

  constructor(
    parts: LogMaintenanceParts,
    jobs: readonly LogJob[],
    times: LogMaintenanceTimes,
  ) {
    this.#parts = parts;
    this.#jobs = jobs;
    this.#times = times;
  }

  start(): void {
    this.#schedule(this.#times.firstDelayMs);
  }

  /** No job is begun any more; resolves when the one under way has ended. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancel();
    await this.#round;
  }

  #schedule(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#cancel = this.#parts.clock.schedule(delayMs, () => {
      this.#round = this.#goRound().then(
        () => this.#schedule(this.#times.intervalMs),
        this.#parts.crashed,
      );
    });
  }

  async #goRound(): Promise<void> {
    this.#turnStartMs = this.#parts.clock.monotonic();
    for (const topic of this.#parts.topics()) {
      const jobs = this.#jobs.filter((job) => job.concerns(topic));
      if (jobs.length === 0) continue;
      for (let index = 0; index < topic.partitionCount; index++) {
        if (this.#stop.signal.aborted) return;
        await this.#maybeYield();
        if (
          this.#parts.directory.hasDirectory({
            topic: topic.name,
            partition: index,
          })
        ) {
          await this.#maintain(topic, index, jobs);
        }
      }
    }
  }

  async #maintain(
    topic: Topic,
    partition: number,
    jobs: readonly LogJob[],
  ): Promise<void> {
    const due = await this.#dueJobs(topic, partition, jobs);
    if (due.length === 0 || this.#stop.signal.aborted) return;
    const found = await this.#parts.partitions.find(topic.name, partition);
    // Gone meanwhile, or offline, which whoever found out has told.
    if (found.error !== null) return;
    const { log } = found;
    const stopped = this.#stop.signal;
    for (const job of due) {
      if (stopped.aborted || log.fault !== null) return;
      try {
        await job.run({ topic, partition, log, stopped });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        // A log that was closed under the job's hands belongs to a deleted topic.
        if (error.code === "log-closed") return;
        this.#parts.logger.error(
          { topic: topic.name, partition, code: error.code },
          `${job.name} failed: ${error.message}`,
        );
      }
    }
  }

  /** Those that the partition has to be opened for, if it is not open. */
  async #dueJobs(
    topic: Topic,
    partition: number,
    jobs: readonly LogJob[],
  ): Promise<readonly LogJob[]> {
    if (!jobs.some((job) => job.canWait !== undefined)) return jobs;
    try {
      const at = { topic: topic.name, partition };
      const segment = await this.#parts.directory.peek(at);
      if (segment === null) return jobs;
      return jobs.filter((job) => job.canWait?.(topic, segment) !== true);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // Opening it says what is wrong with it.
      return jobs;
    }
  }

  async #maybeYield(): Promise<void> {
    const { clock } = this.#parts;
    this.#lookUpCount++;
    const isOver =
      this.#lookUpCount >= LOOK_UPS_A_TURN ||
      clock.monotonic() - this.#turnStartMs >= TURN_MS_MAX;
    if (!isOver) return;
    await new Promise<void>((resolve) => {
      clock.defer(resolve);
    });
    this.#lookUpCount = 0;
    this.#turnStartMs = clock.monotonic();
  }
}
