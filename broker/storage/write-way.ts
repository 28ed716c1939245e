/**
 * How bytes reach a file: at once, or on the thread pool.
 *
 * A synchronous write is the cheapest by far (7 us against 25 to 45), as long
 * as the disk takes it. While it does not, the event loop stands. So writes are
 * synchronous on a disk that has been quick, and asynchronous, one at a time,
 *
 * - while a sync is under way: that is when systems hold writers back;
 * - for half a minute after a write that took long, whichever way it went: a
 *   disk that stalls now and then stops the event loop once and not again.
 *
 * What gathers behind an asynchronous write goes out in the next one. The
 * figures are in docs/decisions/0012-how-an-append-is-written.md.
 */
import type { Clock } from "../platform/clock.ts";
import type { DiskFile } from "../platform/disk.ts";
import { JobQueue } from "./job-queue.ts";

/** One is enough to keep a disk busy, and leaves threads to the embedder. */
const WRITES_IN_FLIGHT_MAX = 1;
const SLOW_WRITE_MS = 20;
const DISTRUST_MS = 30_000;

export class WriteWay {
  readonly #clock: Clock;
  readonly #syncs: JobQueue;
  readonly #writes = new JobQueue(WRITES_IN_FLIGHT_MAX);
  #distrustedUntilMs = 0;

  constructor(clock: Clock, syncs: JobQueue) {
    this.#clock = clock;
    this.#syncs = syncs;
  }

  /** Whether the disk has been quick, so that the next write may block. */
  get isTrusted(): boolean {
    return (
      this.#syncs.isIdle && this.#clock.monotonic() >= this.#distrustedUntilMs
    );
  }

  /** `take` is asked for the parts when the disk is free for them. Throws `DiskError`. */
  async append(
    file: DiskFile,
    take: () => readonly Uint8Array[],
  ): Promise<void> {
    if (this.isTrusted) {
      const startMs = this.#clock.monotonic();
      try {
        file.appendSync(take());
      } finally {
        this.#note(startMs);
      }
      return;
    }
    await this.#writes.run(async () => {
      const startMs = this.#clock.monotonic();
      try {
        await file.append(take());
      } finally {
        this.#note(startMs);
      }
    });
  }

  #note(startMs: number): void {
    const endMs = this.#clock.monotonic();
    if (endMs - startMs >= SLOW_WRITE_MS) {
      this.#distrustedUntilMs = endMs + DISTRUST_MS;
    }
  }
}
