/** Heartbeat (12). */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const heartbeat = inOrder<12>(
  async (operations, { context, request }) => {
    const result = await operations.groups.heartbeat(context, {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generation: request.generationId,
    });
    const error = result.error ?? result.answer.error;
    return { throttleTimeMs: 0, errorCode: kafkaErrorCode(error) };
  },
);
