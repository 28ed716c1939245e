/** OffsetDelete (47): of topics that the group's members do not read (KIP-496). */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";

export const offsetDelete = inOrder<47>(
  async (operations, { context, request }) => {
    const result = await operations.groups.deleteOffsets(context, {
      groupId: request.groupId,
      topics: request.topics.map(({ name, partitions }) => ({
        topic: name,
        partitions: partitions.map(({ partitionIndex }) => partitionIndex),
      })),
    });
    const answer = result.error === null ? result.answer : result;
    if (answer.error !== null) {
      const errorCode = kafkaErrorCode(answer.error);
      return { errorCode, throttleTimeMs: 0, topics: [] };
    }
    return {
      errorCode: 0,
      throttleTimeMs: 0,
      topics: answer.topics.map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(({ partition, error }) => ({
          partitionIndex: partition,
          errorCode: kafkaErrorCode(error),
        })),
      })),
    };
  },
);
