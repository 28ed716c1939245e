/**
 * Takes topics into the catalog that exist only as directories: those of a
 * Kafka before KRaft, or copied in by hand. One decision for all of them, so
 * that an adoption cut short by a crash is begun again whole.
 */
import type { Decision } from "../machine/machine.ts";
import type { Random } from "../platform/random.ts";
import { refuse, type TopicAnswer } from "./catalog-answers.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";
import {
  OFFSETS_TOPIC,
  isInternalTopic,
  topicNameFault,
} from "./topic-name.ts";
import { offsetsTopic } from "./internal-topics.ts";
import { createRandomUuid } from "./random-uuid.ts";
import { checkTopicConfig, type ConfigOverrides } from "./topic-config.ts";

export interface FoundTopic {
  readonly name: string;
  /** As its directories say, or null: a new one. */
  readonly id: string | null;
  /** Of each partition from 0 on, by its checkpoint. */
  readonly leaderEpochs: readonly number[];
}

/** One for each topic, in their order. */
export type AdoptTopicsAnswer = readonly TopicAnswer[];

export function decideAdoptTopics(
  state: CatalogState,
  topics: readonly FoundTopic[],
  limits: { readonly partitionCountMax: number },
  random: Random,
): Decision<AdoptTopicsAnswer, CatalogRecord> {
  const records: CatalogRecord[] = [];
  const ids = new Set<string>();
  let roomForPartitions = limits.partitionCountMax;
  const answer = topics.map((found): TopicAnswer => {
    const { name, leaderEpochs } = found;
    const fault = topicNameFault(name);
    if (fault !== null) return refuse("invalid-topic", fault);
    if (state.topicByName(name) !== null) {
      return refuse("topic-already-exists", `topic '${name}' already exists`);
    }
    const id = found.id ?? createRandomUuid(random);
    if (ids.has(id) || state.topicById(id) !== null) {
      return refuse("invalid-request", `another topic has the id ${id}`);
    }
    if (leaderEpochs.length > roomForPartitions) {
      return refuse(
        "invalid-partitions",
        `at most ${limits.partitionCountMax} partitions are adopted at a time`,
      );
    }
    roomForPartitions -= leaderEpochs.length;
    ids.add(id);
    const overrides = adoptedConfig(name, leaderEpochs.length);
    records.push({ type: "topic", name, topicId: id });
    for (const [config, value] of overrides) {
      records.push({ type: "config", topic: name, name: config, value });
    }
    leaderEpochs.forEach((leaderEpoch, partition) => {
      records.push({ type: "partition", topicId: id, partition, leaderEpoch });
    });
    const partitionCount = leaderEpochs.length;
    return { error: null, id, name, partitionCount, overrides };
  });
  if (records.length > 0) {
    const nextProducerId = remoteProducerId(random);
    if (nextProducerId > state.nextProducerId) {
      records.push({ type: "producer-ids", nextProducerId });
    }
  }
  return { records, answer, releases: [] };
}

/**
 * The adopted logs know producers by ids that nobody has a record of. A new
 * producer with one of them would be taken for the old, its records for
 * repetitions. Kafka counts ids up from 0, and so do we: a random multiple of
 * 2^32, below 2^52, is where none has been.
 */
function remoteProducerId(random: Random): number {
  return (1 + Math.floor(random.fraction() * 2 ** 20)) * 2 ** 32;
}

/**
 * What was set for it is not known. Nobody asked to have old records deleted,
 * so none are, until somebody sets a limit.
 */
function adoptedConfig(name: string, partitionCount: number): ConfigOverrides {
  const values: [string, string][] = [];
  if (name === OFFSETS_TOPIC) {
    for (const { name: config, value } of offsetsTopic(partitionCount)
      .configs) {
      if (value !== null) values.push([config, value]);
    }
  } else if (isInternalTopic(name)) values.push(["cleanup.policy", "compact"]);
  else values.push(["retention.ms", "-1"]);
  const checked = checkTopicConfig(values);
  return checked.error === null ? checked.overrides : new Map();
}
