/**
 * ListOffsets (2): the timestamp says what is asked for: -1 the end, -2 the
 * start, -3 the newest timestamp (KIP-734, v7), anything from 0 a time.
 */
import type {
  ListedOffset,
  OffsetTarget,
} from "../../../operation/list-offsets.ts";
import type { Refusal } from "../../../operation/operation-error.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { inOrder } from "../handler.ts";
import { flatten, isolationOf, orNull, regroup } from "../kafka-values.ts";

const LATEST = -1;
const EARLIEST = -2;
const MAX_TIMESTAMP = -3;
const FIRST_VERSION_WITH_MAX_TIMESTAMP = 7;

export const listOffsets = inOrder<2>(
  async (operations, { context, request, version }) => {
    const wanted = flatten(request.topics, (topic, asked) => ({
      topic,
      partition: asked.partitionIndex,
      target: targetOf(asked.timestamp, version),
      leaderEpoch: orNull(asked.currentLeaderEpoch),
    }));
    const isSupported = wanted.every(({ target }) => target !== null);
    const results = isSupported
      ? await operations.listOffsets.list(context, {
          isolation: isolationOf(request.isolationLevel),
          partitions: wanted.map((one) => ({
            ...one,
            target: one.target ?? "latest",
          })),
        })
      : wanted.map(() => unsupported);
    return {
      throttleTimeMs: 0,
      topics: regroup(request.topics, results, ({ partitionIndex }, result) =>
        partitionResponse(partitionIndex, result),
      ),
    };
  },
);

const unsupported: Refusal = { error: "unsupported-version", detail: null };

/** Null for a question that this version does not have. */
function targetOf(timestamp: number, version: number): OffsetTarget | null {
  if (timestamp >= 0) return timestamp;
  if (timestamp === LATEST) return "latest";
  if (timestamp === EARLIEST) return "earliest";
  return timestamp === MAX_TIMESTAMP &&
    version >= FIRST_VERSION_WITH_MAX_TIMESTAMP
    ? "max-timestamp"
    : null;
}

function partitionResponse(
  partitionIndex: number,
  result: ListedOffset | Refusal | undefined,
) {
  if (result === undefined || result.error !== null) {
    const error = result?.error ?? "unknown-server-error";
    return { partitionIndex, errorCode: kafkaErrorCode(error) };
  }
  return {
    partitionIndex,
    errorCode: 0,
    timestamp: result.timestampMs ?? -1,
    offset: result.offset ?? -1,
    leaderEpoch: result.offset === null ? -1 : result.leaderEpoch,
  };
}
