/**
 * How many bytes all connections together move in one turn of the event loop.
 *
 * Twenty peers that send as fast as they can, or a thousand that ask for a
 * megabyte at the same moment, are one long turn: whoever asks for little
 * meanwhile gets it when all of that has been copied. So what is large waits
 * for another turn when the turn's share is spent, in the order in which it
 * came. What is small never waits.
 */
import type { Clock } from "../platform/clock.ts";

/** About a millisecond of copying. */
const SHARE_SIZE_BYTES = 1024 * 1024;
/** Each may begin to read again, and what it reads is counted only then. */
const RESUMED_PER_TURN_MAX = 8;

/** One for each direction: who sends much does not stand behind who asks for much. */
export interface TurnShares {
  readonly received: TurnShare;
  readonly sent: TurnShare;
}

export class TurnShare {
  readonly #clock: Pick<Clock, "defer">;
  readonly #waiting: (() => void)[] = [];
  #spentSizeBytes = 0;
  #isTurnAwaited = false;

  constructor(clock: Pick<Clock, "defer">) {
    this.#clock = clock;
  }

  get isSpent(): boolean {
    return this.#spentSizeBytes >= SHARE_SIZE_BYTES;
  }

  spend(sizeBytes: number): void {
    this.#spentSizeBytes += sizeBytes;
    // Less than that is carried over, which costs no call at a turn's end.
    if (this.#spentSizeBytes >= SHARE_SIZE_BYTES / 2) this.#awaitTurn();
  }

  /** Calls back in a later turn, after those who wait already. */
  wait(resume: () => void): void {
    this.#waiting.push(resume);
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    this.#clock.defer(() => this.#beginTurn());
  }

  #beginTurn(): void {
    this.#isTurnAwaited = false;
    this.#spentSizeBytes = 0;
    for (let count = 0; count < RESUMED_PER_TURN_MAX; count++) {
      if (this.isSpent) break;
      const resume = this.#waiting.shift();
      if (resume === undefined) break;
      resume();
    }
    if (this.#waiting.length > 0) this.#awaitTurn();
  }
}
