/**
 * ListGroups: v0-4
 *
 * v1   throttle time
 * v3   flexible
 * v4   filter by state, and the state in the answer (KIP-518)
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

export const listGroupsRequest = message({
  apiKey: 16,
  name: "ListGroupsRequest",
  versions: "0-4",
  flexible: "3+",
  fields: {
    statesFilter: array(string).versions("4+"),
  },
});
export type ListGroupsRequest = Infer<typeof listGroupsRequest>;

export const listGroupsResponse = message({
  apiKey: 16,
  name: "ListGroupsResponse",
  versions: "0-4",
  flexible: "3+",
  fields: {
    throttleTimeMs: int32.versions("1+"),
    errorCode: int16,
    groups: array(
      struct({
        groupId: string,
        protocolType: string,
        groupState: string.versions("4+"),
      }),
    ),
  },
});
export type ListGroupsResponse = Infer<typeof listGroupsResponse>;
