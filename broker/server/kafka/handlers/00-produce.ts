/**
 * Produce (0): the only handler whose connection does not wait for its answer.
 *
 * With acks 0 there is no answer, so a refusal can be told in one way only: the
 * connection closes, and the client asks for metadata anew. So does Kafka.
 */
import type {
  ProducePartition,
  ProduceResult,
} from "../../../operation/produce.ts";
import type { RequestOf, ResponseOf } from "../../../wire/kafka/apis.ts";
import { ProtocolViolation } from "../../protocol.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import type { Handler } from "../handler.ts";

const FIRST_VERSION_WITH_ZSTD = 7;

export const produce: Handler<0> = (operations, call) => {
  const { context, request, version } = call;
  const { assigned, results } = operations.produce(context, {
    acks: request.acks,
    timeoutMs: request.timeoutMs,
    transactionalId: request.transactionalId,
    isZstdRefused: version < FIRST_VERSION_WITH_ZSTD,
    partitions: partitionsOf(request),
  });
  return {
    processed: assigned,
    // A log copies what it appends.
    isRequestFree: assigned === null,
    response: results.then((answers) =>
      request.acks === 0
        ? withoutAnswer(request, answers)
        : responseOf(request, answers),
    ),
  };
};

function withoutAnswer(
  request: RequestOf<0>,
  answers: readonly ProduceResult[],
): null {
  const partitions = partitionsOf(request);
  for (const [index, { error }] of answers.entries()) {
    if (error === null) continue;
    const { topic, partition } = partitions[index] ?? {};
    throw new ProtocolViolation(
      `acks 0 and a batch that is refused: ${topic}-${partition}: ${error}`,
    );
  }
  return null;
}

function partitionsOf(request: RequestOf<0>): ProducePartition[] {
  const partitions: ProducePartition[] = [];
  for (const { name, partitionData } of request.topicData) {
    for (const { index, records } of partitionData) {
      partitions.push({ topic: name, partition: index, records });
    }
  }
  return partitions;
}

function responseOf(
  request: RequestOf<0>,
  results: readonly ProduceResult[],
): ResponseOf<0> {
  let next = 0;
  return {
    responses: request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) =>
        partitionResponse(index, results[next++]),
      ),
    })),
  };
}

function partitionResponse(index: number, result: ProduceResult | undefined) {
  if (result === undefined || result.error !== null) {
    const { recordIndex, detail = null } = result ?? {};
    return {
      index,
      errorCode: kafkaErrorCode(result?.error ?? "unknown-server-error"),
      baseOffset: -1,
      recordErrors:
        recordIndex === undefined
          ? []
          : [{ batchIndex: recordIndex, batchIndexErrorMessage: detail }],
      errorMessage: kafkaErrorMessage(detail),
    };
  }
  return {
    index,
    errorCode: 0,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.logAppendTimeMs ?? -1,
    logStartOffset: result.startOffset,
    recordErrors: [],
  };
}
