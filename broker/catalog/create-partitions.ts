/** CreatePartitions: topics grow, and never shrink. The checks are Kafka's, in its order. */
import { answerOnly, type Decision } from "../machine/machine.ts";
import {
  refuse,
  repeated,
  type CatalogRefusal,
  type TopicAnswer,
} from "./catalog-answers.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";
import { replicasFault } from "./replica-assignment.ts";
import type { Topic } from "./topic.ts";

export interface TopicGrowth {
  readonly name: string;
  /** How many partitions the topic shall have in all. */
  readonly partitionCount: number;
  /** The new partitions' replicas; null: left to the broker. */
  readonly assignments: readonly (readonly number[])[] | null;
}

export interface CreatePartitionsRequest {
  readonly topics: readonly TopicGrowth[];
  readonly validateOnly: boolean;
}

export interface CreatePartitionsLimits {
  readonly nodeId: number;
  /** For one topic in all, and for what one request adds. */
  readonly partitionCountMax: number;
}

/** One answer for each topic, in their order. */
export type CreatePartitionsAnswer = readonly TopicAnswer[];

export function decideCreatePartitions(
  state: CatalogState,
  request: CreatePartitionsRequest,
  limits: CreatePartitionsLimits,
): Decision<CreatePartitionsAnswer, CatalogRecord> {
  const records: CatalogRecord[] = [];
  const twice = repeated(request.topics.map(({ name }) => name));
  const answers = request.topics.map((growth): TopicAnswer => {
    if (twice.has(growth.name)) {
      return refuse("invalid-request", `topic ${growth.name} is named twice`);
    }
    const topic = state.topicByName(growth.name);
    if (topic === null) {
      return refuse(
        "unknown-topic-or-partition",
        `there is no topic '${growth.name}'`,
      );
    }
    const room = limits.partitionCountMax - records.length;
    const fault = growthFault(topic, growth, limits, room);
    if (fault !== null) return fault;
    const { id, name, overrides } = topic;
    const { partitionCount } = growth;
    for (let p = topic.partitionCount; p < partitionCount; p++) {
      records.push({
        type: "partition",
        topicId: id,
        partition: p,
        leaderEpoch: 0,
      });
    }
    return { error: null, id, name, partitionCount, overrides };
  });
  if (request.validateOnly) return answerOnly(answers);
  return { records, answer: answers, releases: [] };
}

function growthFault(
  topic: Topic,
  growth: TopicGrowth,
  limits: CreatePartitionsLimits,
  room: number,
): CatalogRefusal | null {
  const { assignments, partitionCount } = growth;
  const addedCount = partitionCount - topic.partitionCount;
  if (topic.isInternal) {
    // Which partition holds a group follows from their count.
    return refuse("invalid-request", `${topic.name} belongs to the broker`);
  }
  if (addedCount === 0) {
    return refuse(
      "invalid-partitions",
      `topic ${topic.name} already has ${partitionCount} partition(s)`,
    );
  }
  if (addedCount < 0) {
    return refuse(
      "invalid-partitions",
      `topic ${topic.name} has ${topic.partitionCount} partition(s), ${partitionCount} would not be an increase`,
    );
  }
  if (partitionCount > limits.partitionCountMax || addedCount > room) {
    return refuse(
      "invalid-partitions",
      `a topic and a request have at most ${limits.partitionCountMax} partitions`,
    );
  }
  if (assignments === null) return null;
  if (assignments.length !== addedCount) {
    return refuse(
      "invalid-replica-assignment",
      `${addedCount} partition(s) are added, ${assignments.length} are assigned`,
    );
  }
  for (const replicas of assignments) {
    const fault = replicasFault(replicas, limits.nodeId);
    if (fault !== null) return fault;
  }
  return null;
}
