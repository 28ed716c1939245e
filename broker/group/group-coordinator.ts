/**
 * The state machine of all groups of one partition of `__consumer_offsets`:
 * finds the group a command is for, and hands it on. The flows are in
 * classic-*.ts and offset-*.ts.
 *
 * Every group that has offsets has a group object, as in Kafka: one that never
 * had members is *simple*, always empty, and has no record of its own.
 *
 * A group goes when its tombstone is replayed, or, if it was never persisted,
 * when nothing is left of it. It is Dead then, so that no time-out of it acts
 * on a later group of the same name.
 */
import {
  answerOnly,
  type Command,
  type RecordPosition,
  type StateMachine,
  type Timers,
} from "../machine/machine.ts";
import { ClassicGroup } from "./classic-group.ts";
import { joinGroup } from "./classic-join.ts";
import { heartbeat, leaveGroup } from "./classic-leave.ts";
import { startSession } from "./classic-rebalance.ts";
import { syncGroup } from "./classic-sync.ts";
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
  JoinAnswer,
  JoinError,
  JoinRequest,
  LeaveAnswer,
  LeaveRequest,
  SyncAnswer,
  SyncRequest,
} from "./group-answers.ts";
import {
  describeGroup,
  listGroups,
  type GroupDescription,
  type ListedGroup,
  type ListGroupsRequest,
} from "./group-listing.ts";
import { GroupDeletion, type DeleteGroupAnswer } from "./group-deletion.ts";
import { GroupOffsets, offsetTombstone } from "./group-offsets.ts";
import type { GroupRecord } from "./group-record.ts";
import { Turn, type GroupWorld } from "./group-turn.ts";
import type { GroupTotals } from "./membership.ts";
import type {
  CommitOffsetsAnswer,
  CommitOffsetsRequest,
  DeleteOffsetsAnswer,
  DeleteOffsetsRequest,
  FetchOffsetsAnswer,
  FetchOffsetsRequest,
} from "./offset-answers.ts";
import {
  commitOffsets,
  deleteOffsets,
  fetchOffsets,
} from "./offset-commands.ts";
import { expireOffsets } from "./offset-expiry.ts";
import { isStorableGroupId } from "./stored-text.ts";

export type { DeleteGroupAnswer } from "./group-deletion.ts";

type GroupCommand<Answer> = Command<Answer, GroupRecord>;

const SWEEP_KEY = "sweep";

export class GroupCoordinator implements StateMachine<GroupRecord> {
  readonly #world: GroupWorld;
  readonly #groups = new Map<string, ClassicGroup>();
  readonly #offsets = new GroupOffsets();
  readonly #totals: GroupTotals = { memberCount: 0, sizeBytes: 0 };

  constructor(world: GroupWorld) {
    this.#world = world;
  }

  // The machine.

  replay(record: GroupRecord, _at: RecordPosition): void {
    if (record.kind === "offset") {
      this.#offsets.replay(record);
      if (record.value !== null) this.#obtain(record.groupId);
      else this.#maybeForget(record.groupId);
    } else if (record.value !== null) {
      this.#obtain(record.groupId).replay(record.value);
    } else {
      this.#bury(record.groupId);
      // Offsets that outlive their group's record make a simple group.
      if (this.#offsets.has(record.groupId)) this.#obtain(record.groupId);
    }
  }

  *snapshot(): IterableIterator<GroupRecord> {
    for (const { groupId, persisted } of this.#groups.values()) {
      if (persisted === null) continue;
      yield { kind: "group", groupId, value: persisted };
    }
    yield* this.#offsets.records();
  }

  reset(): void {
    for (const groupId of [...this.#groups.keys()]) this.#bury(groupId);
    this.#offsets.clear();
  }

  /** Members that were there before have a whole session to show that they still are. */
  loaded(timers: Timers<GroupRecord>): void {
    const turn = new Turn(this.#world, timers);
    for (const group of this.#groups.values()) {
      for (const member of group.members) startSession(group, member, turn);
    }
    this.#scheduleSweep(turn);
  }

  // Membership.

  joinGroup(request: JoinRequest): GroupCommand<JoinAnswer> {
    return (ticket, timers) => {
      const { groupId, memberId } = request;
      const known = this.#groups.get(groupId);
      const error = this.#joinRefusal(request, known !== undefined);
      if (error !== null) return answerOnly<JoinAnswer>({ error, memberId });
      const group = known ?? new ClassicGroup(groupId, this.#totals);
      const turn = new Turn(this.#world, timers);
      const decision = joinGroup(group, { request, ticket, turn });
      if (!group.isVacant) this.#groups.set(groupId, group);
      return decision;
    };
  }

  #joinRefusal(request: JoinRequest, isKnown: boolean): JoinError | null {
    const { groupId, memberId, sessionTimeoutMs } = request;
    const { groupSessionTimeoutMsMin, groupSessionTimeoutMsMax } =
      this.#world.settings;
    if (!isGroupId(groupId)) return "invalid-group-id";
    if (
      sessionTimeoutMs < groupSessionTimeoutMsMin ||
      sessionTimeoutMs > groupSessionTimeoutMsMax
    ) {
      return "invalid-session-timeout";
    }
    if (isKnown) return null;
    if (memberId !== null) return "unknown-member-id";
    return this.#isFull ? "group-max-size-reached" : null;
  }

  syncGroup(request: SyncRequest): GroupCommand<SyncAnswer> {
    return (ticket, timers) => {
      if (!isGroupId(request.groupId)) {
        return answerOnly<SyncAnswer>({ error: "invalid-group-id" });
      }
      const group = this.#groups.get(request.groupId);
      if (group === undefined) {
        return answerOnly<SyncAnswer>({ error: "unknown-member-id" });
      }
      const turn = new Turn(this.#world, timers);
      return syncGroup(group, { request, ticket, turn });
    };
  }

  heartbeat(request: HeartbeatRequest): GroupCommand<HeartbeatAnswer> {
    return (_ticket, timers) => {
      if (!isGroupId(request.groupId)) {
        return answerOnly({ error: "invalid-group-id" });
      }
      const group = this.#groups.get(request.groupId);
      return group === undefined
        ? answerOnly({ error: "unknown-member-id" })
        : heartbeat(group, request, new Turn(this.#world, timers));
    };
  }

  leaveGroup(request: LeaveRequest): GroupCommand<LeaveAnswer> {
    return (_ticket, timers) => {
      if (!isGroupId(request.groupId)) {
        return answerOnly<LeaveAnswer>({ error: "invalid-group-id" });
      }
      const group =
        this.#groups.get(request.groupId) ??
        new ClassicGroup(request.groupId, this.#totals);
      return leaveGroup(group, request, new Turn(this.#world, timers));
    };
  }

  // Offsets.

  commitOffsets(
    request: CommitOffsetsRequest,
  ): GroupCommand<CommitOffsetsAnswer> {
    return (_ticket, timers) => {
      const group = this.#find(request.groupId);
      if (group === null && this.#isFull) {
        return answerOnly({ error: "group-max-size-reached" });
      }
      const turn = new Turn(this.#world, timers);
      const answer = commitOffsets(group, request, turn);
      // All or nothing: what the turn collected before the error goes with it.
      return answer.error === null ? turn.decide(answer) : answerOnly(answer);
    };
  }

  fetchOffsets(request: FetchOffsetsRequest): GroupCommand<FetchOffsetsAnswer> {
    return () => answerOnly(fetchOffsets(this.#offsets, request));
  }

  deleteOffsets(
    request: DeleteOffsetsRequest,
  ): GroupCommand<DeleteOffsetsAnswer> {
    return (_ticket, timers) => {
      const group = this.#find(request.groupId);
      const turn = new Turn(this.#world, timers);
      return turn.decide(deleteOffsets(group, this.#offsets, request, turn));
    };
  }

  /**
   * Forgets what all groups committed for topics that are gone, as much as one
   * decision holds. Answers how many offsets that were: ask until it is none.
   */
  deleteTopicOffsets(topics: readonly string[]): GroupCommand<number> {
    return (_ticket, timers) => {
      const gone = new Set(topics);
      const turn = new Turn(this.#world, timers);
      for (const record of this.#offsets.records()) {
        if (!gone.has(record.topic)) continue;
        if (!turn.maybeAppend(offsetTombstone(record))) break;
      }
      return turn.decide(turn.recordCount);
    };
  }

  // Administration.

  deleteGroups(
    groupIds: readonly string[],
  ): GroupCommand<readonly DeleteGroupAnswer[]> {
    return (ticket, timers) => {
      const find = (groupId: string): ClassicGroup | null =>
        this.#find(groupId);
      const turn = new Turn(this.#world, timers);
      return new GroupDeletion(find, this.#offsets, ticket, groupIds).begin(
        turn,
      );
    };
  }

  describeGroups(
    groupIds: readonly string[],
  ): GroupCommand<readonly GroupDescription[]> {
    return () =>
      answerOnly(
        groupIds.map((groupId) => describeGroup(groupId, this.#find(groupId))),
      );
  }

  listGroups(request: ListGroupsRequest): GroupCommand<readonly ListedGroup[]> {
    return () => answerOnly(listGroups(this.#groups.values(), request));
  }

  // Private.

  get #isFull(): boolean {
    return this.#groups.size >= this.#world.settings.groupCountMax;
  }

  #find(groupId: string): ClassicGroup | null {
    return this.#groups.get(groupId) ?? null;
  }

  #obtain(groupId: string): ClassicGroup {
    const known = this.#groups.get(groupId);
    if (known !== undefined) return known;
    const group = new ClassicGroup(groupId, this.#totals);
    this.#groups.set(groupId, group);
    return group;
  }

  #bury(groupId: string): void {
    const group = this.#groups.get(groupId);
    if (group === undefined) return;
    this.#groups.delete(groupId);
    group.bury();
  }

  /** What was never persisted goes when nothing is left of it. */
  #maybeForget(groupId: string): void {
    const group = this.#find(groupId);
    if (group === null || group.persisted !== null) return;
    if (group.isVacant && !this.#offsets.has(groupId)) this.#bury(groupId);
  }

  #scheduleSweep(turn: Turn, delayMs?: number): void {
    const { offsetsRetentionCheckIntervalMs } = this.#world.settings;
    turn.schedule(
      SWEEP_KEY,
      delayMs ?? offsetsRetentionCheckIntervalMs,
      (later) => this.#sweep(later),
    );
  }

  /** As much as one decision holds; the rest at once, in a turn of its own. */
  #sweep(turn: Turn): void {
    for (const group of [...this.#groups.values()]) {
      if (!this.#expire(group, turn)) {
        this.#scheduleSweep(turn, 0);
        return;
      }
    }
    this.#scheduleSweep(turn);
  }

  /** False if the turn has no room left. */
  #expire(group: ClassicGroup, turn: Turn): boolean {
    const { groupId, persisted } = group;
    const left = expireOffsets(group, this.#offsets, turn);
    if (left === "no room left") return false;
    if (left === "offsets left" || !group.isVacant) return true;
    if (persisted !== null) {
      return turn.maybeAppend({ kind: "group", groupId, value: null });
    }
    this.#maybeForget(groupId);
    return true;
  }
}

function isGroupId(groupId: string): boolean {
  return groupId !== "" && isStorableGroupId(groupId);
}
