/**
 * FindCoordinator (10): this node, for every group.
 *
 * There are no transactions, and clients retry COORDINATOR_NOT_AVAILABLE for
 * ever: a transactional id gets an error that ends the attempt.
 */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const GROUP = 0;
const TRANSACTION = 1;

export const findCoordinator = inOrder<10>((operations, call) => {
  const { context, request } = call;
  const { node } = operations.describeCluster(context);
  const refusal = refusalOf(request.keyType);
  const answer =
    refusal === null
      ? { errorCode: 0, errorMessage: null, ...node }
      : { ...refusal, nodeId: -1, host: "", port: -1 };
  return {
    throttleTimeMs: 0,
    ...answer,
    coordinators: request.coordinatorKeys.map((key) => ({ key, ...answer })),
  };
});

function refusalOf(keyType: number) {
  if (keyType === GROUP) return null;
  return keyType === TRANSACTION
    ? {
        errorCode: kafkaErrorCode("transactional-id-not-authorized"),
        errorMessage: "this broker has no transactions",
      }
    : {
        errorCode: kafkaErrorCode("invalid-request"),
        errorMessage: `there are no coordinators of type ${keyType}`,
      };
}
