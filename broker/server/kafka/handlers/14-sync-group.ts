/** SyncGroup (14): followers wait here for what the leader assigns. */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const syncGroup = inOrder<14>(
  async (operations, { context, request }) => {
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
    if (answer.error !== null) {
      return {
        throttleTimeMs: 0,
        errorCode: kafkaErrorCode(answer.error),
        assignment: new Uint8Array(0),
      };
    }
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      protocolType: answer.protocolType,
      protocolName: answer.protocol,
      assignment: answer.assignment,
    };
  },
);
