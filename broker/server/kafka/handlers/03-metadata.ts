/**
 * Metadata (3): which topics there are, and that this node leads them all.
 *
 * Version 0 asks for everything with an empty list, later ones with null. A
 * topic that is named and missing is created, as Kafka does, unless the
 * request or the broker says no. In version 12 a topic may be asked for by id.
 *
 * A partition whose log has failed is what Kafka says of one whose only
 * directory is offline: it has no leader, and its one replica is offline.
 */
import type { TopicReference } from "../../../operation/manage-topics.ts";
import type { DescribedTopic } from "../../../operation/manage-topics.ts";
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import { ZERO_UUID } from "../../../wire/schema.ts";
import { authorizedOperations } from "../authorized-operations.ts";
import { kafkaErrorCode, LEADER_NOT_AVAILABLE } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";

const FIRST_VERSION_WITH_IDS = 12;
const NO_LEADER = -1;

type RequestedTopic = NonNullable<RequestOf<3>["topics"]>[number];

export const metadata = inOrder<3>(async (operations, call) => {
  const { context, request } = call;
  const { clusterId, node } = operations.describeCluster(context);
  const cluster = {
    throttleTimeMs: 0,
    brokers: [node],
    clusterId,
    controllerId: node.nodeId,
  };
  if (asksForIdsTooEarly(call)) {
    return { ...cluster, topics: (request.topics ?? []).map(refusedEarly) };
  }
  const topics = await operations.topics.describe(context, {
    topics: referencesOf(call),
    mayCreate: request.allowAutoTopicCreation,
  });
  return {
    ...cluster,
    topics: topics.map((topic) => ({
      ...topicResponse(topic, node.nodeId),
      ...(topic.error === null && request.includeTopicAuthorizedOperations
        ? { topicAuthorizedOperations: authorizedOperations("topic", true) }
        : {}),
    })),
    clusterAuthorizedOperations: authorizedOperations(
      "cluster",
      request.includeClusterAuthorizedOperations,
    ),
  };
});

/** Versions 10 and 11 have the fields for it, and may not use them. */
function asksForIdsTooEarly({ request, version }: Call<3>): boolean {
  if (version >= FIRST_VERSION_WITH_IDS) return false;
  const topics = request.topics ?? [];
  return topics.some(
    ({ name, topicId }) => name === null || topicId !== ZERO_UUID,
  );
}

/** Every topic of such a request; a name is never null in these versions. */
function refusedEarly({ name, topicId }: RequestedTopic) {
  return {
    errorCode: kafkaErrorCode("invalid-request"),
    name: name ?? "",
    topicId,
    partitions: [],
  };
}

function referencesOf({
  request,
  version,
}: Call<3>): readonly TopicReference[] | null {
  const { topics } = request;
  if (topics === null || (version === 0 && topics.length === 0)) return null;
  // A topic asked for twice is answered once, as in Kafka.
  const distinct = new Map(topics.map((one) => [one.name ?? one.topicId, one]));
  return Array.from(distinct.values(), referenceOf);
}

function referenceOf({ name, topicId }: RequestedTopic): TopicReference {
  return name === null ? { name, id: topicId } : { name, id: null };
}

function topicResponse(described: DescribedTopic, nodeId: number) {
  if (described.error !== null) {
    const { name, id } = described.reference;
    return {
      errorCode: kafkaErrorCode(described.error),
      // Only version 12 has requests by id, and only it can say "no name".
      name,
      topicId: id ?? ZERO_UUID,
      partitions: [],
    };
  }
  const { topic, leaderEpochs } = described;
  const offline = new Set(described.offline.map(({ partition }) => partition));
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: leaderEpochs.map((leaderEpoch, partitionIndex) => {
      const isOffline = offline.has(partitionIndex);
      return {
        errorCode: isOffline ? LEADER_NOT_AVAILABLE : 0,
        partitionIndex,
        leaderId: isOffline ? NO_LEADER : nodeId,
        leaderEpoch,
        replicaNodes: [nodeId],
        isrNodes: [nodeId],
        offlineReplicas: isOffline ? [nodeId] : [],
      };
    }),
  };
}
