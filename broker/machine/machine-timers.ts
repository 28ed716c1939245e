/**
 * A machine's time-outs: each expiry is a decision, run through the runtime
 * like a command. A timer belongs to the state that scheduled it: `clear` is
 * called whenever that state is dropped, and none of its timers fires after.
 */
import type { Cancel, Clock } from "../platform/clock.ts";
import type { Decision, Timers } from "./machine.ts";

export type Expiry<Record> = (
  timers: Timers<Record>,
) => Decision<undefined, Record>;

export class MachineTimers<Record> implements Timers<Record> {
  readonly #clock: Clock;
  readonly #expired: (expiry: Expiry<Record>) => void;
  readonly #cancels = new Map<string, Cancel>();

  constructor(clock: Clock, expired: (expiry: Expiry<Record>) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  schedule(key: string, delayMs: number, expire: Expiry<Record>): void {
    this.cancel(key);
    const cancel = this.#clock.schedule(delayMs, () => {
      // A clock may have queued the call before `cancel` reached it.
      if (this.#cancels.get(key) !== cancel) return;
      this.#cancels.delete(key);
      this.#expired(expire);
    });
    this.#cancels.set(key, cancel);
  }

  cancel(key: string): void {
    const cancel = this.#cancels.get(key);
    if (cancel === undefined) return;
    this.#cancels.delete(key);
    cancel();
  }

  clear(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
  }
}
