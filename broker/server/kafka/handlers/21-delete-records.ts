/** DeleteRecords (21): offset -1 deletes up to the high watermark. */
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { flatten, regroup } from "../kafka-values.ts";

const HIGH_WATERMARK = -1;

export const deleteRecords = inOrder<21>(
  async (operations, { context, request }) => {
    const results = await operations.deleteRecords(
      context,
      flatten(request.topics, (topic, { partitionIndex, offset }) => ({
        topic,
        partition: partitionIndex,
        beforeOffset: offset === HIGH_WATERMARK ? null : offset,
      })),
    );
    return {
      throttleTimeMs: 0,
      topics: regroup(request.topics, results, ({ partitionIndex }, result) =>
        result === undefined || result.error !== null
          ? {
              partitionIndex,
              lowWatermark: -1,
              errorCode: kafkaErrorCode(
                result?.error ?? "unknown-server-error",
              ),
            }
          : { partitionIndex, lowWatermark: result.startOffset, errorCode: 0 },
      ),
    };
  },
);
