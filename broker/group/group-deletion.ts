/**
 * DeleteGroups: all that a group has committed, and the group. Its offsets may
 * be more than fit in one decision; then they go a portion a turn, the group
 * last, and the answer waits for that. Whoever joins between two portions has
 * saved the group, and what is left of its offsets.
 */
import { parked, type Decision, type Ticket } from "../machine/machine.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { endGroup } from "./classic-rebalance.ts";
import { offsetTombstone, type GroupOffsets } from "./group-offsets.ts";
import type { GroupRecord } from "./group-record.ts";
import type { Turn } from "./group-turn.ts";

export interface DeleteGroupAnswer {
  readonly groupId: string;
  readonly error: null | "group-id-not-found" | "non-empty-group";
}

export class GroupDeletion {
  readonly #find: (groupId: string) => ClassicGroup | null;
  readonly #offsets: GroupOffsets;
  readonly #ticket: Ticket<readonly DeleteGroupAnswer[]>;
  readonly #groupIds: ReadonlySet<string>;

  // Moves with each turn.
  readonly #answers = new Map<string, DeleteGroupAnswer>();

  constructor(
    find: (groupId: string) => ClassicGroup | null,
    offsets: GroupOffsets,
    ticket: Ticket<readonly DeleteGroupAnswer[]>,
    groupIds: readonly string[],
  ) {
    this.#find = find;
    this.#offsets = offsets;
    this.#ticket = ticket;
    this.#groupIds = new Set(groupIds);
  }

  begin(turn: Turn): Decision<readonly DeleteGroupAnswer[], GroupRecord> {
    this.#goOn(turn);
    return turn.decide<readonly DeleteGroupAnswer[]>(parked);
  }

  #goOn(turn: Turn): void {
    for (const groupId of this.#groupIds) {
      if (this.#answers.has(groupId)) continue;
      const answer = this.#delete(groupId, turn);
      if (answer === "no room left") {
        turn.schedule(`delete ${this.#ticket.number}`, 0, (later) =>
          this.#goOn(later),
        );
        return;
      }
      this.#answers.set(groupId, answer);
    }
    turn.release(this.#ticket, [...this.#answers.values()]);
  }

  #delete(groupId: string, turn: Turn): DeleteGroupAnswer | "no room left" {
    const group = this.#find(groupId);
    if (group === null) return { groupId, error: "group-id-not-found" };
    if (group.state !== "Empty") return { groupId, error: "non-empty-group" };
    for (const record of this.#offsets.recordsOf(groupId)) {
      if (!turn.maybeAppend(offsetTombstone(record))) return "no room left";
    }
    const tombstone = { kind: "group", groupId, value: null } as const;
    if (!turn.maybeAppend(tombstone)) return "no room left";
    endGroup(group, turn);
    return { groupId, error: null };
  }
}
