/**
 * Fetch: v4-13
 *
 * v4   record batches (magic 2), isolation level, aborted transactions
 * v5   log start offset, both ways
 * v7   incremental fetch sessions (KIP-227)
 * v9   the leader epoch that the reader knows, for fencing (KIP-320)
 * v10  zstd (KIP-110)
 * v11  rack of the reader, preferred read replica (KIP-392)
 * v12  flexible; last fetched epoch, diverging epoch, current leader
 * v13  topic ids in place of names (KIP-516)
 *
 * v6 and v8 bring no field: errors the reader understands, throttling after
 * the answer. `records` may be `null`; it is bytes, and is not parsed here.
 */
import {
  array,
  int16,
  int32,
  int64,
  int8,
  message,
  records,
  string,
  struct,
  uuid,
  type Infer,
} from "../../schema.ts";

export const fetchRequest = message({
  apiKey: 1,
  name: "FetchRequest",
  versions: "4-13",
  flexible: "12+",
  fields: {
    clusterId: string.versions("12+").nullable().default(null).tagged(0, "12+"),
    replicaId: int32.default(-1),
    maxWaitMs: int32,
    minBytes: int32,
    maxBytes: int32.default(0x7fffffff),
    isolationLevel: int8.default(0),
    sessionId: int32.versions("7+").default(0),
    sessionEpoch: int32.versions("7+").default(-1),
    topics: array(
      struct({
        topic: string.versions("0-12"),
        topicId: uuid.versions("13+"),
        partitions: array(
          struct({
            partition: int32,
            currentLeaderEpoch: int32.versions("9+").default(-1),
            fetchOffset: int64,
            lastFetchedEpoch: int32.versions("12+").default(-1),
            logStartOffset: int64.versions("5+").default(-1),
            partitionMaxBytes: int32,
          }),
        ),
      }),
    ),
    forgottenTopicsData: array(
      struct({
        topic: string.versions("7-12"),
        topicId: uuid.versions("13+"),
        partitions: array(int32),
      }),
    ).versions("7+"),
    rackId: string.versions("11+").default(""),
  },
});
export type FetchRequest = Infer<typeof fetchRequest>;

export const fetchResponse = message({
  apiKey: 1,
  name: "FetchResponse",
  versions: "4-13",
  flexible: "12+",
  fields: {
    throttleTimeMs: int32,
    errorCode: int16.versions("7+"),
    sessionId: int32.versions("7+").default(0),
    responses: array(
      struct({
        topic: string.versions("0-12"),
        topicId: uuid.versions("13+"),
        partitions: array(
          struct({
            partitionIndex: int32,
            errorCode: int16,
            highWatermark: int64,
            lastStableOffset: int64.default(-1),
            logStartOffset: int64.versions("5+").default(-1),
            divergingEpoch: struct({
              epoch: int32.default(-1),
              endOffset: int64.default(-1),
            })
              .versions("12+")
              .tagged(0, "12+"),
            currentLeader: struct({
              leaderId: int32.default(-1),
              leaderEpoch: int32.default(-1),
            })
              .versions("12+")
              .tagged(1, "12+"),
            snapshotId: struct({
              endOffset: int64.default(-1),
              epoch: int32.default(-1),
            })
              .versions("12+")
              .tagged(2, "12+"),
            abortedTransactions: array(
              struct({
                producerId: int64,
                firstOffset: int64,
              }),
            ).nullable(),
            preferredReadReplica: int32.versions("11+").default(-1),
            records: records.nullable(),
          }),
        ),
      }),
    ),
  },
});
export type FetchResponse = Infer<typeof fetchResponse>;
