/**
 * The states of a classic group, and what each answers. One row a state; the
 * commands look their answer up here instead of branching on the state.
 *
 *   Empty                no members; may hold offsets
 *   PreparingRebalance   waits for the members to join
 *   CompletingRebalance  waits for the leader's assignment
 *   Stable               every member can have its assignment
 *   Dead                 gone from the coordinator; also what is answered for
 *                        a group that never was
 *
 * The names are Kafka's: clients see them in the answers to DescribeGroups and
 * ListGroups.
 */
export type ClassicState =
  "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead";

interface StateRules {
  /** The states a command or a time-out may move to. Replay moves to where the record says. */
  readonly next: readonly ClassicState[];
  /** What a member hears that shows it is alive; null: all is well. */
  readonly heartbeat: null | "unknown-member-id" | "rebalance-in-progress";
  /** What a member gets that asks for its assignment. */
  readonly sync:
    "park" | "assignment" | "unknown-member-id" | "rebalance-in-progress";
  /** When a member that joins again sets off a rebalance; else it hears the present generation. */
  readonly rejoin: "always" | "if-changed" | "if-changed-or-leader" | "never";
  /** What a member of the present generation hears that commits offsets. */
  readonly commit: null | "unknown-member-id" | "rebalance-in-progress";
  /** Whether committing keeps a member's session alive. */
  readonly commitIsHeartbeat: boolean;
}

export const stateRules = {
  Empty: {
    next: ["PreparingRebalance", "Dead"],
    heartbeat: "unknown-member-id",
    sync: "unknown-member-id",
    rejoin: "never",
    commit: null,
    commitIsHeartbeat: false,
  },
  PreparingRebalance: {
    next: ["CompletingRebalance", "Dead"],
    heartbeat: "rebalance-in-progress",
    sync: "rebalance-in-progress",
    rejoin: "always",
    commit: null,
    commitIsHeartbeat: true,
  },
  CompletingRebalance: {
    next: ["PreparingRebalance", "Dead"],
    // The answer to a join may be in while the leader still assigns.
    heartbeat: null,
    sync: "park",
    // The same metadata again: the answer to the first join got lost.
    rejoin: "if-changed",
    commit: "rebalance-in-progress",
    commitIsHeartbeat: false,
  },
  Stable: {
    next: ["PreparingRebalance", "Dead"],
    heartbeat: null,
    sync: "assignment",
    // A leader joins again when topics changed, which its metadata does not show.
    rejoin: "if-changed-or-leader",
    commit: null,
    commitIsHeartbeat: true,
  },
  Dead: {
    next: [],
    heartbeat: "unknown-member-id",
    sync: "unknown-member-id",
    rejoin: "never",
    commit: "unknown-member-id",
    commitIsHeartbeat: false,
  },
} as const satisfies Record<ClassicState, StateRules>;

/** Whether a rebalance can begin. */
export function canRebalance(state: ClassicState): boolean {
  const next: readonly ClassicState[] = stateRules[state].next;
  return next.includes("PreparingRebalance");
}
