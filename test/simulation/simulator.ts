/**
 * A world that one seed decides: time, order, and every chance.
 *
 * Whatever takes time in it (a timer, a disk, a network) puts its completion in
 * one queue, at a delay drawn from one generator. The loop takes the earliest
 * event, moves the clock to it, fires it, lets every promise that follows run,
 * and takes the next. JavaScript settles promises in a fixed order, so the same
 * seed gives the same run on any machine; the trace hash shows that it did.
 *
 * Nothing in the world may take time, randomness or an order from outside:
 * no `Date`, no timers, no threads, no asynchronous zlib or crypto.
 */
import { SeededRandom } from "../support/seeded-random.ts";
import { EventQueue } from "./event-queue.ts";
import type { SimEvent } from "./event-queue.ts";
import { TraceHash } from "./trace-hash.ts";

/** Takes an event back; harmless after it was fired. */
export type CancelEvent = () => void;

/** What a run does with a line of its trace; nothing by default. */
export type TraceSink = (line: string) => void;

/** Long waits end somewhere, or a run that cannot end would not be seen. */
const EVENT_COUNT_MAX = 1_500_000;

export class SimulationStuck extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "SimulationStuck";
  }
}

export class Simulator {
  readonly random: SeededRandom;
  readonly #queue = new EventQueue();
  readonly #hash = new TraceHash();
  readonly #sink: TraceSink | null;
  #nowUs = 0;
  #sequence = 0;
  #eventCount = 0;
  #failure: { readonly error: unknown } | null = null;

  constructor(seed: number, sink: TraceSink | null = null) {
    this.random = new SeededRandom(seed);
    this.#sink = sink;
  }

  /** Since the beginning of the world. */
  get nowMs(): number {
    return this.#nowUs / 1_000;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get traceHash(): string {
    return this.#hash.value;
  }

  /** A generator of its own for a part that draws often, so that parts do not shift each other. */
  fork(): SeededRandom {
    return new SeededRandom(this.random.integer(2 ** 32));
  }

  schedule(
    delayMs: number,
    kind: string,
    detail: string,
    fire: () => void,
  ): CancelEvent {
    const event: SimEvent = {
      // Never early: who waits for a moment looks whether it has come.
      atUs: this.#nowUs + Math.max(0, Math.ceil(delayMs * 1_000)),
      sequence: this.#sequence++,
      kind,
      detail,
      fire,
      isCancelled: false,
    };
    this.#queue.push(event);
    return () => {
      event.isCancelled = true;
    };
  }

  /** Something happened that is worth a line: it counts for the hash. */
  trace(kind: string, detail: string): void {
    this.#hash.add(`${this.#nowUs} ${kind} ${detail}\n`);
    if (this.#sink === null) return;
    const at = (this.#nowUs / 1_000).toFixed(3).padStart(12);
    this.#sink(`${at} ${kind} ${detail}`);
  }

  /** Ends the run: the loop throws the first error that it is told. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Fires events until the condition holds; false when the time is over first. */
  async runUntil(isDone: () => boolean, durationMs: number): Promise<boolean> {
    const endUs = this.#nowUs + Math.ceil(durationMs * 1_000);
    let isTimeOver = false;
    this.schedule(durationMs, "time", "over", () => {
      isTimeOver = true;
    });
    while (!isDone()) {
      if (isTimeOver) return false;
      const event = this.#queue.pop();
      if (event === null || event.atUs > endUs) {
        throw new SimulationStuck("the queue lost the end of the wait");
      }
      if (event.isCancelled) continue;
      await this.#fire(event);
    }
    return true;
  }

  async #fire(event: SimEvent): Promise<void> {
    this.#nowUs = event.atUs;
    this.#eventCount += 1;
    if (this.#eventCount > EVENT_COUNT_MAX) {
      throw new SimulationStuck(`more than ${EVENT_COUNT_MAX} events`);
    }
    this.trace(event.kind, event.detail);
    event.fire();
    // The one turn of the real event loop: every microtask runs before it.
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (this.#failure !== null) throw this.#failure.error;
  }
}
