/**
 * ListOffsets: v1-7
 *
 * v1   one offset a partition, with its timestamp
 * v2   isolation level; throttle time
 * v4   leader epoch, both ways, for fencing (KIP-320)
 * v5   the reader understands OFFSET_NOT_AVAILABLE
 * v6   flexible
 * v7   timestamp -3: the record with the largest timestamp (KIP-734)
 *
 * Timestamps below zero are questions: -1 the end, -2 the start.
 */
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const listOffsetsRequest = message({
  apiKey: 2,
  name: "ListOffsetsRequest",
  versions: "1-7",
  flexible: "6+",
  fields: {
    replicaId: int32,
    isolationLevel: int8.versions("2+"),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            currentLeaderEpoch: int32.versions("4+").default(-1),
            timestamp: int64,
          }),
        ),
      }),
    ),
  },
});
export type ListOffsetsRequest = Infer<typeof listOffsetsRequest>;

export const listOffsetsResponse = message({
  apiKey: 2,
  name: "ListOffsetsResponse",
  versions: "1-7",
  flexible: "6+",
  fields: {
    throttleTimeMs: int32.versions("2+"),
    topics: array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            timestamp: int64.default(-1),
            offset: int64.default(-1),
            leaderEpoch: int32.versions("4+").default(-1),
          }),
        ),
      }),
    ),
  },
});
export type ListOffsetsResponse = Infer<typeof listOffsetsResponse>;
