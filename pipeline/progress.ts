/**
 * How far one partition is: which records are in flight, and up to where the
 * offset may be committed.
 *
 * Records begin in the order of their offsets and settle in any order. The
 * low-water mark is the first offset that has not settled: everything below is
 * delivered, filtered or dead-lettered. Only it may ever be committed, so a
 * crash repeats records and never skips one.
 */
export class PartitionProgress {
  // Slots from #first on are in flight or settled behind one that is in flight.
  #slots: Slot[] = [];
  #first = 0;
  #nextOffset: number;
  #committedOffset: number;
  #leaderEpoch: number | null = null;

  /** `startOffset`: where reading starts. */
  constructor(startOffset: number) {
    this.#nextOffset = startOffset;
    this.#committedOffset = startOffset;
  }

  /** The offset behind the last record that began. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** The latest that a record of this reading came in; a commit carries it. */
  get leaderEpoch(): number | null {
    return this.#leaderEpoch;
  }

  noteLeaderEpoch(leaderEpoch: number | null): void {
    this.#leaderEpoch = leaderEpoch ?? this.#leaderEpoch;
  }

  /** Everything below it has settled. */
  get lowWaterOffset(): number {
    return this.#slots[this.#first]?.offset ?? this.#nextOffset;
  }

  /** What a commit would move the group to, or null where it would not move. */
  get committableOffset(): number | null {
    const offset = this.lowWaterOffset;
    return offset > this.#committedOffset ? offset : null;
  }

  markCommitted(offset: number): void {
    this.#committedOffset = Math.max(this.#committedOffset, offset);
  }

  /** Takes a record in; the function that settles it is called once at most. */
  begin(offset: number): () => void {
    const slot: Slot = { offset, isSettled: false, progress: this };
    this.#slots.push(slot);
    this.#nextOffset = offset + 1;
    return () => {
      slot.isSettled = true;
      slot.progress.#advance();
    };
  }

  /**
   * Where reading goes on at an offset that it had passed. What is in flight
   * before it counts there; what lies behind it counts no more, nor does a
   * commit that is under way.
   */
  goingBackTo(offset: number): PartitionProgress {
    const next = new PartitionProgress(Math.min(offset, this.#nextOffset));
    next.#committedOffset = Math.min(offset, this.#committedOffset);
    for (const slot of this.#slots.slice(this.#first)) {
      if (slot.offset >= offset) break;
      slot.progress = next;
      next.#slots.push(slot);
    }
    return next;
  }

  #advance(): void {
    while (this.#slots[this.#first]?.isSettled === true) this.#first += 1;
    // Half of the array is done: drop it, at one copy a record on average.
    if (this.#first > 1_024 && this.#first * 2 > this.#slots.length) {
      this.#slots = this.#slots.slice(this.#first);
      this.#first = 0;
    }
  }
}

interface Slot {
  readonly offset: number;
  isSettled: boolean;
  /** Which it counts for. */
  progress: PartitionProgress;
}
