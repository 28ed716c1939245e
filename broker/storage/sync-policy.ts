/**
 * When files are synced: group commit a log, and a queue a disk.
 *
 * While a sync of a log runs, everything written meanwhile waits for the *next*
 * one, which answers all of it. A sync counts for what was written before it
 * *started*; joining one that runs would promise too much:
 *
 *   write A, sync starts, write B, B joins, sync ends      // B may not be on the disk
 *
 * All logs of a disk share a queue with at most two syncs under way, as they
 * take threads that belong to the embedding process too.
 */
import { createDeferred } from "./deferred.ts";
import type { Deferred } from "./deferred.ts";
import type { JobQueue } from "./job-queue.ts";

/** Of all logs of a disk. */
export const SYNCS_IN_FLIGHT_MAX = 2;

export class GroupCommit {
  readonly #queue: JobQueue;
  readonly #sync: () => Promise<number>;
  /** Offsets below this are on the disk. */
  #syncedEndOffset: number;
  /** Those who wait for a sync that has not started. */
  #next: Deferred | null = null;
  #isScheduled = false;
  #running: Deferred | null = null;

  /**
   * `sync` makes durable what is written when it is called, and answers the
   * offset that this reaches to. If it rejects, all who wait are rejected.
   */
  constructor(
    queue: JobQueue,
    sync: () => Promise<number>,
    syncedEndOffset: number,
  ) {
    this.#queue = queue;
    this.#sync = sync;
    this.#syncedEndOffset = syncedEndOffset;
  }

  get syncedEndOffset(): number {
    return this.#syncedEndOffset;
  }

  /** Resolves when everything below `endOffset`, which must be written already, is on the disk. */
  wait(endOffset: number): Promise<void> {
    if (endOffset <= this.#syncedEndOffset) return Promise.resolve();
    return this.request();
  }

  /** The next sync, whoever else needs it. */
  request(): Promise<void> {
    this.#next ??= createDeferred();
    const { promise } = this.#next;
    this.#schedule();
    return promise;
  }

  /** Rejects all who wait for a sync that has not started. */
  fail(error: unknown): void {
    this.#next?.reject(error);
    this.#next = null;
  }

  /** Resolves when no sync is under way. */
  async idle(): Promise<void> {
    while (this.#running !== null) {
      // Its failure is told to those who wait for it.
      await this.#running.promise.catch(() => {});
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#running !== null) return;
    this.#isScheduled = true;
    void this.#queue.run(() => this.#run());
  }

  async #run(): Promise<void> {
    this.#isScheduled = false;
    const group = this.#next;
    // All who waited were turned away by `fail` in the meantime.
    if (group === null) return;
    this.#next = null;
    this.#running = group;
    try {
      const endOffset = await this.#sync();
      this.#syncedEndOffset = Math.max(this.#syncedEndOffset, endOffset);
      group.resolve();
    } catch (error) {
      group.reject(error);
      this.fail(error);
    }
    this.#running = null;
    if (this.#next !== null) this.#schedule();
  }
}
