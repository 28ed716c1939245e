/**
 * JoinGroup: v0-9
 *
 * v1   rebalance time-out apart from the session time-out
 * v2   throttle time
 * v4   a member without id is given one and must join again (KIP-394)
 * v5   group instance id of static members (KIP-345)
 * v6   flexible
 * v7   protocol type in the answer; protocol name may be null (KIP-559)
 * v8   reason to join (KIP-800)
 * v9   the leader may be told to skip the assignment (KIP-814)
 *
 * Before v1 the session time-out stands for the rebalance time-out too.
 */
import {
  array,
  bool,
  bytes,
  int16,
  int32,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const joinGroupRequest = message({
  apiKey: 11,
  name: "JoinGroupRequest",
  versions: "0-9",
  flexible: "6+",
  fields: {
    groupId: string,
    sessionTimeoutMs: int32,
    rebalanceTimeoutMs: int32.versions("1+").default(-1),
    memberId: string,
    groupInstanceId: string.versions("5+").nullable().default(null),
    protocolType: string,
    protocols: array(
      struct({
        name: string,
        metadata: bytes,
      }),
    ),
    reason: string.versions("8+").nullable().default(null),
  },
});
export type JoinGroupRequest = Infer<typeof joinGroupRequest>;

export const joinGroupResponse = message({
  apiKey: 11,
  name: "JoinGroupResponse",
  versions: "0-9",
  flexible: "6+",
  fields: {
    throttleTimeMs: int32.versions("2+"),
    errorCode: int16,
    generationId: int32.default(-1),
    protocolType: string.versions("7+").nullable().default(null),
    protocolName: string.nullable("7+"),
    leader: string,
    skipAssignment: bool.versions("9+").default(false),
    memberId: string,
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.versions("5+").nullable().default(null),
        metadata: bytes,
      }),
    ),
  },
});
export type JoinGroupResponse = Infer<typeof joinGroupResponse>;
