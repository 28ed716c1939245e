/**
 * DescribeGroups: v0-5
 *
 * v1   throttle time
 * v3   authorised operations, when asked for (KIP-430)
 * v4   group instance id of static members (KIP-345)
 * v5   flexible
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

export const describeGroupsRequest = message({
  apiKey: 15,
  name: "DescribeGroupsRequest",
  versions: "0-5",
  flexible: "5+",
  fields: {
    groups: array(string),
    includeAuthorizedOperations: bool.versions("3+"),
  },
});
export type DescribeGroupsRequest = Infer<typeof describeGroupsRequest>;

export const describeGroupsResponse = message({
  apiKey: 15,
  name: "DescribeGroupsResponse",
  versions: "0-5",
  flexible: "5+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    groups: array(
      struct({
        errorCode: int16,
        groupId: string,
        groupState: string,
        protocolType: string,
        protocolData: string,
        members: array(
          struct({
            memberId: string,
            groupInstanceId: string.versions("4+").nullable().default(null),
            clientId: string,
            clientHost: string,
            memberMetadata: bytes,
            memberAssignment: bytes,
          }),
        ),
        authorizedOperations: int32.versions("3+").default(-0x80000000),
      }),
    ),
  },
});
export type DescribeGroupsResponse = Infer<typeof describeGroupsResponse>;
