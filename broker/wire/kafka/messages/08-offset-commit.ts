/**
 * OffsetCommit: v2-8
 *
 * v2   the client may set a retention time
 * v3   throttle time
 * v5   no retention time any more: the broker's option alone decides
 * v6   leader epoch of the committed offset (KIP-320)
 * v7   group instance id of static members (KIP-345)
 * v8   flexible
 *
 * `generationIdOrMemberEpoch` is -1 when nobody of a group commits (simple
 * consumers, admin tools).
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const offsetCommitRequest = message({
  apiKey: 8,
  name: "OffsetCommitRequest",
  versions: "2-8",
  flexible: "8+",
  fields: {
    groupId: string,
    generationIdOrMemberEpoch: int32.default(-1),
    memberId: string,
    groupInstanceId: string.versions("7+").nullable().default(null),
    retentionTimeMs: int64.versions("2-4").default(-1),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: int32.versions("6+").default(-1),
            committedMetadata: string.nullable(),
          }),
        ),
      }),
    ),
  },
});
export type OffsetCommitRequest = Infer<typeof offsetCommitRequest>;

export const offsetCommitResponse = message({
  apiKey: 8,
  name: "OffsetCommitResponse",
  versions: "2-8",
  flexible: "8+",
  fields: {
    throttleTimeMs: int32.versions("3+"),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
          }),
        ),
      }),
    ),
  },
});
export type OffsetCommitResponse = Infer<typeof offsetCommitResponse>;
