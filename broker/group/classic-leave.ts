/** Heartbeat and LeaveGroup: how members show that they are there, and that they go. */
import { answerOnly, type Decision } from "../machine/machine.ts";
import type { ClassicGroup } from "./classic-group.ts";
import {
  rebalance,
  removeMember,
  removePending,
  startSession,
} from "./classic-rebalance.ts";
import { stateRules } from "./classic-states.ts";
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
  LeaveAnswer,
  LeaveRequest,
  LeavingMember,
  MemberError,
} from "./group-answers.ts";
import type { GroupRecord } from "./group-record.ts";
import type { Turn } from "./group-turn.ts";

export function heartbeat(
  group: ClassicGroup,
  request: HeartbeatRequest,
  turn: Turn,
): Decision<HeartbeatAnswer, GroupRecord> {
  const { memberId, instanceId, generation } = request;
  const error = group.check(memberId, instanceId);
  if (error !== null) return answerOnly({ error });
  if (generation !== group.generation) {
    return answerOnly({ error: "illegal-generation" });
  }
  const member = group.members.get(memberId);
  if (member !== null) startSession(group, member, turn);
  return turn.decide({ error: stateRules[group.state].heartbeat });
}

/** Each member leaves or is refused for itself; then there is one rebalance for all. */
export function leaveGroup(
  group: ClassicGroup,
  request: LeaveRequest,
  turn: Turn,
): Decision<LeaveAnswer, GroupRecord> {
  const sizeBefore = group.members.size;
  const members = request.members.map((leaving) => ({
    memberId: leaving.memberId,
    instanceId: leaving.instanceId,
    error: leave(group, leaving, turn),
  }));
  if (group.members.size < sizeBefore) rebalance(group, turn);
  return turn.decide<LeaveAnswer>({ error: null, members });
}

function leave(
  group: ClassicGroup,
  { memberId, instanceId }: LeavingMember,
  turn: Turn,
): MemberError | null {
  if (memberId !== null && group.members.pending.has(memberId)) {
    removePending(group, memberId, turn);
    return null;
  }
  const id =
    memberId ??
    (instanceId === null ? null : group.members.staticMemberId(instanceId));
  if (id === null) return "unknown-member-id";
  const error = group.check(id, instanceId);
  const member = group.members.get(id);
  if (error !== null || member === null) return error ?? "unknown-member-id";
  removeMember(group, member, "unknown-member-id", turn);
  return null;
}
