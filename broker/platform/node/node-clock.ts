/** The machine's clock and timers. */
import type { Cancel, Clock } from "../clock.ts";

/** Node fires a timer with a longer delay than this after one millisecond. */
const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

export class NodeClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  /** Delays beyond what a timer can hold are waited out in turns; an infinite one never fires. */
  schedule(delayMs: number, fire: () => void): Cancel {
    const endMs = this.monotonic() + delayMs;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const leftMs = endMs - this.monotonic();
      // Timers count whole milliseconds and may be early by a fraction of one.
      // What is overdue is no negative delay, of which Node would warn.
      const dueMs = Math.max(0, Math.ceil(leftMs));
      const waitMs = Math.min(dueMs, TIMER_DELAY_MS_MAX);
      timer = setTimeout(() => {
        if (this.monotonic() >= endMs) fire();
        else arm();
      }, waitMs).unref();
    };
    arm();
    return () => clearTimeout(timer);
  }

  defer(fire: () => void): void {
    setImmediate(fire);
  }
}
