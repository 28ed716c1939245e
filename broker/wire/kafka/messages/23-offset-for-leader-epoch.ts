/**
 * OffsetForLeaderEpoch: v2-4
 *
 * v2   the leader epoch that the reader knows, for fencing (KIP-320)
 * v3   replica id: -1 for a consumer; the default, -2, is a debugging one
 * v4   flexible
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

export const offsetForLeaderEpochRequest = message({
  apiKey: 23,
  name: "OffsetForLeaderEpochRequest",
  versions: "2-4",
  flexible: "4+",
  fields: {
    replicaId: int32.versions("3+").default(-2),
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({
            partition: int32,
            currentLeaderEpoch: int32.default(-1),
            leaderEpoch: int32,
          }),
        ),
      }),
    ),
  },
});
export type OffsetForLeaderEpochRequest = Infer<
  typeof offsetForLeaderEpochRequest
>;

export const offsetForLeaderEpochResponse = message({
  apiKey: 23,
  name: "OffsetForLeaderEpochResponse",
  versions: "2-4",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32,
    topics: array(
      struct({
        topic: string,
        partitions: array(
          struct({
            errorCode: int16,
            partition: int32,
            leaderEpoch: int32.default(-1),
            endOffset: int64.default(-1),
          }),
        ),
      }),
    ),
  },
});
export type OffsetForLeaderEpochResponse = Infer<
  typeof offsetForLeaderEpochResponse
>;
