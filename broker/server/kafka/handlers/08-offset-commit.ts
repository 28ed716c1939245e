/** OffsetCommit (8). */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { orNull, textOrNull } from "../kafka-values.ts";

export const offsetCommit = inOrder<8>(
  async (operations, { context, request }) => {
    const results = await operations.commitOffsets(context, {
      groupId: request.groupId,
      memberId: textOrNull(request.memberId),
      instanceId: request.groupInstanceId,
      generation: orNull(request.generationIdOrMemberEpoch),
      retentionMs: orNull(request.retentionTimeMs),
      topics: request.topics.map(({ name, partitions }) => ({
        topic: name,
        partitions: partitions.map((partition) => ({
          partition: partition.partitionIndex,
          offset: partition.committedOffset,
          leaderEpoch: orNull(partition.committedLeaderEpoch),
          metadata: partition.committedMetadata,
        })),
      })),
    });
    return {
      throttleTimeMs: 0,
      topics: results.map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(({ partition, error }) => ({
          partitionIndex: partition,
          errorCode: kafkaErrorCode(error),
        })),
      })),
    };
  },
);
