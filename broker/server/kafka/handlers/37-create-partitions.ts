/** CreatePartitions (37): the count is the new total. */
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const createPartitions = inOrder<37>(
  async (operations, { context, request }) => {
    const result = await operations.topics.grow(context, {
      topics: request.topics.map(({ name, count, assignments }) => ({
        name,
        partitionCount: count,
        assignments: assignments?.map(({ brokerIds }) => brokerIds) ?? null,
      })),
      validateOnly: request.validateOnly,
    });
    const results = request.topics.map(({ name }, index) => {
      const answer = result.error === null ? result.answer[index] : result;
      if (answer === undefined) {
        return { name, errorCode: kafkaErrorCode("unknown-server-error") };
      }
      return {
        name,
        errorCode: kafkaErrorCode(answer.error),
        errorMessage:
          answer.error === null ? null : kafkaErrorMessage(answer.detail),
      };
    });
    return { throttleTimeMs: 0, results };
  },
);
