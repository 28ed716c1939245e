/**
 * CreateTopics (19). -1 partitions or replicas mean the broker's default. The
 * answer (from version 5 on) tells the configuration the topic has.
 */
import type { TopicAnswer } from "../../../operation/manage-topics.ts";
import { ZERO_UUID } from "../../../wire/schema.ts";
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import { configResponse } from "../config-values.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";
import { orNull } from "../kafka-values.ts";
import type { Operations } from "../../../operation/operations.ts";

export const createTopics = inOrder<19>(async (operations, call) => {
  const { context, request } = call;
  const result = await operations.topics.create(context, {
    topics: request.topics.map(newTopic),
    validateOnly: request.validateOnly,
  });
  if (result.error !== null) {
    const topics = request.topics.map(({ name }) => refused(name, result));
    return { throttleTimeMs: 0, topics };
  }
  const topics = Array.from(result.answer, ([name, answer]) =>
    topicResponse(operations, call, name, answer),
  );
  return { throttleTimeMs: 0, topics };
});

function newTopic(topic: RequestOf<19>["topics"][number]) {
  return {
    name: topic.name,
    partitionCount: orNull(topic.numPartitions),
    replicationFactor: orNull(topic.replicationFactor),
    assignments: topic.assignments.map(({ partitionIndex, brokerIds }) => ({
      partition: partitionIndex,
      replicas: brokerIds,
    })),
    configs: topic.configs,
  };
}

function topicResponse(
  operations: Operations,
  { context }: Call<19>,
  name: string,
  answer: TopicAnswer,
) {
  if (answer.error !== null) return refused(name, answer);
  const configs = operations.configs.describeOverrides(
    context,
    answer.overrides,
  );
  return {
    name,
    topicId: answer.id,
    errorCode: 0,
    errorMessage: null,
    numPartitions: answer.partitionCount,
    replicationFactor: 1,
    configs: configs.map(configResponse),
  };
}

function refused(
  name: string,
  refusal: {
    readonly error: Parameters<typeof kafkaErrorCode>[0];
    readonly detail: string | null;
  },
) {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: kafkaErrorCode(refusal.error),
    errorMessage: kafkaErrorMessage(refusal.detail),
    configs: [],
  };
}
