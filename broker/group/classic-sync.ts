/**
 * SyncGroup: the leader of a new generation hands in who gets what, and every
 * member asks for its part. Followers that ask before the leader has assigned
 * are parked. The assignment is persisted with the whole group; the group is
 * Stable when that record is replayed, and nobody hears an assignment that is
 * not durable.
 */
import {
  answerOnly,
  parked,
  type Decision,
  type Ticket,
} from "../machine/machine.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { ClassicMember } from "./classic-member.ts";
import { markSynced, startSession } from "./classic-rebalance.ts";
import { stateRules } from "./classic-states.ts";
import type { SyncAnswer, SyncError, SyncRequest } from "./group-answers.ts";
import type { GroupRecord } from "./group-record.ts";
import type { Turn } from "./group-turn.ts";

type SyncDecision = Decision<SyncAnswer, GroupRecord>;

type AssignmentOf = (member: ClassicMember) => Uint8Array;

export interface Syncing {
  readonly request: SyncRequest;
  readonly ticket: Ticket<SyncAnswer>;
  readonly turn: Turn;
}

export function syncGroup(group: ClassicGroup, syncing: Syncing): SyncDecision {
  const { request, turn } = syncing;
  const error = refusal(group, request);
  if (error !== null) return answerOnly({ error });
  const member = group.members.get(request.memberId);
  if (member === null) return answerOnly({ error: "unknown-member-id" });
  const rule = stateRules[group.state].sync;
  switch (rule) {
    case "assignment":
      markSynced(group, member.memberId, turn);
      return turn.decide(assignmentAnswer(group, member.assignment));
    case "park":
      return park(group, member, syncing);
    default:
      return answerOnly({ error: rule });
  }
}

function refusal(group: ClassicGroup, request: SyncRequest): SyncError | null {
  const error = group.check(request.memberId, request.instanceId);
  if (error !== null) return error;
  if (request.generation !== group.generation) return "illegal-generation";
  const isOther = (asked: string | null, own: string | null): boolean =>
    asked !== null && own !== null && asked !== own;
  return isOther(request.protocolType, group.protocolType) ||
    isOther(request.protocol, group.protocol)
    ? "inconsistent-group-protocol"
    : null;
}

function park(
  group: ClassicGroup,
  member: ClassicMember,
  { request, ticket, turn }: Syncing,
): SyncDecision {
  if (group.members.leader === member.memberId) {
    const assigned = assignedIn(request);
    const record = group.record(turn.world.clock.now(), assigned);
    // It stays among those who have yet to sync, and is put out with them.
    if (!hasRoom(group, turn) || !turn.maybeAppend(record)) {
      return answerOnly({ error: "unknown-server-error" });
    }
    wait(group, member, { request, ticket, turn });
    settle(group, assigned, turn);
  } else {
    wait(group, member, { request, ticket, turn });
  }
  return turn.decide<SyncAnswer>(parked);
}

function hasRoom({ members }: ClassicGroup, { settings }: Turn): boolean {
  return members.totals.sizeBytes <= settings.metadataSizeBytesMax;
}

function wait(
  group: ClassicGroup,
  member: ClassicMember,
  { ticket, turn }: Syncing,
): void {
  if (member.sync !== null) {
    turn.release(member.sync, { error: "rebalance-in-progress" });
  }
  member.sync = ticket;
  markSynced(group, member.memberId, turn);
}

/** Who is not mentioned gets nothing; who is no member is not kept. */
function assignedIn({ assignments }: SyncRequest): AssignmentOf {
  const assigned = new Map(
    assignments.map(({ memberId, assignment }) => [
      memberId,
      // What came in is a view of a whole frame.
      new Uint8Array(assignment),
    ]),
  );
  const nothing = new Uint8Array(0);
  return ({ memberId }) => assigned.get(memberId) ?? nothing;
}

function settle(
  group: ClassicGroup,
  assignmentOf: AssignmentOf,
  turn: Turn,
): void {
  for (const member of group.members) {
    if (member.sync === null) continue;
    turn.release(member.sync, assignmentAnswer(group, assignmentOf(member)));
    member.sync = null;
    // It could not beat while it waited.
    startSession(group, member, turn);
  }
}

function assignmentAnswer(
  group: ClassicGroup,
  assignment: Uint8Array,
): SyncAnswer {
  const { protocolType, protocol } = group;
  return { error: null, protocolType, protocol: protocol ?? "", assignment };
}
