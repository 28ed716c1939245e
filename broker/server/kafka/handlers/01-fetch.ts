/**
 * Fetch (1): batches of bytes, handed on as they lie in the log.
 *
 * Sessions (KIP-227) are not kept: every answer says session 0, "none", and
 * the client goes on sending full requests. One that names a session we never
 * gave gets an error, and starts over.
 *
 * Below version 10 a reader does not know zstd: a topic set to it is refused
 * (KIP-110). Batches that a producer compressed by itself go out all the same,
 * as in Kafka, which does not look into them either.
 *
 * From version 13 on topics are named by id; an id nobody knows is an error of
 * its partitions, which makes the client ask for metadata.
 */
import type { FetchPartition, FetchResult } from "../../../operation/fetch.ts";
import type { RequestContext } from "../../../operation/context.ts";
import type { OperationError } from "../../../operation/operation-error.ts";
import type { Operations } from "../../../operation/operations.ts";
import type { RequestOf, ResponseOf } from "../../../wire/kafka/apis.ts";
import { kafkaErrorCode } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";
import { isolationOf, orNull } from "../kafka-values.ts";

/** A request that asks to begin a session, and one outside every session. */
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const FIRST_VERSION_WITH_ZSTD = 10;
const FIRST_VERSION_WITH_IDS = 13;

type FetchTopic = RequestOf<1>["topics"][number];

/** The topic that a request names, or why it is not read. */
type Source = { readonly topic: string } | { readonly error: OperationError };

export const fetch = inOrder<1>(async (operations, call) => {
  const { request } = call;
  const isOfASession =
    request.sessionEpoch !== INITIAL_EPOCH &&
    request.sessionEpoch !== FINAL_EPOCH;
  if (isOfASession) {
    return {
      throttleTimeMs: 0,
      errorCode: kafkaErrorCode("fetch-session-id-not-found"),
      responses: [],
    };
  }
  const sources = request.topics.map((topic) =>
    sourceOf(operations, call, topic),
  );
  const results = await operations.fetch(call.context, {
    waitMsMax: request.maxWaitMs,
    sizeBytesMin: request.minBytes,
    sizeBytesMax: request.maxBytes,
    isolation: isolationOf(request.isolationLevel),
    partitions: partitionsOf(request, sources),
  });
  return responseOf(request, sources, results);
});

function sourceOf(
  operations: Operations,
  { context, version }: Call<1>,
  { topic, topicId }: FetchTopic,
): Source {
  if (version >= FIRST_VERSION_WITH_IDS) {
    const name = operations.topics.nameOf(topicId);
    return name === null ? { error: "unknown-topic-id" } : { topic: name };
  }
  if (
    version < FIRST_VERSION_WITH_ZSTD &&
    isZstdTopic(operations, context, topic)
  ) {
    return { error: "unsupported-compression" };
  }
  return { topic };
}

function isZstdTopic(
  operations: Operations,
  context: RequestContext,
  name: string,
): boolean {
  const names = ["compression.type"];
  const query = { kind: "topic", name, names } as const;
  const described = operations.configs.describe(context, query);
  if (described.error !== null) return false;
  return described.configs.some(({ value }) => value === "zstd");
}

function partitionsOf(
  request: RequestOf<1>,
  sources: readonly Source[],
): FetchPartition[] {
  const wanted: FetchPartition[] = [];
  for (const [index, { partitions }] of request.topics.entries()) {
    const source = sources[index];
    if (source === undefined || "error" in source) continue;
    for (const partition of partitions) {
      wanted.push({
        topic: source.topic,
        partition: partition.partition,
        offset: partition.fetchOffset,
        sizeBytesMax: partition.partitionMaxBytes,
        leaderEpoch: orNull(partition.currentLeaderEpoch),
        lastFetchedEpoch: orNull(partition.lastFetchedEpoch),
      });
    }
  }
  return wanted;
}

function responseOf(
  request: RequestOf<1>,
  sources: readonly Source[],
  results: readonly FetchResult[],
): ResponseOf<1> {
  const isolation = isolationOf(request.isolationLevel);
  let next = 0;
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    responses: request.topics.map(({ topic, topicId, partitions }, index) => {
      const source = sources[index];
      return {
        topic,
        topicId,
        partitions: partitions.map(({ partition }) =>
          source === undefined || "error" in source
            ? refused(partition, source?.error ?? "unknown-server-error")
            : partitionResponse(partition, results[next++], isolation),
        ),
      };
    }),
  };
}

function refused(
  partitionIndex: number,
  error: OperationError,
  result?: FetchResult,
) {
  return {
    partitionIndex,
    errorCode: kafkaErrorCode(error),
    highWatermark: result?.highWatermark ?? -1,
    logStartOffset: result?.startOffset ?? -1,
    // As Kafka has it: null where there is a log.
    abortedTransactions: (result?.highWatermark ?? null) === null ? [] : null,
    records: new Uint8Array(0),
  };
}

function partitionResponse(
  partitionIndex: number,
  result: FetchResult | undefined,
  isolation: ReturnType<typeof isolationOf>,
) {
  if (result === undefined) {
    return refused(partitionIndex, "unknown-server-error");
  }
  if (result.error !== null) {
    return refused(partitionIndex, result.error, result);
  }
  const { divergingEpoch } = result;
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark: result.highWatermark,
    lastStableOffset: result.stableOffset,
    logStartOffset: result.startOffset,
    ...(divergingEpoch === undefined ? {} : { divergingEpoch }),
    // None is not the same as "not asked for".
    abortedTransactions: isolation === "read_committed" ? [] : null,
    records: result.payload,
  };
}
