/**
 * Messages of groups: the classic protocol, as Kafka's clients speak it, so that
 * they and ours can be members of one group. `metadata` and `assignment` hold
 * Kafka's consumer protocol. Member ids are null where there is none yet.
 */
import { array, bool, bytes, int32, int64, string, struct } from "../schema.ts";
import { error, topicPartition } from "./common.ts";

export const joinRequest = {
  groupId: string,
  memberId: string.nullable(),
  instanceId: string.nullable(),
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: int32,
  protocolType: string,
  /** In order of preference. */
  protocols: array(struct({ name: string, metadata: bytes })),
  /** The client knows what `skipAssignment` asks of it (KIP-814). */
  canSkipAssignment: bool,
};

/** The error is in the answer because `member-id-required` comes with the id to use. */
export const joinAnswer = {
  error,
  memberId: string.nullable(),
  generation: int32.nullable(),
  protocolType: string.nullable(),
  protocol: string.nullable(),
  leader: string.nullable(),
  skipAssignment: bool,
  /** For the leader, which assigns; empty for the others. */
  members: array(
    struct({
      memberId: string,
      instanceId: string.nullable(),
      metadata: bytes,
    }),
  ),
};

const memberFields = {
  groupId: string,
  memberId: string,
  instanceId: string.nullable(),
  generation: int32,
};

export const syncRequest = {
  ...memberFields,
  protocolType: string.nullable(),
  protocol: string.nullable(),
  /** From the leader; empty from the others. */
  assignments: array(struct({ memberId: string, assignment: bytes })),
};

export const syncAnswer = {
  protocolType: string,
  protocol: string,
  assignment: bytes,
};

export const heartbeatRequest = memberFields;

export const heartbeatAnswer = {};

/** Without a member id: an operator removes a static member. */
export const leaveRequest = {
  groupId: string,
  members: array(
    struct({ memberId: string.nullable(), instanceId: string.nullable() }),
  ),
};

export const leaveAnswer = { members: array(struct({ error })) };

/** Member and generation null: an operator resets a group without members, or a reader assigns itself. */
export const commitRequest = {
  groupId: string,
  memberId: string.nullable(),
  instanceId: string.nullable(),
  generation: int32.nullable(),
  offsets: array(
    struct({
      topic: string,
      partition: int32,
      offset: int64,
      leaderEpoch: int32.nullable(),
      metadata: string.nullable(),
    }),
  ),
};

/** In the order of the request. */
export const commitAnswer = { offsets: array(struct({ error })) };

/** `partitions` null asks for all there are. */
export const committedRequest = {
  groupId: string,
  partitions: array(topicPartition).nullable(),
};

/** Only where something was committed. */
export const committedAnswer = {
  offsets: array(
    struct({
      topic: string,
      partition: int32,
      offset: int64,
      leaderEpoch: int32.nullable(),
      metadata: string,
    }),
  ),
};

export const listGroupsRequest = { states: array(string) };

export const listGroupsAnswer = {
  groups: array(
    struct({ groupId: string, protocolType: string, state: string }),
  ),
};

export const describeGroupsRequest = { groupIds: array(string) };

/** A group nobody knows is `Dead`, and no error. */
export const describeGroupsAnswer = {
  groups: array(
    struct({
      groupId: string,
      error,
      state: string,
      protocolType: string,
      protocol: string,
      members: array(
        struct({
          memberId: string,
          instanceId: string.nullable(),
          clientId: string,
          clientHost: string,
          metadata: bytes,
          assignment: bytes,
        }),
      ),
    }),
  ),
};

export const deleteGroupsRequest = { groupIds: array(string) };

export const deleteGroupsAnswer = {
  groups: array(struct({ groupId: string, error })),
};
