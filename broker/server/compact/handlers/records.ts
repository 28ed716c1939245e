/** Fetch, offsets, deleting records, and a producer's id. */
import type { OffsetTarget } from "../../../operation/list-offsets.ts";
import { refuse } from "../../../operation/operation-error.ts";
import type { CompactRequest } from "../../../wire/compact/apis.ts";
import { errorOf } from "../errors.ts";
import { answered, inOrder } from "../handler.ts";

export const fetch = inOrder<"fetch">(
  async (operations, { context, request }) => {
    const results = await operations.fetch(context, {
      waitMsMax: request.waitMsMax,
      sizeBytesMin: request.sizeBytesMin,
      sizeBytesMax: request.sizeBytesMax,
      isolation: isolationOf(request),
      partitions: request.partitions,
    });
    return answered(
      {
        partitions: results.map((result) =>
          result.error === null
            ? {
                error: null,
                sizeBytes: result.payload.sizeBytes,
                highWatermark: result.highWatermark,
                stableOffset: result.stableOffset,
                startOffset: result.startOffset,
              }
            : {
                error: errorOf(result.error, result.detail),
                sizeBytes: 0,
                highWatermark: result.highWatermark,
                stableOffset: null,
                startOffset: result.startOffset,
              },
        ),
      },
      results.flatMap((result) =>
        result.error === null ? result.payload : [],
      ),
    );
  },
);

export const offsets = inOrder<"offsets">(
  async (operations, { context, request }) => {
    const wanted = request.partitions.map(({ topic, partition, ...rest }) => ({
      topic,
      partition,
      target: targetOf(rest),
      leaderEpoch: rest.leaderEpoch,
    }));
    // One target that nobody knows, and the request is not understood.
    const known = wanted.flatMap(({ target, ...rest }) =>
      target === null ? [] : { ...rest, target },
    );
    if (known.length < wanted.length) {
      return refuse("invalid-request", "an offset target that is not known");
    }
    const results = await operations.listOffsets.list(context, {
      isolation: isolationOf(request),
      partitions: known,
    });
    return answered({
      partitions: results.map((result) =>
        result.error === null
          ? {
              error: null,
              offset: result.offset,
              timestampMs: result.timestampMs,
              leaderEpoch: result.leaderEpoch,
            }
          : {
              error: errorOf(result.error, result.detail),
              offset: null,
              timestampMs: null,
              leaderEpoch: null,
            },
      ),
    });
  },
);

/** Null for a target that does not exist. */
function targetOf({
  target,
  timestampMs,
}: {
  readonly target: string;
  readonly timestampMs: number | null;
}): OffsetTarget | null {
  switch (target) {
    case "earliest":
    case "latest":
    case "max-timestamp":
      return target;
    case "timestamp":
      return timestampMs;
    default:
      return null;
  }
}

export const deleteRecords = inOrder<"delete-records">(
  async (operations, { context, request }) => {
    const results = await operations.deleteRecords(context, request.partitions);
    return answered({
      partitions: results.map((result) =>
        result.error === null
          ? { error: null, startOffset: result.startOffset }
          : { error: errorOf(result.error, result.detail), startOffset: null },
      ),
    });
  },
);

export const initProducer = inOrder<"init-producer">(
  async (operations, { context, request }) => {
    const result = await operations.initProducer(context, {
      transactionalId: null,
      producerId: request.producerId,
      producerEpoch: request.producerEpoch,
    });
    if (result.error !== null) return result;
    const { producerId, producerEpoch } = result;
    return answered({ producerId, producerEpoch });
  },
);

function isolationOf({
  isCommittedOnly,
}: Pick<CompactRequest<"fetch">, "isCommittedOnly">) {
  return isCommittedOnly ? "read_committed" : "read_uncommitted";
}
