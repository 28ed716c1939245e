/**
 * Fetch (1): batches of bytes, handed on as they lie in the log.
 *
 * Sessions (KIP-227) are not kept: every answer says session 0, "none", and
 * the client goes on sending full requests. One that names a session we never
 * gave gets an error, and starts over.
 *
 * From version 13 on topics are named by id; an id nobody knows is an error of
 * its partitions, which makes the client ask for metadata.
 */
import type { FetchPartition, FetchResult } from "../../../operation/fetch.ts";
import type { Operations } from "../../../operation/operations.ts";
import type { RequestOf, ResponseOf } from "../../../wire/kafka/apis.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";
import { isolationOf, orNull } from "../kafka-values.ts";

/** A request outside every session, or one that asks to begin one. */
const NO_SESSION = 0;
const FINAL_EPOCH = -1;
const FIRST_VERSION_WITH_IDS = 13;

type FetchTopic = RequestOf<1>["topics"][number];

export const fetch = inOrder<1>(async (operations, call) => {
  const { request } = call;
  const isOfASession =
    request.sessionId !== NO_SESSION && request.sessionEpoch !== FINAL_EPOCH;
  if (isOfASession) {
    return {
      throttleTimeMs: 0,
      errorCode: kafkaErrorCode("fetch-session-id-not-found"),
      responses: [],
    };
  }
  const names = request.topics.map((topic) => nameOf(operations, call, topic));
  const results = await operations.fetch(call.context, {
    waitMsMax: request.maxWaitMs,
    sizeBytesMin: request.minBytes,
    sizeBytesMax: request.maxBytes,
    isolation: isolationOf(request.isolationLevel),
    partitions: partitionsOf(request, names),
  });
  return responseOf(request, names, results);
});

/** Null: no topic has this id. */
function nameOf(
  operations: Operations,
  { version }: Call<1>,
  { topic, topicId }: FetchTopic,
): string | null {
  return version < FIRST_VERSION_WITH_IDS
    ? topic
    : operations.topics.nameOf(topicId);
}

function partitionsOf(
  request: RequestOf<1>,
  names: readonly (string | null)[],
): FetchPartition[] {
  const wanted: FetchPartition[] = [];
  for (const [index, { partitions }] of request.topics.entries()) {
    const topic = names[index] ?? null;
    if (topic === null) continue;
    for (const partition of partitions) {
      wanted.push({
        topic,
        partition: partition.partition,
        offset: partition.fetchOffset,
        sizeBytesMax: partition.partitionMaxBytes,
        leaderEpoch: orNull(partition.currentLeaderEpoch),
      });
    }
  }
  return wanted;
}

function responseOf(
  request: RequestOf<1>,
  names: readonly (string | null)[],
  results: readonly FetchResult[],
): ResponseOf<1> {
  let next = 0;
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    responses: request.topics.map(({ topic, topicId, partitions }, index) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) =>
        partitionResponse(
          partition,
          names[index] === null ? undefined : results[next++],
        ),
      ),
    })),
  };
}

/** `undefined`: the topic's id is unknown. */
function partitionResponse(
  partitionIndex: number,
  result: FetchResult | undefined,
) {
  if (result === undefined || result.error !== null) {
    return {
      partitionIndex,
      errorCode: kafkaErrorCode(result?.error ?? "unknown-topic-id"),
      highWatermark: result?.highWatermark ?? -1,
      logStartOffset: result?.startOffset ?? -1,
      abortedTransactions: [],
      records: new Uint8Array(0),
    };
  }
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark: result.highWatermark,
    lastStableOffset: result.stableOffset,
    logStartOffset: result.startOffset,
    abortedTransactions: [],
    records: result.payload,
  };
}
