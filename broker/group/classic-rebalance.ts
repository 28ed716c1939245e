/**
 * How a classic group gets from one generation to the next:
 *
 *   prepare    the members are told to join again (by their heartbeats), those
 *              who wait for an assignment at once
 *   complete   all have joined, or time is up: who did not is out, the next
 *              generation begins, and its leader is asked to assign
 *   (sync)     the leader's assignment settles it: classic-sync.ts
 *
 * Time-outs: `join` ends the join phase, `sync` puts those out who never asked
 * for their assignment, `session` puts a silent member out. Each is keyed, so
 * that scheduling again replaces it.
 *
 * Never is a member of the group told `unknown-member-id`: only who was put
 * out hears it, and whoever still waits on behalf of a member that is put out.
 */
import { isExcused, metadataOf, type ClassicMember } from "./classic-member.ts";
import { canRebalance } from "./classic-states.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type {
  JoinedAnswer,
  JoinedMember,
  MemberError,
} from "./group-answers.ts";
import type { Turn } from "./group-turn.ts";

const NO_ASSIGNMENT = new Uint8Array(0);

function joinKey(group: ClassicGroup): string {
  return `join ${group.groupId}`;
}

function syncKey(group: ClassicGroup): string {
  return `sync ${group.groupId}`;
}

/** Unambiguous, as a member id ends in a random part. */
function sessionKey(group: ClassicGroup, memberId: string): string {
  return `session ${group.groupId} ${memberId}`;
}

/** Begins a rebalance if none is on, else ends the join phase if all are there. */
export function rebalance(group: ClassicGroup, turn: Turn): void {
  if (canRebalance(group.state)) prepareRebalance(group, turn);
  else maybeCompleteJoin(group, turn);
}

/** From any state with members, or from Empty with the first one added. */
export function prepareRebalance(group: ClassicGroup, turn: Turn): void {
  if (group.state === "CompletingRebalance") {
    for (const member of group.members) {
      member.assignment = NO_ASSIGNMENT;
      if (member.sync === null) continue;
      turn.release(member.sync, { error: "rebalance-in-progress" });
      member.sync = null;
      startSession(group, member, turn);
    }
  }
  endSyncPhase(group, turn);
  group.isFirstRebalance = group.state === "Empty";
  group.moveTo("PreparingRebalance");
  if (group.isFirstRebalance) {
    const { rebalanceTimeoutMs } = group.members;
    waitForNewcomers(group, rebalanceTimeoutMs, turn);
  } else if (group.members.hasAllJoined) {
    completeJoin(group, turn);
  } else {
    scheduleJoinEnd(group, turn);
  }
}

/** Kafka's `group.initial.rebalance.delay.ms`, again and again while new members come. */
function waitForNewcomers(
  group: ClassicGroup,
  remainingMs: number,
  turn: Turn,
): void {
  group.hasNewcomer = false;
  const { groupInitialRebalanceDelayMs } = turn.settings;
  const delayMs = Math.min(groupInitialRebalanceDelayMs, remainingMs);
  if (delayMs === 0) {
    completeJoin(group, turn);
    return;
  }
  turn.schedule(joinKey(group), delayMs, (later) => {
    if (group.state !== "PreparingRebalance") return;
    if (group.hasNewcomer)
      waitForNewcomers(group, remainingMs - delayMs, later);
    else completeJoin(group, later);
  });
}

function scheduleJoinEnd(group: ClassicGroup, turn: Turn): void {
  const { rebalanceTimeoutMs } = group.members;
  turn.schedule(joinKey(group), rebalanceTimeoutMs, (later) => {
    if (group.state === "PreparingRebalance") completeJoin(group, later);
  });
}

export function maybeCompleteJoin(group: ClassicGroup, turn: Turn): void {
  if (group.state !== "PreparingRebalance" || group.isFirstRebalance) return;
  if (group.members.hasAllJoined) completeJoin(group, turn);
}

function completeJoin(group: ClassicGroup, turn: Turn): void {
  turn.cancel(joinKey(group));
  for (const member of [...group.members]) {
    // A static member keeps its place until its session ends.
    if (member.join !== null || member.instanceId !== null) continue;
    removeMember(group, member, "unknown-member-id", turn);
  }
  if (!group.members.electJoinedLeader() && group.members.size > 0) {
    // Static members only, none of which is back: nobody could assign.
    group.isFirstRebalance = false;
    scheduleJoinEnd(group, turn);
    return;
  }
  group.generation += 1;
  group.protocol = group.members.selectProtocol();
  if (group.members.size === 0) {
    // A record without members is small: there is always room.
    turn.maybeAppend(group.record(turn.world.clock.now(), () => NO_ASSIGNMENT));
    return;
  }
  group.moveTo("CompletingRebalance");
  for (const member of group.members) {
    if (member.join !== null) {
      turn.release(member.join, joinedAnswer(group, member));
      group.members.setJoin(member, null);
    }
    startSession(group, member, turn);
    member.isNew = false;
    group.unsynced.add(member.memberId);
  }
  const { rebalanceTimeoutMs } = group.members;
  turn.schedule(syncKey(group), rebalanceTimeoutMs, (later) =>
    expireSync(group, later),
  );
}

/** What a member of the present generation hears: the leader, whom it leads. */
export function joinedAnswer(
  group: ClassicGroup,
  member: ClassicMember,
): JoinedAnswer {
  const leader = group.members.leader ?? "";
  const isLeader = leader === member.memberId;
  return {
    error: null,
    memberId: member.memberId,
    generation: group.generation,
    protocolType: group.protocolType,
    protocol: group.protocol ?? "",
    leader,
    skipAssignment: false,
    members: isLeader ? joinedMembers(group) : [],
  };
}

export function joinedMembers(group: ClassicGroup): readonly JoinedMember[] {
  return Array.from(group.members, (member) => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    metadata: metadataOf(member, group.protocol) ?? NO_ASSIGNMENT,
  }));
}

/** The member asked for its assignment; once all have, nobody is waited for. */
export function markSynced(
  group: ClassicGroup,
  memberId: string,
  turn: Turn,
): void {
  group.unsynced.delete(memberId);
  if (group.unsynced.size === 0) turn.cancel(syncKey(group));
}

function endSyncPhase(group: ClassicGroup, turn: Turn): void {
  group.unsynced.clear();
  turn.cancel(syncKey(group));
}

function expireSync(group: ClassicGroup, turn: Turn): void {
  if (!canRebalance(group.state) || group.unsynced.size === 0) return;
  for (const memberId of [...group.unsynced]) {
    const member = group.members.get(memberId);
    if (member !== null) removeMember(group, member, "unknown-member-id", turn);
  }
  prepareRebalance(group, turn);
}

/** The member lives: its session begins anew. */
export function startSession(
  group: ClassicGroup,
  member: ClassicMember,
  turn: Turn,
  timeoutMs = member.sessionTimeoutMs,
): void {
  const { memberId } = member;
  turn.schedule(sessionKey(group, memberId), timeoutMs, (later) => {
    const present = group.members.get(memberId);
    // Who waits is alive; its session begins anew when it is answered.
    if (group.state === "Dead" || present === null || isExcused(present))
      return;
    removeMember(group, present, "unknown-member-id", later);
    rebalance(group, later);
  });
}

/** Nobody beats under this id any more. */
export function endSession(
  group: ClassicGroup,
  memberId: string,
  turn: Turn,
): void {
  turn.cancel(sessionKey(group, memberId));
}

/** Gives out an id and waits, as long as a session, for the member to join with it. */
export function addPending(
  group: ClassicGroup,
  pending: { readonly memberId: string; readonly timeoutMs: number },
  turn: Turn,
): void {
  const { memberId, timeoutMs } = pending;
  group.members.addPending(memberId);
  turn.schedule(sessionKey(group, memberId), timeoutMs, (later) => {
    if (group.state !== "Dead") removePending(group, memberId, later);
  });
}

export function removePending(
  group: ClassicGroup,
  memberId: string,
  turn: Turn,
): void {
  group.members.removePending(memberId);
  endSession(group, memberId, turn);
  maybeCompleteJoin(group, turn);
}

/** Puts a member out and answers what it waits for; whoever calls rebalances. */
export function removeMember(
  group: ClassicGroup,
  member: ClassicMember,
  error: MemberError,
  turn: Turn,
): void {
  releaseWaiting(group, member, error, turn);
  endSession(group, member.memberId, turn);
  group.members.remove(member);
  group.unsynced.delete(member.memberId);
}

/** Answers what a member waits for with an error. */
export function releaseWaiting(
  group: ClassicGroup,
  member: ClassicMember,
  error: MemberError | "rebalance-in-progress",
  turn: Turn,
): void {
  if (member.join !== null) {
    const { memberId } = member;
    turn.release(member.join, { error, memberId });
    group.members.setJoin(member, null);
  }
  if (member.sync !== null) {
    turn.release(member.sync, { error });
    member.sync = null;
  }
}

/** Forgets the time-outs of a group that is deleted. It has no members. */
export function endGroup(group: ClassicGroup, turn: Turn): void {
  for (const memberId of group.members.pending) {
    endSession(group, memberId, turn);
  }
  turn.cancel(joinKey(group));
}
