/**
 * A state machine without its runtime: no log, no disk, and time stands still
 * until it is moved. Records go through the codec before they are kept, so that
 * what a machine decides can be stored and read back.
 *
 * As in the runtime, a decision's records are replayed before the next command,
 * and a command that is parked may be released by its own decision.
 */
import {
  parked,
  type Command,
  type Decision,
  type RecordCodec,
  type StateMachine,
  type Timers,
} from "../../broker/machine/machine.ts";

/** When the first command of a test runs. */
export const EPOCH_MS = 1_700_000_000_000;

export interface HarnessClock {
  now(): number;
}

/** What came of a command or a time-out. `name` is the released command's. */
export interface Effects<Record> {
  readonly answer: string;
  readonly releases: readonly {
    readonly name: string;
    readonly text: string;
  }[];
  readonly records: readonly Record[];
}

/** Says an answer in words. Called once, when the answer is given. */
export interface Caller<Answer> {
  readonly name: string;
  readonly show: (answer: Answer) => string;
}

interface Timer<Record> {
  readonly atMs: number;
  readonly expire: (timers: Timers<Record>) => Decision<undefined, Record>;
}

interface Stored {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
}

export class MachineHarness<Record, Machine extends StateMachine<Record>> {
  readonly #create: (clock: HarnessClock) => Machine;
  readonly #codec: RecordCodec<Record>;
  readonly #clock: HarnessClock = { now: () => EPOCH_MS + this.#elapsedMs };
  readonly #timers = new Map<string, Timer<Record>>();
  readonly #waiting = new Map<number, Caller<unknown>>();
  readonly #log: Stored[] = [];
  #machine: Machine;
  #elapsedMs = 0;
  #nextTicketNumber = 0;

  constructor(
    create: (clock: HarnessClock) => Machine,
    codec: RecordCodec<Record>,
  ) {
    this.#create = create;
    this.#codec = codec;
    this.#machine = create(this.#clock);
    this.#machine.loaded(this.#schedule);
  }

  get machine(): Machine {
    return this.#machine;
  }

  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Commands without an answer yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  run<Answer>(
    command: Command<Answer, Record>,
    { name, show }: Caller<Answer>,
  ): Effects<Record> {
    const number = this.#nextTicketNumber++;
    this.#waiting.set(number, {
      name,
      show: (answer) => show(answer as Answer),
    });
    return this.#apply(command({ number }, this.#schedule), number);
  }

  /** Runs a command that is not parked and gives its answer as it is. */
  ask<Answer>(command: Command<Answer, Record>): Answer {
    let given: Answer | null = null;
    this.run(command, {
      name: "ask",
      show: (answer) => {
        given = answer;
        return "";
      },
    });
    if (given === null) throw new Error("the command was parked");
    return given;
  }

  /** Moves time on. Gives what each time-out did, as far as it can be seen. */
  advanceTo(elapsedMs: number): readonly Effects<Record>[] {
    const effects: Effects<Record>[] = [];
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { atMs }]) => atMs <= elapsedMs)
        .sort(([, left], [, right]) => left.atMs - right.atMs)[0];
      if (due === undefined) break;
      const [key, { atMs, expire }] = due;
      this.#timers.delete(key);
      this.#elapsedMs = Math.max(this.#elapsedMs, atMs);
      effects.push(this.#apply(expire(this.#schedule), null));
    }
    this.#elapsedMs = elapsedMs;
    return effects;
  }

  /** A crash: all that is soft is gone, those who wait are told nothing. */
  reload(): void {
    this.#machine.reset();
    this.#timers.clear();
    this.#waiting.clear();
    this.#machine = this.replayed();
    this.#machine.loaded(this.#schedule);
  }

  /** Another machine, with the state that the log tells. */
  replayed(): Machine {
    return this.#load(this.#log);
  }

  /** Another machine, with the state that a snapshot of this one tells. */
  restored(): Machine {
    const timestampMs = this.#clock.now();
    const snapshot = Array.from(this.#machine.snapshot(), (record) => ({
      ...this.#codec.encode(record),
      timestampMs,
    }));
    return this.#load(snapshot);
  }

  #load(records: readonly Stored[]): Machine {
    const machine = this.#create(this.#clock);
    for (const [offset, { key, value, timestampMs }] of records.entries()) {
      const record = this.#codec.decode(key, value);
      if (record === null) throw new Error("a record that cannot be read");
      machine.replay(record, { offset, timestampMs });
    }
    return machine;
  }

  readonly #schedule: Timers<Record> = {
    schedule: (key, delayMs, expire) => {
      this.#timers.delete(key);
      this.#timers.set(key, { atMs: this.#elapsedMs + delayMs, expire });
    },
    cancel: (key) => {
      this.#timers.delete(key);
    },
  };

  #apply<Answer>(
    decision: Decision<Answer, Record>,
    ticketNumber: number | null,
  ): Effects<Record> {
    const { records, answer, releases } = decision;
    const timestampMs = this.#clock.now();
    for (const record of records) {
      const offset = this.#log.length;
      this.#log.push({ ...this.#codec.encode(record), timestampMs });
      this.#machine.replay(record, { offset, timestampMs });
    }
    let text = "parked";
    if (answer !== parked && ticketNumber !== null) {
      text = this.#give(ticketNumber, answer).text;
    }
    const given = releases.map((each) =>
      this.#give(each.ticketNumber, each.answer),
    );
    return { answer: text, releases: given, records };
  }

  #give(ticketNumber: number, answer: unknown): { name: string; text: string } {
    const caller = this.#waiting.get(ticketNumber);
    if (caller === undefined) {
      throw new Error(`command ${ticketNumber} was answered before`);
    }
    this.#waiting.delete(ticketNumber);
    return { name: caller.name, text: caller.show(answer) };
  }
}
