/**
 * How fast compaction goes. It shares one thread and one disk with everybody
 * who produces and fetches, and nobody waits for it.
 *
 * - It works in slices of a seventh of a millisecond, and gives the event loop a
 *   turn behind each. A request waits for one slice at most: it is the length of
 *   a slice, and not how many there are, that the slowest of a hundred feel.
 * - Of the time it takes a third: behind some slices it rests.
 * - It reads and writes at most so many bytes a second (Kafka's
 *   `log.cleaner.io.max.bytes.per.second`).
 *
 * A slice can be longer where one call cannot be divided: inflating one batch.
 */
import type { Clock } from "../../platform/clock.ts";

const SLICE_MS = 0.15;
/** Slices between two rests, and how long a rest is. */
const SLICES_PER_REST = 16;
const REST_MS = 5;
/** Bytes owed are worth a timer from this on. */
const OWED_MS_MIN = 4;

/** Ends a pass that nobody wants any more; caught where the pass began. */
export class CompactionStopped extends Error {
  constructor() {
    super("the compaction was stopped");
  }
}

export class Pace {
  readonly #clock: Clock;
  readonly #sizeBytesPerSecondMax: number;
  readonly #isWanted: () => boolean;
  #sliceStartMs: number;
  #sliceCount = 0;
  /** When the bytes so far would have been done at the greatest rate. */
  #paidUntilMs: number;

  constructor(
    clock: Clock,
    options: {
      readonly sizeBytesPerSecondMax: number;
      /** False ends the work at its next pause. */
      readonly isWanted: () => boolean;
    },
  ) {
    this.#clock = clock;
    this.#sizeBytesPerSecondMax = options.sizeBytesPerSecondMax;
    this.#isWanted = options.isWanted;
    this.#sliceStartMs = clock.monotonic();
    this.#paidUntilMs = this.#sliceStartMs;
  }

  /** Counts bytes that were read or written. */
  note(sizeBytes: number): void {
    const nowMs = this.#clock.monotonic();
    // What was not used of the rate does not add up to a burst.
    this.#paidUntilMs =
      Math.max(this.#paidUntilMs, nowMs) +
      (sizeBytes / this.#sizeBytesPerSecondMax) * 1000;
  }

  /** To be asked often: whether `pause` should be called now. */
  get isDue(): boolean {
    const nowMs = this.#clock.monotonic();
    return (
      nowMs - this.#sliceStartMs >= SLICE_MS ||
      this.#paidUntilMs - nowMs >= OWED_MS_MIN
    );
  }

  /** Lets others have their turn. Throws `CompactionStopped`. */
  async pause(): Promise<void> {
    this.#check();
    const owedMs = this.#paidUntilMs - this.#clock.monotonic();
    this.#sliceCount++;
    const isRestDue = this.#sliceCount % SLICES_PER_REST === 0;
    const restMs = Math.max(
      isRestDue ? REST_MS : 0,
      owedMs >= OWED_MS_MIN ? owedMs : 0,
    );
    await new Promise<void>((resolve) => {
      if (restMs > 0) this.#clock.schedule(restMs, resolve);
      else this.#clock.defer(resolve);
    });
    this.#check();
    this.#sliceStartMs = this.#clock.monotonic();
  }

  #check(): void {
    if (!this.#isWanted()) throw new CompactionStopped();
  }
}
