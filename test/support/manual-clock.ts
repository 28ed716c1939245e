/**
 * A clock that stands still until a test moves it.
 *
 * Only time is manual: `defer` is a real turn of the event loop, so that a
 * loopback network and promises work as they do outside. Timers that are due at
 * the same time fire in the order in which they were scheduled.
 */
import type { Cancel, Clock } from "../../broker/platform/clock.ts";

interface Timer {
  readonly atMs: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  readonly #epochMs: number;
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  constructor(epochMs = 1_700_000_000_000) {
    this.#epochMs = epochMs;
  }

  now(): number {
    return this.#epochMs + Math.floor(this.#elapsedMs);
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, fire: () => void): Cancel {
    const timer = { atMs: this.#elapsedMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(fire: () => void): void {
    setImmediate(fire);
  }

  /** How many timers wait. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves time on, firing what becomes due in order, also what that schedules in turn. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      const next = this.#nextUntil(endMs);
      if (next === null) break;
      this.#timers.delete(next);
      this.#elapsedMs = next.atMs;
      next.fire();
    }
    this.#elapsedMs = endMs;
  }

  /** The same, with promises and I/O that is ready run before, between and after the timers. */
  async advanceAndSettle(byMs: number): Promise<void> {
    const endMs = this.#elapsedMs + byMs;
    await this.settle();
    for (;;) {
      const next = this.#nextUntil(endMs);
      if (next === null) break;
      this.advance(next.atMs - this.#elapsedMs);
      await this.settle();
    }
    this.#elapsedMs = endMs;
    await this.settle();
  }

  /** Lets so many turns of the event loop pass, without moving time. */
  async settle(turns = 5): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #nextUntil(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue;
      if (next === null || timer.atMs < next.atMs) next = timer;
    }
    return next;
  }
}
