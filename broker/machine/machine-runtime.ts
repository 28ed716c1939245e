/**
 * Runs a state machine over its log:
 * decide -> append -> replay -> answer when durable; load by replay.
 *
 * A command runs at once, on the newest replayed state, and its records are
 * replayed before `run` returns: the next command sees them. Only the answer
 * waits, until its own records are durable, or, when it has none, those of
 * every command before it, because it may have read them. Commands that arrive
 * while a sync is running share the next one; that lies in `durable()`.
 *
 * Invariant: an answer is given only when all that it says can be replayed.
 *
 * When an append or a sync fails, all that was decided upon it is void:
 *
 *   append A, append B (decided on A's state)     both replayed, both unanswered
 *   A's write fails                               the log ends before A
 *   B's answer would now tell of a state that never was
 *
 * So the whole state goes, every unanswered command gets
 * `coordinator-not-available`, and the log is loaded again. `#generation` tells
 * what belongs to a state that is gone.
 */
import { assert } from "../lib/assert.ts";
import type { Clock } from "../platform/clock.ts";
import { encodeBatch, encodeSnapshot } from "./machine-batch.ts";
import { detailOf, loadMachine } from "./machine-loader.ts";
import type { MachineLog, Snapshot, SnapshotStore } from "./machine-log.ts";
import { MachineTimers } from "./machine-timers.ts";
import {
  parked,
  type Command,
  type Decision,
  type MachineFailure,
  type MachineResult,
  type RecordCodec,
  type Release,
  type StateMachine,
  type Ticket,
} from "./machine.ts";

export interface MachineParts<Record> {
  readonly machine: StateMachine<Record>;
  readonly codec: RecordCodec<Record>;
  readonly log: MachineLog;
  /** Null where nothing outlives the process. */
  readonly snapshots: SnapshotStore | null;
  readonly clock: Clock;
}

export interface MachineOptions {
  /** A snapshot is written when the log has grown by so much since the last. */
  readonly snapshotIntervalSizeBytes: number;
  /** Between two tries to load a log that could not be read. */
  readonly reloadDelayMs: number;
  readonly stateChanged: (state: MachineState) => void;
  /** Something the operator should know that stops nothing. */
  readonly warn: (detail: string) => void;
  /** A decision or a replay threw: a bug. The machine is out of use from here on. */
  readonly crashed: (error: unknown) => void;
}

export type MachineState =
  | { readonly phase: "loading" }
  | { readonly phase: "ready" }
  /** The log cannot be read; it is tried again. */
  | { readonly phase: "unavailable"; readonly detail: string }
  | { readonly phase: "closed"; readonly detail: string };

type Settle = (result: MachineResult<unknown>) => void;

export class MachineRuntime<Record> {
  readonly #parts: MachineParts<Record>;
  readonly #options: MachineOptions;
  readonly #timers: MachineTimers<Record>;

  // Moves with each load and each failure.
  #state: MachineState = { phase: "loading" };
  #generation = 0;

  // Moves with each command.
  #nextTicketNumber = 0;
  /** Every command that has no answer yet, by its ticket's number. */
  readonly #waiting = new Map<number, Settle>();
  #endOffset = 0;
  /** Settles with the newest append; null when everything is durable. Never rejects. */
  #pending: Promise<void> | null = null;

  // Moves with each snapshot.
  #snapshotEndOffset = 0;
  /** Bytes of log that a load would replay behind the newest snapshot. */
  #unsavedSizeBytes = 0;
  #saving: Promise<void> | null = null;

  constructor(parts: MachineParts<Record>, options: MachineOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#timers = new MachineTimers(parts.clock, (expire) =>
      this.#decide(() => expire(this.#timers), null),
    );
  }

  get state(): MachineState {
    return this.#state;
  }

  /** Loads the log. Returns when the first try has ended: `state` says how. */
  async start(): Promise<void> {
    await this.#load();
  }

  /**
   * Runs a command. Answers a failure while the log is being loaded, when it
   * cannot be read or written, and after `close`; never rejects.
   */
  run<Answer>(
    command: Command<Answer, Record>,
  ): Promise<MachineResult<Answer>> {
    const refusal = this.#refusal();
    if (refusal !== null) return Promise.resolve(refusal);
    const ticket: Ticket<Answer> = { number: this.#nextTicketNumber++ };
    return new Promise((resolve) => {
      this.#waiting.set(ticket.number, resolve as Settle);
      this.#decide(() => command(ticket, this.#timers), ticket.number);
    });
  }

  /** Answers what can still be answered, writes a snapshot, and takes no more commands. */
  async close(): Promise<void> {
    if (this.#state.phase === "closed") return;
    const wasReady = this.#state.phase === "ready";
    const generation = this.#generation;
    this.#timers.clear();
    this.#setState({ phase: "closed", detail: "the broker is closing" });
    if (this.#pending !== null) await this.#pending;
    this.#refuseWaiting("the broker is closing");
    if (this.#saving !== null) await this.#saving;
    if (!wasReady || generation !== this.#generation) return;
    this.#maybeSaveSnapshot();
    if (this.#saving !== null) await this.#saving;
  }

  /**
   * Writes a snapshot of what the machine knows now. False where it could not
   * be written, or the machine is not ready. Never rejects.
   */
  async saveSnapshot(): Promise<boolean> {
    if (this.#parts.snapshots === null) return true;
    const endOffset = this.#endOffset;
    if (this.#saving !== null) await this.#saving;
    if (this.#state.phase !== "ready") return false;
    this.#maybeSaveSnapshot();
    if (this.#saving !== null) await this.#saving;
    return this.#snapshotEndOffset >= endOffset;
  }

  #refusal(): MachineFailure | null {
    switch (this.#state.phase) {
      case "ready":
        return null;
      case "loading":
        return { error: "coordinator-loading" };
      case "unavailable":
      case "closed":
        return {
          error: "coordinator-not-available",
          detail: this.#state.detail,
        };
    }
  }

  #decide<Answer>(
    make: () => Decision<Answer, Record>,
    ticketNumber: number | null,
  ): void {
    try {
      const { records, answer, releases } = make();
      if (records.length > 0 && !this.#append(records)) return;
      let given = releases;
      if (ticketNumber !== null && answer !== parked) {
        given = [{ ticketNumber, answer }, ...releases];
      }
      if (given.length === 0) return;
      if (this.#pending === null) this.#give(given);
      else void this.#pending.then(() => this.#give(given));
    } catch (error) {
      this.#crash(error);
    }
  }

  /** False when the log refused the batch, and with it the state is gone. */
  #append(records: readonly Record[]): boolean {
    const { machine, codec, log, clock } = this.#parts;
    const generation = this.#generation;
    const timestampMs = clock.now();
    const batch = encodeBatch(records, codec, timestampMs);
    const appended = log.append(batch);
    if (appended.error !== null) {
      this.#fail(generation, appended.detail);
      return false;
    }
    let offset = appended.baseOffset;
    assert(
      offset === this.#endOffset,
      () => `a machine's log has another writer: ${offset}, ${this.#endOffset}`,
    );
    for (const record of records) {
      machine.replay(record, { offset, timestampMs });
      offset += 1;
    }
    this.#endOffset = offset;
    this.#unsavedSizeBytes += batch.length;

    const failed = (error: unknown): void =>
      this.#fail(generation, detailOf(error));
    // The write's failure is known before a sync would be tried.
    appended.written.catch(failed);
    const settled = appended.durable().then(() => {
      if (generation !== this.#generation) return;
      if (this.#pending === settled) this.#pending = null;
      this.#becomeDurable(offset);
    }, failed);
    this.#pending = settled;
    return true;
  }

  #becomeDurable(endOffset: number): void {
    try {
      this.#parts.machine.durable?.(endOffset);
    } catch (error) {
      this.#crash(error);
      return;
    }
    const { snapshotIntervalSizeBytes } = this.#options;
    if (this.#unsavedSizeBytes >= snapshotIntervalSizeBytes) {
      this.#maybeSaveSnapshot();
    }
  }

  /** A ticket of a state that is gone was answered when that went, and is not found. */
  #give(releases: readonly Release[]): void {
    for (const { ticketNumber, answer } of releases) {
      const settle = this.#waiting.get(ticketNumber);
      if (settle === undefined) continue;
      this.#waiting.delete(ticketNumber);
      settle({ error: null, answer });
    }
  }

  #fail(generation: number, detail: string): void {
    if (generation !== this.#generation) return;
    const pending = this.#pending;
    this.#dropState();
    this.#refuseWaiting(detail);
    if (this.#state.phase === "closed") return;
    this.#options.warn(`state dropped, the log is loaded again: ${detail}`);
    this.#setState({ phase: "loading" });
    // A write begun before the failure may still succeed: the log's end is known
    // only when the newest has come to its end, well or badly.
    if (pending === null) void this.#load();
    else void pending.then(() => this.#load());
  }

  #crash(error: unknown): void {
    this.#dropState();
    this.#setState({ phase: "closed", detail: "an internal failure" });
    this.#refuseWaiting("an internal failure");
    this.#options.crashed(error);
  }

  #dropState(): void {
    this.#generation += 1;
    this.#pending = null;
    this.#timers.clear();
    this.#parts.machine.reset();
  }

  #refuseWaiting(detail: string): void {
    const settles = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const settle of settles) {
      settle({ error: "coordinator-not-available", detail });
    }
  }

  async #load(): Promise<void> {
    const generation = this.#generation;
    const isWanted = (): boolean =>
      generation === this.#generation && this.#state.phase !== "closed";
    try {
      const result = await loadMachine(this.#parts, isWanted);
      if (result === null || !isWanted()) return;
      if (result.error !== null) {
        this.#retry(result.detail, isWanted);
        return;
      }
      if (result.warning !== null) this.#options.warn(result.warning);
      this.#endOffset = result.endOffset;
      this.#snapshotEndOffset = result.snapshotEndOffset ?? 0;
      this.#unsavedSizeBytes = result.tailSizeBytes;
      this.#parts.machine.loaded(this.#timers);
      this.#setState({ phase: "ready" });
    } catch (error) {
      this.#crash(error);
    }
  }

  #retry(detail: string, isWanted: () => boolean): void {
    this.#setState({ phase: "unavailable", detail });
    this.#parts.clock.schedule(this.#options.reloadDelayMs, () => {
      if (isWanted()) void this.#load();
    });
  }

  #maybeSaveSnapshot(): void {
    const { snapshots, machine, codec, clock } = this.#parts;
    const endOffset = this.#endOffset;
    if (snapshots === null || this.#saving !== null) return;
    if (endOffset === this.#snapshotEndOffset) return;
    let bytes: Uint8Array;
    try {
      bytes = encodeSnapshot(machine.snapshot(), codec, clock.now());
    } catch (error) {
      this.#crash(error);
      return;
    }
    this.#unsavedSizeBytes = 0;
    this.#saving = this.#saveSnapshot(snapshots, { endOffset, bytes }).finally(
      () => {
        this.#saving = null;
      },
    );
  }

  /** Waits until all that the snapshot says is durable in the log. Never rejects. */
  async #saveSnapshot(
    snapshots: SnapshotStore,
    snapshot: Snapshot,
  ): Promise<void> {
    const generation = this.#generation;
    if (this.#pending !== null) await this.#pending;
    if (generation !== this.#generation) return;
    try {
      await snapshots.save(snapshot);
      this.#snapshotEndOffset = snapshot.endOffset;
    } catch (error) {
      // The log has everything; the next try comes with the next interval.
      this.#options.warn(`no snapshot was written: ${detailOf(error)}`);
    }
  }

  #setState(state: MachineState): void {
    this.#state = state;
    this.#options.stateChanged(state);
  }
}
