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
  #slots: { readonly offset: number; isSettled: boolean }[] = [];
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
    const slot = { offset, isSettled: false };
    this.#slots.push(slot);
    this.#nextOffset = offset + 1;
    return () => {
      slot.isSettled = true;
      this.#advance();
    };
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
