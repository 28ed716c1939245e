/**
 * DeleteGroups: v0-2
 *
 * v2   flexible
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

export const deleteGroupsRequest = message({
  apiKey: 42,
  name: "DeleteGroupsRequest",
  versions: "0-2",
  flexible: "2+",
  fields: {
    groupsNames: array(string),
  },
});
export type DeleteGroupsRequest = Infer<typeof deleteGroupsRequest>;

export const deleteGroupsResponse = message({
  apiKey: 42,
  name: "DeleteGroupsResponse",
  versions: "0-2",
  flexible: "2+",
  fields: {
    throttleTimeMs: int32,
    results: array(
      struct({
        groupId: string,
        errorCode: int16,
      }),
    ),
  },
});
export type DeleteGroupsResponse = Infer<typeof deleteGroupsResponse>;
