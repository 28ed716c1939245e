/**
 * LeaveGroup: v0-4
 *
 * v1   throttle time
 * v3   several members in one request, with group instance ids (KIP-345):
 *      `members` takes the place of `memberId`
 * v4   flexible
 */
import {
  array,
  int16,
  int32,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const leaveGroupRequest = message({
  apiKey: 13,
  name: "LeaveGroupRequest",
  versions: "0-4",
  flexible: "4+",
  fields: {
    groupId: string,
    memberId: string.versions("0-2"),
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.nullable().default(null),
      }),
    ).versions("3+"),
  },
});
export type LeaveGroupRequest = Infer<typeof leaveGroupRequest>;

export const leaveGroupResponse = message({
  apiKey: 13,
  name: "LeaveGroupResponse",
  versions: "0-4",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    errorCode: int16,
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.nullable(),
        errorCode: int16,
      }),
    ).versions("3+"),
  },
});
export type LeaveGroupResponse = Infer<typeof leaveGroupResponse>;
