/**
 * CreateTopics: each topic is created or refused on its own; those created are
 * one decision, so that ten thousand partitions are one batch and one sync.
 *
 * The order of checks is Kafka's (`ReplicationControlManager.createTopics`):
 * name twice, name, exists, collision, configuration, assignment or counts.
 */
import { answerOnly, type Decision } from "../machine/machine.ts";
import type { Random } from "../platform/random.ts";
import {
  refuse,
  repeated,
  type CatalogRefusal,
  type TopicAnswer,
} from "./catalog-answers.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";
import {
  assignmentsFault,
  replicationFactorFault,
  type PartitionAssignment,
} from "./replica-assignment.ts";
import { checkTopicConfig, type ConfigOverrides } from "./topic-config.ts";
import { createRandomUuid } from "./random-uuid.ts";
import {
  CATALOG_TOPIC,
  collisionKey,
  isInternalTopic,
  topicNameFault,
} from "./topic-name.ts";

export interface NewTopic {
  readonly name: string;
  /** Null: the broker's default, or as many as are assigned. */
  readonly partitionCount: number | null;
  /** Null: the default, which is 1. */
  readonly replicationFactor: number | null;
  /** Empty: none given. */
  readonly assignments: readonly PartitionAssignment[];
  readonly configs: readonly NamedConfig[];
}

export interface NamedConfig {
  readonly name: string;
  readonly value: string | null;
}

export interface CreateTopicsRequest {
  readonly topics: readonly NewTopic[];
  /** Answers what would be, and creates nothing. */
  readonly validateOnly: boolean;
  /** True for the broker's own topics, which nobody else may create. */
  readonly isInternal: boolean;
}

export interface CreateTopicsLimits {
  readonly nodeId: number;
  readonly defaultPartitionCount: number;
  /** For all topics of a request together: a decision is held in memory, and is one batch. */
  readonly partitionCountMax: number;
}

/** One answer for each name, in the order of their first mention. */
export type CreateTopicsAnswer = ReadonlyMap<string, TopicAnswer>;

export function decideCreateTopics(
  state: CatalogState,
  request: CreateTopicsRequest,
  limits: CreateTopicsLimits,
  random: Random,
): Decision<CreateTopicsAnswer, CatalogRecord> {
  const answers = new Map<string, TopicAnswer>();
  const records: CatalogRecord[] = [];
  const twice = repeated(request.topics.map(({ name }) => name));
  const createdKeys = new Map<string, string>();
  let roomForPartitions = limits.partitionCountMax;

  for (const wanted of request.topics) {
    const { name } = wanted;
    if (answers.has(name)) continue;
    if (twice.has(name)) {
      answers.set(
        name,
        refuse("invalid-request", `topic ${name} is named twice`),
      );
      continue;
    }
    const other =
      state.collisionWith(name) ?? createdKeys.get(collisionKey(name)) ?? null;
    const checked =
      nameFault(state, name, other, request.isInternal) ??
      checkNew(wanted, limits);
    if (checked.error !== null) {
      answers.set(name, checked);
      continue;
    }
    if (checked.partitionCount > roomForPartitions) {
      answers.set(
        name,
        refuse(
          "invalid-partitions",
          `one request creates at most ${limits.partitionCountMax} partitions`,
        ),
      );
      continue;
    }
    roomForPartitions -= checked.partitionCount;
    createdKeys.set(collisionKey(name), name);
    const { partitionCount, overrides } = checked;
    let id = createRandomUuid(random);
    while (state.topicById(id) !== null) id = createRandomUuid(random);
    addRecords(records, name, id, checked);
    answers.set(name, { error: null, id, name, partitionCount, overrides });
  }
  if (request.validateOnly) return answerOnly(answers);
  return { records, answer: answers, releases: [] };
}

function nameFault(
  state: CatalogState,
  name: string,
  collidesWith: string | null,
  isInternal: boolean,
): CatalogRefusal | null {
  if (name === CATALOG_TOPIC) {
    return refuse("invalid-request", `${name} is the broker's own log`);
  }
  const fault = topicNameFault(name);
  if (fault !== null) return refuse("invalid-topic", fault);
  if (state.topicByName(name) !== null) {
    return refuse("topic-already-exists", `topic '${name}' already exists`);
  }
  if (collidesWith !== null) {
    return refuse(
      "invalid-topic",
      `topic '${name}' collides with existing topic '${collidesWith}'`,
    );
  }
  if (isInternalTopic(name) && !isInternal) {
    return refuse("invalid-request", `${name} is created by the broker itself`);
  }
  return null;
}

interface CheckedNew {
  readonly error: null;
  readonly partitionCount: number;
  readonly overrides: ConfigOverrides;
}

function checkNew(
  wanted: NewTopic,
  limits: CreateTopicsLimits,
): CheckedNew | CatalogRefusal {
  const values: [string, string][] = [];
  for (const { name, value } of wanted.configs) {
    if (value === null) {
      return refuse("invalid-config", `configuration ${name} has no value`);
    }
    values.push([name, value]);
  }
  const checked = checkTopicConfig(values);
  if (checked.error !== null) return checked;
  const { overrides } = checked;

  const { assignments, partitionCount, replicationFactor } = wanted;
  if (assignments.length > 0) {
    if (partitionCount !== null || replicationFactor !== null) {
      return refuse(
        "invalid-request",
        "with an assignment, partition count and replication factor must be -1",
      );
    }
    const fault = assignmentsFault(assignments, limits.nodeId);
    if (fault !== null) return fault;
    return { error: null, partitionCount: assignments.length, overrides };
  }
  const fault = replicationFactorFault(replicationFactor);
  if (fault !== null) return fault;
  if (partitionCount !== null && partitionCount < 1) {
    return refuse(
      "invalid-partitions",
      `a topic has at least one partition, not ${partitionCount}`,
    );
  }
  return {
    error: null,
    partitionCount: partitionCount ?? limits.defaultPartitionCount,
    overrides,
  };
}

function addRecords(
  records: CatalogRecord[],
  name: string,
  topicId: string,
  checked: CheckedNew,
): void {
  records.push({ type: "topic", name, topicId });
  for (const [config, value] of checked.overrides) {
    records.push({ type: "config", topic: name, name: config, value });
  }
  for (let partition = 0; partition < checked.partitionCount; partition++) {
    records.push({ type: "partition", topicId, partition, leaderEpoch: 0 });
  }
}
