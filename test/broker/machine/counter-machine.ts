/**
 * The smallest machine that shows everything: named counters. A record sets a
 * counter; commands add to one, read one, or wait until one reaches a value.
 */
import {
  answerOnly,
  parked,
  release,
  type Command,
  type RecordCodec,
  type RecordPosition,
  type StateMachine,
  type Ticket,
  type Timers,
} from "../../../broker/machine/machine.ts";

export interface CounterRecord {
  readonly name: string;
  readonly value: number;
}

export const counterCodec: RecordCodec<CounterRecord> = {
  encode: ({ name, value }) => ({
    key: Buffer.from(name),
    value: Buffer.from(String(value)),
  }),
  decode: (key, value) => {
    const text = Buffer.from(value ?? []).toString();
    if (text === "malformed") throw new RangeError("malformed record");
    if (text === "from the future") return null;
    return { name: Buffer.from(key ?? []).toString(), value: Number(text) };
  },
};

export class CounterMachine implements StateMachine<CounterRecord> {
  readonly values = new Map<string, number>();
  readonly positions: RecordPosition[] = [];
  durableEndOffset = 0;
  loadCount = 0;
  /** Soft state. */
  readonly #waiting = new Map<string, Ticket<number>>();

  replay({ name, value }: CounterRecord, at: RecordPosition): void {
    if (name === "unreplayable") throw new Error("a bug in replay");
    this.values.set(name, value);
    this.positions.push(at);
  }

  *snapshot(): Generator<CounterRecord> {
    for (const [name, value] of this.values) yield { name, value };
  }

  reset(): void {
    this.values.clear();
    this.positions.length = 0;
    this.#waiting.clear();
  }

  loaded(): void {
    this.loadCount += 1;
  }

  durable(endOffset: number): void {
    this.durableEndOffset = endOffset;
  }

  add(name: string, by = 1): Command<number, CounterRecord> {
    return () => {
      const value = this.#valueOf(name) + by;
      const waiting = this.#waiting.get(name);
      this.#waiting.delete(name);
      return {
        records: [{ name, value }],
        answer: value,
        releases: waiting === undefined ? [] : [release(waiting, value)],
      };
    };
  }

  /** Several counters in one decision. */
  addAll(names: readonly string[]): Command<null, CounterRecord> {
    return () => ({
      records: names.map((name) => ({ name, value: this.#valueOf(name) + 1 })),
      answer: null,
      releases: [],
    });
  }

  get(name: string): Command<number, CounterRecord> {
    return () => answerOnly(this.#valueOf(name));
  }

  /** Answered when somebody adds to it. */
  next(name: string): Command<number, CounterRecord> {
    return (ticket) => {
      this.#waiting.set(name, ticket);
      return { records: [], answer: parked, releases: [] };
    };
  }

  /** Adds after the delay, unless it is called again before. */
  addLater(name: string, delayMs: number): Command<null, CounterRecord> {
    return (_ticket, timers: Timers<CounterRecord>) => {
      timers.schedule(name, delayMs, () => ({
        records: [{ name, value: this.#valueOf(name) + 1 }],
        answer: undefined,
        releases: [],
      }));
      return answerOnly(null);
    };
  }

  #valueOf(name: string): number {
    return this.values.get(name) ?? 0;
  }
}
