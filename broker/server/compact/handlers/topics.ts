/** Topics and who serves them: metadata, describe, create, delete, grow. */
import type { RequestContext } from "../../../operation/context.ts";
import type {
  DescribedTopic,
  TopicAnswer,
} from "../../../operation/manage-topics.ts";
import type { ListedOffset } from "../../../operation/list-offsets.ts";
import type { Refusal } from "../../../operation/operation-error.ts";
import type { Operations } from "../../../operation/operations.ts";
import { errorOf } from "../errors.ts";
import { answered, inOrder } from "../handler.ts";

export const metadata = inOrder<"metadata">(
  async (operations, { context, request }) => {
    const { topics, mayCreate } = request;
    const described = await operations.topics.describe(context, {
      topics: topics?.map((name) => ({ name, id: null })) ?? null,
      mayCreate,
    });
    return answered({
      topics: described.map((one) =>
        one.error === null
          ? {
              name: one.topic.name,
              error: null,
              topicId: one.topic.id,
              isInternal: one.topic.isInternal,
              partitionCount: one.topic.partitionCount,
            }
          : {
              name: one.reference.name ?? "",
              error: errorOf(one.error, one.detail),
              topicId: null,
              isInternal: false,
              partitionCount: 0,
            },
      ),
    });
  },
);

export const describeCluster = inOrder<"describe-cluster">(
  (operations, { context }) => {
    const { clusterId, node } = operations.describeCluster(context);
    return answered({
      clusterId,
      controllerId: node.nodeId,
      brokers: [node],
    });
  },
);

export const createTopics = inOrder<"create-topics">(
  async (operations, { context, request }) => {
    const result = await operations.topics.create(context, {
      topics: request.topics.map((topic) => ({
        ...topic,
        replicationFactor: null,
        assignments: [],
      })),
      validateOnly: request.validateOnly,
    });
    if (result.error !== null) return result;
    return answered({
      topics: Array.from(result.answer, ([name, answer]) =>
        answer.error === null
          ? {
              name,
              error: null,
              topicId: answer.id,
              partitionCount: answer.partitionCount,
            }
          : {
              name,
              error: errorOf(answer.error, answer.detail),
              topicId: null,
              partitionCount: 0,
            },
      ),
    });
  },
);

export const deleteTopics = inOrder<"delete-topics">(
  async (operations, { context, request }) => {
    const { names } = request;
    const references = names.map((name) => ({ name, id: null }));
    const result = await operations.topics.delete(context, references);
    if (result.error !== null) return result;
    return answered(namedErrors(names, result.answer));
  },
);

export const createPartitions = inOrder<"create-partitions">(
  async (operations, { context, request }) => {
    const { topics, validateOnly } = request;
    const result = await operations.topics.grow(context, {
      topics: topics.map((topic) => ({ ...topic, assignments: null })),
      validateOnly,
    });
    if (result.error !== null) return result;
    const names = topics.map(({ name }) => name);
    return answered(namedErrors(names, result.answer));
  },
);

/** Answers lie in the order of the names. */
export function namedErrors(
  names: readonly string[],
  answers: readonly TopicAnswer[],
) {
  return {
    topics: names.map((name, index) => {
      const answer = answers[index];
      if (answer === undefined) {
        return { name, error: errorOf("unknown-server-error") };
      }
      return answer.error === null
        ? { name, error: null }
        : { name, error: errorOf(answer.error, answer.detail) };
    }),
  };
}

export const describeTopics = inOrder<"describe-topics">(
  async (operations, { context, request }) => {
    const described = await operations.topics.describe(context, {
      topics: request.names.map((name) => ({ name, id: null })),
      mayCreate: false,
    });
    const topics = await Promise.all(
      described.map((one) => describedTopic(operations, context, one)),
    );
    return answered({ topics });
  },
);

async function describedTopic(
  operations: Operations,
  context: RequestContext,
  described: DescribedTopic,
) {
  if (described.error !== null) {
    return undescribed(described.reference.name ?? "", described);
  }
  const { topic, leaderEpochs } = described;
  const { node } = operations.describeCluster(context);
  const [starts, ends] = await Promise.all([
    edges(operations, context, described, "earliest"),
    edges(operations, context, described, "latest"),
  ]);
  const configs = operations.configs.describe(context, {
    kind: "topic",
    name: topic.name,
    names: null,
  });
  // Deleted since it was described.
  if (configs.error !== null) return undescribed(topic.name, configs);
  return {
    name: topic.name,
    error: null,
    topicId: topic.id,
    isInternal: topic.isInternal,
    partitions: leaderEpochs.map((leaderEpoch, partition) => {
      const start = starts[partition];
      const end = ends[partition];
      return {
        error: refusalOf(start) ?? refusalOf(end),
        leader: node.nodeId,
        leaderEpoch,
        startOffset: start?.error === null ? start.offset : null,
        endOffset: end?.error === null ? end.offset : null,
      };
    }),
    configs: configs.configs
      .filter(({ source }) => source === "topic")
      .map(({ name, value }) => ({ name, value })),
  };
}

function edges(
  operations: Operations,
  context: RequestContext,
  { topic }: Extract<DescribedTopic, { error: null }>,
  target: "earliest" | "latest",
) {
  return operations.listOffsets.list(context, {
    isolation: "read_uncommitted",
    partitions: Array.from(
      { length: topic.partitionCount },
      (_, partition) => ({
        topic: topic.name,
        partition,
        target,
        leaderEpoch: null,
      }),
    ),
  });
}

function refusalOf(listed: ListedOffset | Refusal | undefined) {
  if (listed === undefined || listed.error === null) return null;
  return errorOf(listed.error, listed.detail);
}

function undescribed(name: string, { error, detail }: Refusal) {
  return {
    name,
    error: errorOf(error, detail),
    topicId: null,
    isInternal: false,
    partitions: [],
    configs: [],
  };
}
