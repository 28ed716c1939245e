/**
 * SyncGroup (14): followers wait here for what the leader assigns. From version
 * 5 on a member has to say which protocol it believes to be the group's.
 */
import type { OperationError } from "../../../operation/operation-error.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

const FIRST_VERSION_WITH_PROTOCOL = 5;

export const syncGroup = inOrder<14>(
  async (operations, { context, request, version }) => {
    const isNamed =
      request.protocolType !== null && request.protocolName !== null;
    if (version >= FIRST_VERSION_WITH_PROTOCOL && !isNamed) {
      return refused("inconsistent-group-protocol");
    }
    const result = await operations.groups.sync(context, {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
      protocolType: request.protocolType,
      protocol: request.protocolName,
      assignments: request.assignments,
    });
    const answer = result.error === null ? result.answer : result;
    if (answer.error !== null) return refused(answer.error);
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      protocolType: answer.protocolType,
      protocolName: answer.protocol,
      assignment: answer.assignment,
    };
  },
);

function refused(error: OperationError) {
  return {
    throttleTimeMs: 0,
    errorCode: kafkaErrorCode(error),
    assignment: new Uint8Array(0),
  };
}
