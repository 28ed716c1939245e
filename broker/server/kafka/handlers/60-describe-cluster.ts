/** DescribeCluster (60): brokers only; the controllers' endpoints (version 1) are not served. */
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import { authorizedOperations } from "../authorized-operations.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const ENDPOINT_BROKERS = 1;
const ENDPOINT_CONTROLLERS = 2;

export const describeCluster = inOrder<60>(
  (operations, { context, request }) => {
    if (request.endpointType !== ENDPOINT_BROKERS) return refused(request);
    const { clusterId, node } = operations.describeCluster(context);
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      clusterId,
      controllerId: node.nodeId,
      brokers: [{ brokerId: node.nodeId, host: node.host, port: node.port }],
      clusterAuthorizedOperations: authorizedOperations(
        "cluster",
        request.includeClusterAuthorizedOperations,
      ),
    };
  },
);

function refused({ endpointType }: RequestOf<60>) {
  const error =
    endpointType === ENDPOINT_CONTROLLERS
      ? "mismatched-endpoint-type"
      : "unsupported-endpoint-type";
  return {
    throttleTimeMs: 0,
    errorCode: kafkaErrorCode(error),
    errorMessage: "only brokers can be described here",
    clusterId: "",
    brokers: [],
  };
}
