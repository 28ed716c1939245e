/**
 * Metadata: v0-12
 *
 * v1   `topics: null` asks for all; rack, controller, internal topics
 * v2   cluster id
 * v3   throttle time
 * v4   the client says whether topics may be created
 * v5   offline replicas
 * v7   leader epoch of each partition (KIP-320)
 * v8   authorised operations, when asked for (KIP-430)
 * v9   flexible
 * v10  topic ids in the answer (KIP-516)
 * v11  no authorised operations of the cluster (DescribeCluster has them)
 * v12  topics may be asked for by id
 *
 * In v0 it is the *empty* array that asks for all topics. A client that asks by
 * name in v10 and v11 sends the zero id; asking by id works from v12 only.
 */
import {
  array,
  bool,
  int16,
  int32,
  message,
  string,
  struct,
  uuid,
  type Infer,
} from "../../schema.ts";

export const metadataRequest = message({
  apiKey: 3,
  name: "MetadataRequest",
  versions: "0-12",
  flexible: "9+",
  fields: {
    topics: array(
      struct({
        topicId: uuid.versions("10+"),
        name: string.nullable("10+"),
      }),
    ).nullable("1+"),
    allowAutoTopicCreation: bool.versions("4+").default(true),
    includeClusterAuthorizedOperations: bool.versions("8-10"),
    includeTopicAuthorizedOperations: bool.versions("8+"),
  },
});
export type MetadataRequest = Infer<typeof metadataRequest>;

export const metadataResponse = message({
  apiKey: 3,
  name: "MetadataResponse",
  versions: "0-12",
  flexible: "9+",
  fields: {
    throttleTimeMs: int32.versions("3+"),
    brokers: array(
      struct({
        nodeId: int32,
        host: string,
        port: int32,
        rack: string.versions("1+").nullable().default(null),
      }),
    ),
    clusterId: string.versions("2+").nullable().default(null),
    controllerId: int32.versions("1+").default(-1),
    topics: array(
      struct({
        errorCode: int16,
        name: string.nullable("12+"),
        topicId: uuid.versions("10+"),
        isInternal: bool.versions("1+").default(false),
        partitions: array(
          struct({
            errorCode: int16,
            partitionIndex: int32,
            leaderId: int32,
            leaderEpoch: int32.versions("7+").default(-1),
            replicaNodes: array(int32),
            isrNodes: array(int32),
            offlineReplicas: array(int32).versions("5+"),
          }),
        ),
        topicAuthorizedOperations: int32.versions("8+").default(-0x80000000),
      }),
    ),
    clusterAuthorizedOperations: int32.versions("8-10").default(-0x80000000),
  },
});
export type MetadataResponse = Infer<typeof metadataResponse>;
