/**
 * DescribeCluster: v0-1 (KIP-700)
 *
 * v0   flexible from the start
 * v1   brokers or controllers (KIP-919)
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
  type Infer,
} from "../../schema.ts";

export const describeClusterRequest = message({
  apiKey: 60,
  name: "DescribeClusterRequest",
  versions: "0-1",
  flexible: "0+",
  fields: {
    includeClusterAuthorizedOperations: bool,
    endpointType: int8.versions("1+").default(1),
  },
});
export type DescribeClusterRequest = Infer<typeof describeClusterRequest>;

export const describeClusterResponse = message({
  apiKey: 60,
  name: "DescribeClusterResponse",
  versions: "0-1",
  flexible: "0+",
  fields: {
    throttleTimeMs: int32,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
    endpointType: int8.versions("1+").default(1),
    clusterId: string,
    controllerId: int32.default(-1),
    brokers: array(
      struct({
        brokerId: int32,
        host: string,
        port: int32,
        rack: string.nullable().default(null),
      }),
    ),
    clusterAuthorizedOperations: int32.default(-0x80000000),
  },
});
export type DescribeClusterResponse = Infer<typeof describeClusterResponse>;
