/**
 * Thousands of deadlines (long polls, sessions, time-outs of requests) on one
 * timer of the clock: scheduling and cancelling cost the same whatever waits.
 *
 * Time goes in ticks. Each level is a ring of 64 slots; a slot of level 0 is one
 * tick, a slot of each higher level one round of the level below:
 *
 *   level 0   4 ms a slot     256 ms a round
 *   level 1   256 ms          16 s
 *   level 2   16 s            17 min
 *   level 3   17 min          18 h
 *   level 4   18 h            48 days; what lies further goes round once more
 *
 * A deadline goes into the lowest level whose round reaches it. When a slot of
 * a higher level comes up, its deadlines move down, so each fires in its own
 * tick: never early, late by less than one tick and what the clock adds.
 *
 * Invariant: whatever waits lies behind `#tick`, and the clock's timer is set
 * for the first slot that is not empty, or earlier. An empty wheel sets none.
 */
import { assert } from "./assert.ts";

/** What is asked of a clock: monotonic ms, and one call after at least so many ms. */
export interface WheelClock {
  monotonic(): number;
  schedule(delayMs: number, fire: () => void): () => void;
}

const SLOTS = 64;
const LEVELS = 5;
/** Ticks of one slot at each level, and of the last level's round. */
const SLOT_TICKS = [1, 64, 4_096, 262_144, 16_777_216, 1_073_741_824] as const;
const TICKS_MAX = SLOT_TICKS[LEVELS] - 1;

/** One deadline, in a ring that begins and ends at its slot's head. */
class Entry {
  next: Entry = this;
  previous: Entry = this;
  readonly deadlineTick: number;
  /** Null in the head of a slot, and once fired or cancelled. */
  fire: (() => void) | null;

  constructor(deadlineTick: number, fire: (() => void) | null) {
    this.deadlineTick = deadlineTick;
    this.fire = fire;
  }

  append(entry: Entry): void {
    entry.previous = this.previous;
    entry.next = this;
    this.previous.next = entry;
    this.previous = entry;
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this;
    this.previous = this;
  }

  get isAlone(): boolean {
    return this.next === this;
  }
}

export class TimingWheel {
  // Fixed.
  readonly #clock: WheelClock;
  readonly #tickMs: number;
  readonly #originMs: number;
  readonly #slots: readonly Entry[];

  // Moves as time passes.
  #tick = 0;
  #count = 0;
  /** Due, and being fired: more than one only while a call runs. */
  readonly #due = new Entry(0, null);
  #wakeTick = Infinity;
  #cancelWake: (() => void) | null = null;

  constructor(clock: WheelClock, options: { readonly tickMs?: number } = {}) {
    this.#clock = clock;
    this.#tickMs = options.tickMs ?? 4;
    assert(this.#tickMs > 0, "a tick takes time");
    this.#originMs = clock.monotonic();
    this.#slots = Array.from(
      { length: LEVELS * SLOTS },
      () => new Entry(0, null),
    );
  }

  /** How many deadlines wait. */
  get count(): number {
    return this.#count;
  }

  /** Calls `fire` once, not before `delayMs` have passed. The answer takes it back; harmless later. */
  schedule(delayMs: number, fire: () => void): () => void {
    // Where nothing waits there is nothing to pass by on the way to now.
    if (this.#count === 0) this.#tick = Math.max(this.#tick, this.#nowTick());
    const elapsedMs = this.#clock.monotonic() - this.#originMs;
    const atTick = Math.ceil((elapsedMs + delayMs) / this.#tickMs);
    const entry = new Entry(Math.max(atTick, this.#tick + 1), fire);
    this.#count++;
    this.#wakeBy(this.#place(entry));
    return () => this.#cancel(entry);
  }

  #cancel(entry: Entry): void {
    if (entry.fire === null) return;
    entry.fire = null;
    entry.unlink();
    this.#count--;
    if (this.#count === 0) this.#stopWaking();
  }

  /** Puts the entry in its slot; answers the tick at which that slot comes up. */
  #place(entry: Entry): number {
    const ticksAhead = entry.deadlineTick - this.#tick;
    assert(ticksAhead >= 0, "a deadline lies behind the wheel's time");
    // Beyond the last round: as far as it goes, and then once more.
    const atTick =
      ticksAhead > TICKS_MAX ? this.#tick + TICKS_MAX : entry.deadlineTick;
    let level = 0;
    while (atTick - this.#tick >= slotTicks(level + 1)) level++;
    const slot = Math.floor(atTick / slotTicks(level));
    this.#slotAt(level, slot).append(entry);
    return slot * slotTicks(level);
  }

  #wake(): void {
    // The clock has called, so it is time, whatever the rounding of its sums says.
    const nowTick = Math.max(this.#nowTick(), this.#wakeTick);
    this.#cancelWake = null;
    this.#wakeTick = Infinity;
    try {
      this.#fireDue();
      for (;;) {
        const tick = this.#nextTick();
        if (tick > nowTick) break;
        this.#tick = tick;
        this.#turn();
        this.#fireDue();
      }
    } finally {
      // Also when a call threw: what is due behind it fires at the next tick.
      if (!this.#due.isAlone) this.#wakeBy(this.#tick + 1);
      else if (this.#count > 0) this.#wakeBy(this.#nextTick());
    }
  }

  /** Empties the slots that come up at `#tick`: downwards, and at level 0 into what is due. */
  #turn(): void {
    for (let level = LEVELS - 1; level > 0; level--) {
      if (this.#tick % slotTicks(level) !== 0) continue;
      const head = this.#slotAt(level, this.#tick / slotTicks(level));
      // What goes round once more lands in another slot, so this ends.
      while (!head.isAlone) {
        const entry = head.next;
        entry.unlink();
        this.#place(entry);
      }
    }
    const head = this.#slotAt(0, this.#tick);
    while (!head.isAlone) {
      const entry = head.next;
      entry.unlink();
      this.#due.append(entry);
    }
  }

  #fireDue(): void {
    while (!this.#due.isAlone) {
      const entry = this.#due.next;
      const { fire } = entry;
      assert(fire !== null, "a cancelled deadline came up");
      entry.fire = null;
      entry.unlink();
      this.#count--;
      fire();
    }
  }

  /** When the first slot that is not empty comes up; Infinity: all are. */
  #nextTick(): number {
    let next = Infinity;
    for (let level = 0; level < LEVELS; level++) {
      const ticks = slotTicks(level);
      const current = Math.floor(this.#tick / ticks);
      for (let ahead = 1; ahead <= SLOTS; ahead++) {
        if (this.#slotAt(level, current + ahead).isAlone) continue;
        next = Math.min(next, (current + ahead) * ticks);
        break;
      }
    }
    return next;
  }

  #wakeBy(tick: number): void {
    if (tick >= this.#wakeTick) return;
    this.#cancelWake?.();
    this.#wakeTick = tick;
    const atMs = this.#originMs + tick * this.#tickMs;
    const delayMs = Math.max(0, atMs - this.#clock.monotonic());
    this.#cancelWake = this.#clock.schedule(delayMs, () => this.#wake());
  }

  #stopWaking(): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    this.#wakeTick = Infinity;
  }

  #nowTick(): number {
    const elapsedMs = this.#clock.monotonic() - this.#originMs;
    return Math.floor(elapsedMs / this.#tickMs);
  }

  #slotAt(level: number, slot: number): Entry {
    const head = this.#slots[level * SLOTS + (slot % SLOTS)];
    assert(head !== undefined, "no such slot");
    return head;
  }
}

function slotTicks(level: number): number {
  const ticks = SLOT_TICKS[level];
  assert(ticks !== undefined, "no such level");
  return ticks;
}
