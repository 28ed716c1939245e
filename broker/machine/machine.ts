/**
 * The contract of a state machine whose history is a log.
 *
 * A command reads the state and *decides*: which records to append and what to
 * answer. The runtime appends the records, replays them into the state, and
 * gives the answers when the records are durable. Persisted state changes
 * nowhere but in `replay`, so recovery is not a second code path.
 *
 * What is not persisted (members on their way in, parked requests, timers) is
 * soft state: a command may change it while it decides, and it is gone after
 * `reset`, because clients rebuild it.
 */

export interface StateMachine<Record> {
  /** Applies one record of the log. Must not fail on any record that was ever appended. */
  replay(record: Record, at: RecordPosition): void;
  /** The fewest records that rebuild the present persisted state from nothing. */
  snapshot(): Iterable<Record>;
  /** Forgets everything, soft state too: before a load, and before a reload after a failure. */
  reset(): void;
  /** The log has been replayed to its end: the place to start timers that the state asks for. */
  loaded(timers: Timers<Record>): void;
  /**
   * Every replayed record below this offset is durable. Called before the
   * answers that waited for it are given: the place to show changes to others
   * who read the state without a command. A load ends in `loaded` instead.
   */
  durable?(endOffset: number): void;
}

export interface RecordPosition {
  /** For a record of a snapshot: the last offset that the snapshot covers. */
  readonly offset: number;
  /** When the record was appended, ms since the epoch. */
  readonly timestampMs: number;
}

/** How records become keys and values in a log, and back. */
export interface RecordCodec<Record> {
  encode(record: Record): EncodedRecord;
  /**
   * Null for a record this build does not know and may skip; throws for one that
   * it cannot read, which makes the log unreadable. Key and value are views of a
   * large piece of the log: what is kept of them is better copied.
   */
  decode(key: Uint8Array | null, value: Uint8Array | null): Record | null;
}

export interface EncodedRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** What to persist, and what to answer once that is durable. */
export interface Decision<Answer, Record> {
  readonly records: readonly Record[];
  /** `parked`: the answer comes later, as a release of this command's ticket. */
  readonly answer: Answer | typeof parked;
  /** Answers to commands parked before, given together with this decision. */
  readonly releases: readonly Release[];
}

export const parked = Symbol("parked");

/** Stands for a command that waits for its answer. */
export interface Ticket<Answer> {
  readonly number: number;
  /** Never set: binds the ticket to its answer's type. */
  readonly answerType?: (answer: Answer) => void;
}

/** An answer for a parked command; made by `release`, so that types fit. */
export interface Release {
  readonly ticketNumber: number;
  readonly answer: unknown;
}

export function release<Answer>(
  ticket: Ticket<Answer>,
  answer: Answer,
): Release {
  return { ticketNumber: ticket.number, answer };
}

/** A decision that persists nothing and releases nobody. */
export function answerOnly<Answer>(answer: Answer): Decision<Answer, never> {
  return { records: [], answer, releases: [] };
}

/** A command: reads the state, may change soft state, decides. Synchronous. */
export type Command<Answer, Record> = (
  ticket: Ticket<Answer>,
  timers: Timers<Record>,
) => Decision<Answer, Record>;

/** Time-outs whose expiry is a decision too. A key has at most one timer. */
export interface Timers<Record> {
  /** Replaces a timer of the same key. */
  schedule(
    key: string,
    delayMs: number,
    expire: (timers: Timers<Record>) => Decision<undefined, Record>,
  ): void;
  cancel(key: string): void;
}

/** Why a command got no answer of its own. */
export type MachineFailure =
  | { readonly error: "coordinator-loading" }
  | { readonly error: "coordinator-not-available"; readonly detail: string };

/** What a command comes back with, once it is durable. */
export type MachineResult<Answer> =
  { readonly error: null; readonly answer: Answer } | MachineFailure;
