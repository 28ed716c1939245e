/**
 * CreateTopics: v2-7
 *
 * v2   validate only; throttle time; a message with an error
 * v4   -1 partitions or replicas: the broker's default (KIP-464)
 * v5   flexible; partition count and configuration in the answer (KIP-525)
 * v6   the client understands THROTTLING_QUOTA_EXCEEDED (KIP-599)
 * v7   topic id in the answer (KIP-516)
 */
import {
  array,
  bool,
  int16,
  int32,
  int8,
  message,
  string,
  struct,
  uuid,
  type Infer,
} from "../../schema.ts";

export const createTopicsRequest = message({
  apiKey: 19,
  name: "CreateTopicsRequest",
  versions: "2-7",
  flexible: "5+",
  fields: {
    topics: array(
      struct({
        name: string,
        numPartitions: int32,
        replicationFactor: int16,
        assignments: array(
          struct({
            partitionIndex: int32,
            brokerIds: array(int32),
          }),
        ),
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
          }),
        ),
      }),
    ),
    timeoutMs: int32.default(60000),
    validateOnly: bool.default(false),
  },
});
export type CreateTopicsRequest = Infer<typeof createTopicsRequest>;

export const createTopicsResponse = message({
  apiKey: 19,
  name: "CreateTopicsResponse",
  versions: "2-7",
  flexible: "5+",
  fields: {
    throttleTimeMs: int32,
    topics: array(
      struct({
        name: string,
        topicId: uuid.versions("7+"),
        errorCode: int16,
        errorMessage: string.nullable(),
        topicConfigErrorCode: int16.versions("5+").tagged(0, "5+"),
        numPartitions: int32.versions("5+").default(-1),
        replicationFactor: int16.versions("5+").default(-1),
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
            readOnly: bool,
            configSource: int8.default(-1),
            isSensitive: bool,
          }),
        )
          .versions("5+")
          .nullable(),
      }),
    ),
  },
});
export type CreateTopicsResponse = Infer<typeof createTopicsResponse>;
