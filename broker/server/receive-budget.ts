/**
 * How many received bytes the broker holds for all connections together:
 * frames that are half here, waiting for their turn, or being processed.
 *
 * Above the budget, connections stop reading. Frames that are whole are worked
 * off and give their bytes back. Some bytes only the peer can set free: half a
 * frame, which may never be finished, and whole ones behind answers that the
 * peer does not take. So when such bytes alone fill half of the budget, the
 * connection with the most of them is closed: three peers that send all but the
 * last byte of a large frame must not stop everybody else.
 */

export interface BudgetUser {
  /** Bytes that only the peer can set free. */
  readonly stuckSizeBytes: number;
  pauseReading(): void;
  resumeReading(): void;
  /** Closes the connection because it holds too much of the budget. */
  evict(): void;
}

export class ReceiveBudget {
  readonly #sizeBytesMax: number;
  readonly #users = new Set<BudgetUser>();
  readonly #paused = new Set<BudgetUser>();
  #usedSizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.#sizeBytesMax = sizeBytesMax;
  }

  get usedSizeBytes(): number {
    return this.#usedSizeBytes;
  }

  join(user: BudgetUser): void {
    this.#users.add(user);
  }

  leave(user: BudgetUser): void {
    this.#users.delete(user);
    this.#paused.delete(user);
  }

  /** Counts bytes in; may pause the user, or evict the one with the most stuck bytes. */
  take(user: BudgetUser, sizeBytes: number): void {
    this.#usedSizeBytes += sizeBytes;
    if (this.#usedSizeBytes <= this.#sizeBytesMax) return;
    this.#paused.add(user);
    user.pauseReading();
    this.#evictMostStuck();
  }

  give(sizeBytes: number): void {
    this.#usedSizeBytes -= sizeBytes;
    if (this.#usedSizeBytes > this.#sizeBytesMax) return;
    for (const user of this.#paused) {
      this.#paused.delete(user);
      user.resumeReading();
    }
  }

  #evictMostStuck(): void {
    let largest: BudgetUser | null = null;
    let stuckSizeBytes = 0;
    for (const user of this.#users) {
      stuckSizeBytes += user.stuckSizeBytes;
      if (largest === null || user.stuckSizeBytes > largest.stuckSizeBytes) {
        largest = user;
      }
    }
    if (largest !== null && stuckSizeBytes > this.#sizeBytesMax / 2) {
      largest.evict();
    }
  }
}
