/** DescribeCluster (60): brokers only; the controllers' endpoints (version 1) are not served. */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const ENDPOINT_BROKERS = 1;

export const describeCluster = inOrder<60>(
  (operations, { context, request }) => {
    const { clusterId, node } = operations.describeCluster(context);
    const isServed = request.endpointType === ENDPOINT_BROKERS;
    return {
      throttleTimeMs: 0,
      errorCode: isServed ? 0 : kafkaErrorCode("unsupported-endpoint-type"),
      errorMessage: isServed ? null : "only brokers can be described here",
      endpointType: request.endpointType,
      clusterId,
      controllerId: node.nodeId,
      brokers: isServed
        ? [{ brokerId: node.nodeId, host: node.host, port: node.port }]
        : [],
    };
  },
);
