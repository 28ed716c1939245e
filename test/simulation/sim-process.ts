/**
 * A process of the simulated world: it may die at any moment.
 *
 * Whatever it started is its own. From its death on no timer of it fires, no
 * call to its disk or network has an effect, and no promise that it waits for
 * is ever settled: its code stays where it was, and is collected as garbage.
 */
import type { Cancel, Clock } from "../../broker/platform/clock.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import type { Simulator } from "./simulator.ts";

/** Where the wall clock stands when a world begins. */
const EPOCH_MS = 1_700_000_000_000;
/** A turn of an event loop that has something to do. */
const TURN_MS_MAX = 0.05;

export class SimProcess {
  readonly name: string;
  readonly simulator: Simulator;
  readonly random: SeededRandom;
  readonly clock: Clock;
  readonly #deaths: (() => void)[] = [];
  #isAlive = true;

  constructor(simulator: Simulator, name: string) {
    this.simulator = simulator;
    this.name = name;
    this.random = simulator.fork();
    this.clock = clockOf(this);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** Fires only if the process lives then. */
  schedule(
    delayMs: number,
    kind: string,
    detail: string,
    fire: () => void,
  ): Cancel {
    if (!this.#isAlive) return () => {};
    return this.simulator.schedule(
      delayMs,
      kind,
      `${this.name} ${detail}`,
      () => {
        if (this.#isAlive) fire();
      },
    );
  }

  /** What the system does with what the process leaves: its files, its connections. */
  onDeath(handler: () => void): void {
    this.#deaths.push(handler);
  }

  die(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    for (const handler of this.#deaths) handler();
  }
}

function clockOf(process: SimProcess): Clock {
  const { simulator } = process;
  return {
    now: () => EPOCH_MS + Math.floor(simulator.nowMs),
    monotonic: () => simulator.nowMs,
    schedule: (delayMs, fire) => process.schedule(delayMs, "timer", "", fire),
    defer: (fire) => {
      const delayMs = process.random.fraction() * TURN_MS_MAX;
      process.schedule(delayMs, "defer", "", fire);
    },
  };
}
