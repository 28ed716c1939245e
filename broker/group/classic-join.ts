/**
 * JoinGroup: how members come in, and come again for the next generation.
 *
 * The cases, in the order in which they are told apart:
 *
 *   names that cannot be stored   refused
 *   no room                       refused
 *   protocols nobody shares       refused
 *   no id, static and known       takes its former self's place (KIP-345)
 *   no id, static and new         admitted
 *   no id, must have one          gets one, and is pending (KIP-394)
 *   no id                         admitted
 *   pending                       admitted
 *   an id that is none            refused
 *   a member                      joins again: by the state's rule
 */
import {
  answerOnly,
  parked,
  type Decision,
  type Ticket,
} from "../machine/machine.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { canBeStored, hasRoom, supports } from "./classic-join-checks.ts";
import {
  hasProtocols,
  ownProtocols,
  type ClassicMember,
} from "./classic-member.ts";
import {
  addPending,
  endSession,
  joinedAnswer,
  joinedMembers,
  prepareRebalance,
  rebalance,
  releaseWaiting,
  removeMember,
  removePending,
  startSession,
} from "./classic-rebalance.ts";
import { stateRules } from "./classic-states.ts";
import type { JoinAnswer, JoinError, JoinRequest } from "./group-answers.ts";
import type { GroupRecord } from "./group-record.ts";
import type { Turn } from "./group-turn.ts";
import { createMemberId, memberName } from "./member-id.ts";

type JoinDecision = Decision<JoinAnswer, GroupRecord>;

/** One request to join, with what it takes to answer it. */
export interface Joining {
  readonly request: JoinRequest;
  readonly ticket: Ticket<JoinAnswer>;
  readonly turn: Turn;
}

export function joinGroup(group: ClassicGroup, joining: Joining): JoinDecision {
  const { request, turn } = joining;
  if (!canBeStored(request)) return refuse(joining, "unknown-server-error");
  if (!hasRoom(group, request, turn.settings)) {
    expel(group, request.memberId, turn);
    return refuse(joining, "group-max-size-reached", null);
  }
  if (!supports(group, request)) {
    return refuse(joining, "inconsistent-group-protocol");
  }
  return request.memberId === null
    ? joinNew(group, joining)
    : joinKnown(group, request.memberId, joining);
}

function expel(group: ClassicGroup, memberId: string | null, turn: Turn): void {
  if (memberId === null) return;
  const member = group.members.get(memberId);
  if (member !== null) {
    removeMember(group, member, "unknown-member-id", turn);
    rebalance(group, turn);
  } else if (group.members.pending.has(memberId)) {
    removePending(group, memberId, turn);
  }
}

function joinNew(group: ClassicGroup, joining: Joining): JoinDecision {
  const { request, turn } = joining;
  const { instanceId, clientId, sessionTimeoutMs } = request;
  const memberId = createMemberId(instanceId ?? clientId, turn.world.random);
  if (instanceId !== null) {
    const formerId = group.members.staticMemberId(instanceId);
    const former = formerId === null ? null : group.members.get(formerId);
    if (former !== null) return takePlace(group, former, memberId, joining);
  } else if (request.requiresMemberId) {
    addPending(group, { memberId, timeoutMs: sessionTimeoutMs }, turn);
    return refuse(joining, "member-id-required", memberId);
  }
  return admit(group, memberId, joining);
}

function joinKnown(
  group: ClassicGroup,
  memberId: string,
  joining: Joining,
): JoinDecision {
  const { instanceId } = joining.request;
  if (group.members.pending.has(memberId)) {
    // A static member is never told to come back with an id.
    if (instanceId !== null) return refuse(joining, "unknown-member-id");
    return admit(group, memberId, joining);
  }
  const error = group.check(memberId, instanceId);
  if (error !== null) return refuse(joining, error);
  const member = group.members.get(memberId);
  if (member === null) return refuse(joining, "unknown-member-id");
  return joinAgain(group, member, joining);
}

function admit(
  group: ClassicGroup,
  memberId: string,
  { request, ticket, turn }: Joining,
): JoinDecision {
  const { members } = group;
  if (members.size === 0) group.protocolType = request.protocolType;
  const member: ClassicMember = {
    memberId,
    instanceId: request.instanceId,
    clientId: memberName(request.clientId),
    clientHost: request.clientHost,
    rebalanceTimeoutMs: rebalanceTimeoutMs(request),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols: ownProtocols(request.protocols),
    assignment: new Uint8Array(0),
    join: ticket,
    sync: null,
    isNew: true,
  };
  members.add(member);
  group.hasNewcomer = true;
  // It cannot beat before it knows its id; but a client that went away and came
  // again as another must not leave its first self behind for ever.
  startSession(group, member, turn, turn.settings.newMemberJoinTimeoutMs);
  rebalance(group, turn);
  return turn.decide<JoinAnswer>(parked);
}

function joinAgain(
  group: ClassicGroup,
  member: ClassicMember,
  joining: Joining,
): JoinDecision {
  const isChanged = !hasProtocols(member, joining.request.protocols);
  const isLeader = group.members.leader === member.memberId;
  switch (stateRules[group.state].rejoin) {
    case "never":
      return refuse(joining, "unknown-member-id");
    case "if-changed":
      if (!isChanged) return answerOnly(joinedAnswer(group, member));
      break;
    case "if-changed-or-leader":
      if (!isChanged && !isLeader) {
        return answerOnly(joinedAnswer(group, member));
      }
      break;
    case "always":
      break;
  }
  park(group, member, joining);
  rebalance(group, joining.turn);
  return joining.turn.decide<JoinAnswer>(parked);
}

/** The member waits with this request, and no longer with one before it. */
function park(
  group: ClassicGroup,
  member: ClassicMember,
  { request, ticket, turn }: Joining,
): void {
  if (member.join !== null) {
    releaseWaiting(group, member, "rebalance-in-progress", turn);
  }
  group.members.setProtocols(member, ownProtocols(request.protocols));
  member.rebalanceTimeoutMs = rebalanceTimeoutMs(request);
  member.sessionTimeoutMs = request.sessionTimeoutMs;
  group.members.setJoin(member, ticket);
}

/**
 * A static member came back without its id: its former self is fenced, and the
 * group goes on as it is, unless the protocol to assign by would change.
 */
function takePlace(
  group: ClassicGroup,
  former: ClassicMember,
  memberId: string,
  joining: Joining,
): JoinDecision {
  const { request, turn } = joining;
  releaseWaiting(group, former, "fenced-instance-id", turn);
  const member = group.members.replace(former, memberId);
  endSession(group, former.memberId, turn);
  group.unsynced.delete(former.memberId);
  park(group, member, joining);
  startSession(group, member, turn);
  if (group.state === "CompletingRebalance") {
    // The leader may be assigning to the former id right now.
    prepareRebalance(group, turn);
  } else if (group.state !== "Stable") {
    rebalance(group, turn);
  } else if (group.protocol !== group.members.selectProtocol()) {
    rebalance(group, turn);
  } else if (
    !turn.maybeAppend(
      group.record(turn.world.clock.now(), ({ assignment }) => assignment),
    )
  ) {
    rebalance(group, turn);
  } else {
    group.members.setJoin(member, null);
    turn.release(
      joining.ticket,
      placeTakenAnswer(group, member, { former, request }),
    );
  }
  return turn.decide<JoinAnswer>(parked);
}

/**
 * A leader that came back must not assign again. It is told so where the client
 * understands; else it hears that its former self leads, and takes itself for a
 * follower.
 */
function placeTakenAnswer(
  group: ClassicGroup,
  member: ClassicMember,
  { former, request }: { former: ClassicMember; request: JoinRequest },
): JoinAnswer {
  const answer = joinedAnswer(group, member);
  const isLeader = answer.leader === member.memberId;
  if (!isLeader) return answer;
  return request.canSkipAssignment
    ? { ...answer, skipAssignment: true, members: joinedMembers(group) }
    : { ...answer, leader: former.memberId, members: [] };
}

function rebalanceTimeoutMs(request: JoinRequest): number {
  return Math.max(0, request.rebalanceTimeoutMs ?? request.sessionTimeoutMs);
}

function refuse(
  { request, turn }: Joining,
  error: JoinError,
  memberId = request.memberId,
): JoinDecision {
  return turn.decide<JoinAnswer>({ error, memberId });
}
