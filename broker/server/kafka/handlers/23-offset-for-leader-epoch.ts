/**
 * OffsetForLeaderEpoch (23): where an epoch ended, so that a reader can tell
 * that the log behind its position was cut (KIP-320).
 */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { orNull } from "../kafka-values.ts";

export const offsetForLeaderEpoch = inOrder<23>(
  async (operations, { context, request }) => {
    const results = await operations.listOffsets.epochEnds(
      context,
      request.topics.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, currentLeaderEpoch, leaderEpoch }) => ({
          topic,
          partition,
          currentLeaderEpoch: orNull(currentLeaderEpoch),
          leaderEpoch,
        })),
      ),
    );
    let next = 0;
    const topics = request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => {
        const result = results[next++];
        if (result === undefined || result.error !== null) {
          const error = result?.error ?? "unknown-server-error";
          return { partition, errorCode: kafkaErrorCode(error) };
        }
        return {
          partition,
          errorCode: 0,
          leaderEpoch: result.leaderEpoch ?? -1,
          endOffset: result.endOffset ?? -1,
        };
      }),
    }));
    return { throttleTimeMs: 0, topics };
  },
);
