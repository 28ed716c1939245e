/** Produce: the only handler whose connection does not wait for its answer. */
import type {
  ProducePartition,
  ProduceResult,
} from "../../../operation/produce.ts";
import { refuse } from "../../../operation/operation-error.ts";
import type { CompactRequest } from "../../../wire/compact/apis.ts";
import { ProtocolViolation } from "../../protocol.ts";
import { errorOf } from "../errors.ts";
import { answered, type CompactHandler } from "../handler.ts";

const NO_ACKS = 0;

export const produce: CompactHandler<"produce"> = (
  operations,
  { context, request, payload },
) => {
  const { acks, timeoutMs } = request;
  const partitions = partitionsOf(request, payload);
  if (partitions === null) return refused(request, payload);
  const { assigned, results } = operations.produce(context, {
    acks,
    timeoutMs,
    transactionalId: null,
    partitions,
  });
  return {
    processed: assigned,
    // A log copies what it appends.
    isRequestFree: assigned === null,
    response: results.then((answers) =>
      acks === NO_ACKS
        ? null
        : answered({ partitions: answers.map(partitionAnswer) }),
    ),
  };
};

/** Cuts the payload where the header says; null where it does not add up. */
function partitionsOf(
  { partitions }: CompactRequest<"produce">,
  payload: Uint8Array,
): ProducePartition[] | null {
  const cut: ProducePartition[] = [];
  let position = 0;
  for (const { topic, partition, sizeBytes } of partitions) {
    if (sizeBytes > payload.length - position) return null;
    const records = payload.subarray(position, position + sizeBytes);
    cut.push({ topic, partition, records: sizeBytes === 0 ? null : records });
    position += sizeBytes;
  }
  return position === payload.length ? cut : null;
}

function refused({ acks }: CompactRequest<"produce">, payload: Uint8Array) {
  const detail = `the partitions' sizes are not that of the ${payload.length} bytes sent`;
  // Who expects no answer would never learn that nothing was appended.
  if (acks === NO_ACKS) throw new ProtocolViolation(detail);
  return {
    processed: null,
    response: Promise.resolve(refuse("invalid-request", detail)),
  };
}

function partitionAnswer(result: ProduceResult) {
  if (result.error !== null) {
    return {
      error: errorOf(result.error, result.detail),
      baseOffset: null,
      logAppendTimeMs: null,
      startOffset: null,
    };
  }
  const { baseOffset, logAppendTimeMs, startOffset } = result;
  return { error: null, baseOffset, logAppendTimeMs, startOffset };
}
