/**
 * First come, first served, and only so many at a time.
 *
 * Disk calls wait on threads that belong to the embedding process too: a
 * stalled disk that held all of them would stop what has nothing to do with it.
 * So a data directory has one such queue for syncs and one for writes. Waiting
 * costs writes nothing: what gathers meanwhile goes out in one.
 */
export class JobQueue {
  readonly #inFlightMax: number;
  readonly #waiting: (() => void)[] = [];
  #runningCount = 0;

  constructor(inFlightMax: number) {
    this.#inFlightMax = inFlightMax;
  }

  get isIdle(): boolean {
    return this.#runningCount === 0;
  }

  /** Runs the job in its turn; answers, or throws, as it does. */
  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (this.#runningCount < this.#inFlightMax) this.#runningCount++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await job();
    } finally {
      // The place goes to the next in line without being free in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#runningCount--;
      else next();
    }
  }
}
