/** ListGroups (16). */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const listGroups = inOrder<16>(
  async (operations, { context, request }) => {
    const result = await operations.groups.list(context, {
      states: request.statesFilter,
      types: [],
    });
    if (result.error !== null) {
      const errorCode = kafkaErrorCode(result.error);
      return { throttleTimeMs: 0, errorCode, groups: [] };
    }
    return {
      throttleTimeMs: 0,
      errorCode: 0,
      groups: result.answer.map(({ groupId, protocolType, state }) => ({
        groupId,
        protocolType,
        groupState: state,
      })),
    };
  },
);
