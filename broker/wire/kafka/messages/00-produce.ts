/**
 * Produce: v3-11
 *
 * v3   record batches (magic 2), transactional id
 * v4   the producer understands KAFKA_STORAGE_ERROR
 * v5   the answer carries the log start offset
 * v7   zstd (KIP-110)
 * v8   errors per record in the answer (KIP-467)
 * v9   flexible
 * v10  the new leader in the answer (KIP-951)
 * v11  the producer understands TRANSACTION_ABORTABLE (KIP-890)
 *
 * ApiVersions names v0 as the lowest, as Kafka 4 does: librdkafka before 2.11.1
 * takes compression away from a broker that does not (KAFKA-18659). A request
 * in v0-2 is refused all the same: see `advertised` in `apis.ts`.
 *
 * `records` is a view of the request's own bytes. It is not parsed here.
 */
import {
  array,
  int16,
  int32,
  int64,
  message,
  records,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const produceRequest = message({
  apiKey: 0,
  name: "ProduceRequest",
  versions: "3-11",
  flexible: "9+",
  fields: {
    transactionalId: string.nullable().default(null),
    acks: int16,
    timeoutMs: int32,
    topicData: array(
      struct({
        name: string,
        partitionData: array(
          struct({
            index: int32,
            records: records.nullable(),
          }),
        ),
      }),
    ),
  },
});
export type ProduceRequest = Infer<typeof produceRequest>;

export const produceResponse = message({
  apiKey: 0,
  name: "ProduceResponse",
  versions: "3-11",
  flexible: "9+",
  fields: {
    responses: array(
      struct({
        name: string,
        partitionResponses: array(
          struct({
            index: int32,
            errorCode: int16,
            baseOffset: int64,
            logAppendTimeMs: int64.default(-1),
            logStartOffset: int64.versions("5+").default(-1),
            recordErrors: array(
              struct({
                batchIndex: int32,
                batchIndexErrorMessage: string.nullable().default(null),
              }),
            ).versions("8+"),
            errorMessage: string.versions("8+").nullable().default(null),
            currentLeader: struct({
              leaderId: int32.default(-1),
              leaderEpoch: int32.default(-1),
            })
              .versions("10+")
              .tagged(0, "10+"),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32.default(0),
    nodeEndpoints: array(
      struct({
        nodeId: int32,
        host: string,
        port: int32,
        rack: string.nullable().default(null),
      }),
    )
      .versions("10+")
      .tagged(0, "10+"),
  },
});
export type ProduceResponse = Infer<typeof produceResponse>;
