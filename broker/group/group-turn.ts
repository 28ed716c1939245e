/**
 * One turn of the coordinator, a command or a time-out, while it is decided:
 * collects the records to append and the answers to release, so that the steps
 * of a rebalance can be functions that call each other.
 */
import {
  release,
  type Decision,
  type Release,
  type Ticket,
  type Timers,
  type parked,
} from "../machine/machine.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { GroupRecord } from "./group-record.ts";
import { recordSizeBytes } from "./group-record-size.ts";
import type { GroupSettings } from "./group-settings.ts";

/** What the coordinator needs from outside. */
export interface GroupWorld {
  readonly settings: GroupSettings;
  readonly clock: Pick<Clock, "now">;
  readonly random: Pick<Random, "bytes">;
}

export class Turn {
  readonly world: GroupWorld;
  readonly #timers: Timers<GroupRecord>;
  readonly #records: GroupRecord[] = [];
  readonly #releases: Release[] = [];
  #sizeBytes = 0;

  constructor(world: GroupWorld, timers: Timers<GroupRecord>) {
    this.world = world;
    this.#timers = timers;
  }

  get settings(): GroupSettings {
    return this.world.settings;
  }

  get recordCount(): number {
    return this.#records.length;
  }

  /** False if the decision has no room for it: the log could not take it. */
  maybeAppend(record: GroupRecord): boolean {
    const sizeBytes = this.#sizeBytes + recordSizeBytes(record);
    if (sizeBytes > this.settings.decisionSizeBytesMax) return false;
    this.#sizeBytes = sizeBytes;
    this.#records.push(record);
    return true;
  }

  /** Answers a command that is parked, or is about to be: this turn's own. */
  release<Answer>(ticket: Ticket<Answer>, answer: Answer): void {
    this.#releases.push(release(ticket, answer));
  }

  schedule(key: string, delayMs: number, expire: (turn: Turn) => void): void {
    this.#timers.schedule(key, delayMs, (timers) => {
      const turn = new Turn(this.world, timers);
      expire(turn);
      return turn.decide(undefined);
    });
  }

  cancel(key: string): void {
    this.#timers.cancel(key);
  }

  decide<Answer>(
    answer: Answer | typeof parked,
  ): Decision<Answer, GroupRecord> {
    return { records: this.#records, answer, releases: this.#releases };
  }
}
