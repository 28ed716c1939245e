/**
 * SyncGroup: v0-5
 *
 * v1   throttle time
 * v3   group instance id of static members (KIP-345)
 * v4   flexible
 * v5   protocol type and name, both ways, to be checked (KIP-559)
 *
 * `assignment` is bytes of the consumer protocol, which the broker hands on.
 */
import {
  array,
  bytes,
  int16,
  int32,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const syncGroupRequest = message({
  apiKey: 14,
  name: "SyncGroupRequest",
  versions: "0-5",
  flexible: "4+",
  fields: {
    groupId: string,
    generationId: int32,
    memberId: string,
    groupInstanceId: string.versions("3+").nullable().default(null),
    protocolType: string.versions("5+").nullable().default(null),
    protocolName: string.versions("5+").nullable().default(null),
    assignments: array(
      struct({
        memberId: string,
        assignment: bytes,
      }),
    ),
  },
});
export type SyncGroupRequest = Infer<typeof syncGroupRequest>;

export const syncGroupResponse = message({
  apiKey: 14,
  name: "SyncGroupResponse",
  versions: "0-5",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    errorCode: int16,
    protocolType: string.versions("5+").nullable().default(null),
    protocolName: string.versions("5+").nullable().default(null),
    assignment: bytes,
  },
});
export type SyncGroupResponse = Infer<typeof syncGroupResponse>;
