/**
 * What the catalog's records add up to. Changes nowhere but in `replay`.
 *
 * It takes what a Kafka controller wrote as well as what we write: a topic's
 * configuration may come before the topic, partitions in any order.
 */
import type { CatalogRecord } from "./catalog-codec.ts";
import { checkValue } from "./config-value.ts";
import {
  noOverrides,
  parseTopicConfig,
  topicConfigRule,
  type ConfigOverrides,
} from "./topic-config.ts";
import { collisionKey, isInternalTopic } from "./topic-name.ts";
import { leaderEpochOf, type EpochRun, type Topic } from "./topic.ts";

const defaultConfig = parseTopicConfig(noOverrides);

export class CatalogState {
  readonly #topics = new Map<string, Topic>();
  readonly #idsByName = new Map<string, string>();
  readonly #namesByCollisionKey = new Map<string, string>();
  readonly #overrides = new Map<string, ConfigOverrides>();
  #nextProducerId = 0;
  #uncleanOpeningCount = 0;

  /** The first producer id that no block has. */
  get nextProducerId(): number {
    return this.#nextProducerId;
  }

  /** How often since the first record the data directory was opened after a crash. */
  get uncleanOpeningCount(): number {
    return this.#uncleanOpeningCount;
  }

  topics(): IterableIterator<Topic> {
    return this.#topics.values();
  }

  topicById(id: string): Topic | null {
    return this.#topics.get(id) ?? null;
  }

  topicByName(name: string): Topic | null {
    const id = this.#idsByName.get(name);
    return id === undefined ? null : this.topicById(id);
  }

  /** The name of a topic that differs from this one only in '.' and '_', or null. */
  collisionWith(name: string): string | null {
    const other = this.#namesByCollisionKey.get(collisionKey(name));
    return other === undefined || other === name ? null : other;
  }

  clear(): void {
    this.#topics.clear();
    this.#idsByName.clear();
    this.#namesByCollisionKey.clear();
    this.#overrides.clear();
    this.#nextProducerId = 0;
    this.#uncleanOpeningCount = 0;
  }

  /** Answers the id of the topic that changed, or null where none did. */
  replay(record: CatalogRecord): string | null {
    switch (record.type) {
      case "topic":
        return this.#addTopic(record.name, record.topicId);
      case "partition":
        return this.#addPartition(record);
      case "new-leader":
        return this.#raiseEpoch(record.topicId, record.partition);
      case "config":
        return this.#setConfig(record.topic, record.name, record.value);
      case "remove-topic":
        return this.#removeTopic(record.topicId);
      case "producer-ids":
        this.#nextProducerId = record.nextProducerId;
        return null;
      case "opening":
        this.#uncleanOpeningCount += 1;
        return null;
    }
  }

  /** The fewest records that give this state; epochs are written as they are now. */
  *records(): Generator<CatalogRecord> {
    for (const topic of this.#topics.values()) {
      yield { type: "topic", name: topic.name, topicId: topic.id };
      for (const [name, value] of topic.overrides) {
        yield { type: "config", topic: topic.name, name, value };
      }
      for (let partition = 0; partition < topic.partitionCount; partition++) {
        const leaderEpoch = leaderEpochOf(
          topic,
          partition,
          this.#uncleanOpeningCount,
        );
        yield { type: "partition", topicId: topic.id, partition, leaderEpoch };
      }
    }
    if (this.#nextProducerId > 0) {
      yield { type: "producer-ids", nextProducerId: this.#nextProducerId };
    }
  }

  #addTopic(name: string, id: string): string {
    const overrides = this.#overrides.get(name) ?? noOverrides;
    this.#topics.set(id, {
      id,
      name,
      isInternal: isInternalTopic(name),
      partitionCount: 0,
      overrides,
      config:
        overrides.size === 0 ? defaultConfig : parseTopicConfig(overrides),
      epochRuns: [],
    });
    this.#idsByName.set(name, id);
    this.#namesByCollisionKey.set(collisionKey(name), name);
    return id;
  }

  #addPartition(record: {
    readonly topicId: string;
    readonly partition: number;
    readonly leaderEpoch: number;
  }): string | null {
    const topic = this.#topics.get(record.topicId);
    if (topic === undefined) return null;
    const baseEpoch = record.leaderEpoch - this.#uncleanOpeningCount;
    this.#topics.set(topic.id, {
      ...topic,
      partitionCount: Math.max(topic.partitionCount, record.partition + 1),
      epochRuns: withEpoch(topic, record.partition, baseEpoch),
    });
    return topic.id;
  }

  #raiseEpoch(topicId: string, partition: number): string | null {
    const topic = this.#topics.get(topicId);
    if (topic === undefined || partition >= topic.partitionCount) return null;
    const baseEpoch = leaderEpochOf(topic, partition, 0) + 1;
    this.#topics.set(topic.id, {
      ...topic,
      epochRuns: withEpoch(topic, partition, baseEpoch),
    });
    return topic.id;
  }

  #setConfig(
    topicName: string,
    name: string,
    value: string | null,
  ): string | null {
    const overrides = new Map(this.#overrides.get(topicName) ?? noOverrides);
    if (value === null) overrides.delete(name);
    else overrides.set(name, canonicalValue(name, value));
    if (overrides.size === 0) this.#overrides.delete(topicName);
    else this.#overrides.set(topicName, overrides);

    const topic = this.topicByName(topicName);
    if (topic === null) return null;
    const config = parseTopicConfig(overrides);
    this.#topics.set(topic.id, { ...topic, overrides, config });
    return topic.id;
  }

  #removeTopic(id: string): string | null {
    const topic = this.#topics.get(id);
    if (topic === undefined) return null;
    this.#topics.delete(id);
    this.#idsByName.delete(topic.name);
    this.#overrides.delete(topic.name);
    const key = collisionKey(topic.name);
    if (this.#namesByCollisionKey.get(key) === topic.name) {
      this.#namesByCollisionKey.delete(key);
    }
    return id;
  }
}

/** Kafka stores a value as it was sent: `" +7 "`. What we do not know stays as it is. */
function canonicalValue(name: string, text: string): string {
  const rule = topicConfigRule(name);
  const checked = rule === null ? null : checkValue(name, rule, text);
  return checked?.error === null ? checked.value : text;
}

/**
 * The runs with one partition's epoch set. Ours come in order, so that those
 * created together share a run; another controller's may come in any.
 */
function withEpoch(
  { epochRuns: runs, partitionCount }: Topic,
  partition: number,
  baseEpoch: number,
): readonly EpochRun[] {
  if (partition >= partitionCount && runs.at(-1)?.baseEpoch === baseEpoch) {
    return runs;
  }
  const next = partition + 1;
  const holder = runs.findLast((run) => run.firstPartition <= partition);
  const behind = runs.filter((run) => run.firstPartition > partition);
  const set: EpochRun[] = [
    ...runs.filter((run) => run.firstPartition < partition),
    { firstPartition: partition, baseEpoch },
  ];
  // What its run said of the partitions behind it still holds for them.
  const splits = next < partitionCount && behind[0]?.firstPartition !== next;
  if (splits && holder !== undefined) {
    set.push({ ...holder, firstPartition: next });
  }
  set.push(...behind);
  return set.filter((run, slot) => run.baseEpoch !== set[slot - 1]?.baseEpoch);
}
