/** DeleteGroups (42): empty groups only. */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const deleteGroups = inOrder<42>(
  async (operations, { context, request }) => {
    const results = await Promise.all(
      request.groupsNames.map(async (groupId) => {
        const result = await operations.groups.delete(context, { groupId });
        const error = result.error ?? result.answer[0]?.error ?? null;
        return { groupId, errorCode: kafkaErrorCode(error) };
      }),
    );
    return { throttleTimeMs: 0, results };
  },
);
