/**
 * Topics: describe, create, delete, grow. The catalog decides; this adds what
 * needs more than the catalog: creating what a client merely asks about.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type {
  CreateTopicsAnswer,
  CreateTopicsRequest,
} from "../catalog/create-topics.ts";
import type {
  CreatePartitionsAnswer,
  CreatePartitionsRequest,
} from "../catalog/create-partitions.ts";
import type {
  DeleteTopicsAnswer,
  TopicReference,
} from "../catalog/delete-topics.ts";
import type { Topic } from "../catalog/topic.ts";
import { topicNameFault } from "../catalog/topic-name.ts";
import type { MachineResult } from "../machine/machine.ts";
import type { RequestContext } from "./context.ts";
import type {
  OfflinePartition,
  OfflinePartitions,
} from "./offline-partitions.ts";
import { type Refusal, refuse } from "./operation-error.ts";

export type { TopicAnswer } from "../catalog/catalog-answers.ts";
export type { TopicReference } from "../catalog/delete-topics.ts";

/** What was done for each topic, or why the catalog could do nothing at all. */
export type CatalogResult<Answer> =
  { readonly error: null; readonly answer: Answer } | Refusal;

export interface DescribeTopicsRequest {
  /** Null asks for all there are. */
  readonly topics: readonly TopicReference[] | null;
  /** Create those that are named and missing, if the broker is set to. */
  readonly mayCreate: boolean;
}

export type DescribedTopic =
  | {
      readonly error: null;
      readonly topic: Topic;
      /** One for each partition. */
      readonly leaderEpochs: readonly number[];
      /** Those whose logs have failed, with the reasons. */
      readonly offline: readonly OfflinePartition[];
    }
  | (Refusal & { readonly reference: TopicReference });

export interface ManageTopics {
  describe(
    context: RequestContext,
    request: DescribeTopicsRequest,
  ): Promise<readonly DescribedTopic[]>;
  create(
    context: RequestContext,
    request: Omit<CreateTopicsRequest, "isInternal">,
  ): Promise<CatalogResult<CreateTopicsAnswer>>;
  delete(
    context: RequestContext,
    references: readonly TopicReference[],
  ): Promise<CatalogResult<DeleteTopicsAnswer>>;
  grow(
    context: RequestContext,
    request: CreatePartitionsRequest,
  ): Promise<CatalogResult<CreatePartitionsAnswer>>;
  /** Synchronous: a fetch by topic id must not wait. */
  nameOf(topicId: string): string | null;
}

export function createManageTopics(parts: {
  readonly catalog: Catalog;
  readonly autoCreateTopics: boolean;
  readonly offline: Pick<OfflinePartitions, "ofTopic">;
  readonly leaderEpochOf: (topic: Topic, partition: number) => number;
}): ManageTopics {
  const { catalog } = parts;
  const described = (topic: Topic): DescribedTopic => ({
    error: null,
    topic,
    leaderEpochs: Array.from({ length: topic.partitionCount }, (_, partition) =>
      parts.leaderEpochOf(topic, partition),
    ),
    offline: parts.offline.ofTopic(topic.name),
  });
  const describeOne = (reference: TopicReference): DescribedTopic => {
    const topic = topicOf(catalog, reference);
    return "error" in topic ? { ...topic, reference } : described(topic);
  };
  return {
    async describe(_context, request) {
      const { topics, mayCreate } = request;
      if (topics === null) {
        return catalog.topics().map(described);
      }
      if (mayCreate && parts.autoCreateTopics) {
        await createMissing(catalog, topics);
      }
      return topics.map(describeOne);
    },
    create: async (_context, request) =>
      resultOf(await catalog.createTopics({ ...request, isInternal: false })),
    delete: async (_context, references) =>
      resultOf(await catalog.deleteTopics(references)),
    grow: async (_context, request) =>
      resultOf(await catalog.createPartitions(request)),
    nameOf: (topicId) => catalog.topicById(topicId)?.name ?? null,
  };
}

/** The catalog is loaded before anyone is let in: if it cannot answer, its disk has failed. */
export function resultOf<Answer>(
  result: MachineResult<Answer>,
): CatalogResult<Answer> {
  if (result.error === null) return result;
  return refuse(
    "storage-offline",
    result.error === "coordinator-loading"
      ? "the catalog is being loaded"
      : result.detail,
  );
}

async function createMissing(
  catalog: Catalog,
  references: readonly TopicReference[],
): Promise<void> {
  const missing = new Set<string>();
  for (const { name } of references) {
    if (name !== null && catalog.topicByName(name) === null) missing.add(name);
  }
  if (missing.size === 0) return;
  // Refusals need no look: the description that follows tells what is not there.
  await catalog.createTopics({
    topics: Array.from(missing, (name) => ({
      name,
      partitionCount: null,
      replicationFactor: null,
      assignments: [],
      configs: [],
    })),
    validateOnly: false,
    isInternal: false,
  });
}

function topicOf(
  catalog: Catalog,
  { id, name }: TopicReference,
): Topic | Refusal {
  if (name === null) {
    return catalog.topicById(id) ?? refuse("unknown-topic-id");
  }
  const topic = catalog.topicByName(name);
  if (topic !== null) return topic;
  const fault = topicNameFault(name);
  return fault === null
    ? refuse("unknown-topic-or-partition")
    : refuse("invalid-topic", fault);
}
