/**
 * Keeps readers of a log's files and whoever moves these files under their
 * names apart.
 *
 * A read finds its segment, its place and then its file, with waits between.
 * Were the segment replaced meanwhile, it would look for its old place in the
 * new file:
 *
 *   find position 4,096 in 0.log, 0.log is replaced, read 4,096 of the new 0.log
 *
 * So a move waits for the reads under way, and reads that come meanwhile wait
 * for the move: some renames long. What a read has opened or mapped stays good
 * after it, whatever becomes of the name.
 */
import { createDeferred } from "./deferred.ts";
import type { Deferred } from "./deferred.ts";

export class FileGate {
  #readerCount = 0;
  /** Pending while files are moved, or are about to be. */
  #moving: Deferred | null = null;
  /** The move waits for the last reader. */
  #drained: Deferred | null = null;

  async read<Result>(job: () => Promise<Result>): Promise<Result> {
    while (this.#moving !== null) await this.#moving.promise;
    this.#readerCount++;
    try {
      return await job();
    } finally {
      this.#readerCount--;
      if (this.#readerCount === 0) this.#drained?.resolve();
    }
  }

  /** One move at a time. */
  async move<Result>(job: () => Promise<Result>): Promise<Result> {
    while (this.#moving !== null) await this.#moving.promise;
    const moving = createDeferred();
    this.#moving = moving;
    try {
      if (this.#readerCount > 0) {
        this.#drained = createDeferred();
        await this.#drained.promise;
      }
      return await job();
    } finally {
      this.#drained = null;
      this.#moving = null;
      moving.resolve();
    }
  }
}
