/**
 * The catalog as a state machine, in two views of one history:
 *
 *   decided    all records replayed; commands read it and decide upon it
 *   published  what is durable of that; everybody else reads it
 *
 * So no lookup tells of a topic that a failed sync could still take back. While
 * the log is loaded again after a failure the published view stays as it was;
 * at the end of the load the differences are published.
 */
import type { RecordPosition, StateMachine } from "../machine/machine.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import { CatalogState } from "./catalog-state.ts";
import { leaderEpochOf, type Topic } from "./topic.ts";

export type CatalogChange =
  | { readonly kind: "created"; readonly topic: Topic }
  | { readonly kind: "deleted"; readonly topic: Topic }
  /** More partitions, another configuration, or both. */
  | {
      readonly kind: "changed";
      readonly topic: Topic;
      readonly previous: Topic;
    };

interface Unpublished {
  readonly offset: number;
  readonly topicId: string | null;
  /** As it was after that record; null: removed. */
  readonly topic: Topic | null;
  readonly uncleanOpeningCount: number;
}

export class CatalogMachine implements StateMachine<CatalogRecord> {
  readonly decided = new CatalogState();
  readonly #changed: (change: CatalogChange) => void;

  #unpublished: Unpublished[] = [];
  readonly #deletedBefore = new Set<string>();
  /** From `reset` to `loaded`: what is replayed was durable before. */
  #isLoading = true;
  readonly #byId = new Map<string, Topic>();
  readonly #byName = new Map<string, Topic>();
  #sorted: readonly Topic[] | null = null;
  #uncleanOpeningCount = 0;

  /** `changed` is called for each difference, in order, before the command that caused it is answered. */
  constructor(changed: (change: CatalogChange) => void) {
    this.#changed = changed;
  }

  topicByName(name: string): Topic | null {
    return this.#byName.get(name) ?? null;
  }

  topicById(id: string): Topic | null {
    return this.#byId.get(id) ?? null;
  }

  /** All topics, by name. The array is never changed. */
  topics(): readonly Topic[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    return this.#sorted;
  }

  leaderEpoch(topic: Topic, partition: number): number {
    return leaderEpochOf(topic, partition, this.#uncleanOpeningCount);
  }

  /** Deleted before this was loaded, as far as the log was replayed for it. */
  wasDeleted(topicId: string): boolean {
    return this.#deletedBefore.has(topicId);
  }

  replay(record: CatalogRecord, at: RecordPosition): void {
    const topicId = this.decided.replay(record);
    if (this.#isLoading) {
      if (record.type === "remove-topic") {
        this.#deletedBefore.add(record.topicId);
      }
      return;
    }
    this.#unpublished.push({
      offset: at.offset,
      topicId,
      topic: topicId === null ? null : this.decided.topicById(topicId),
      uncleanOpeningCount: this.decided.uncleanOpeningCount,
    });
  }

  snapshot(): Iterable<CatalogRecord> {
    return this.decided.records();
  }

  reset(): void {
    this.decided.clear();
    this.#unpublished = [];
    this.#deletedBefore.clear();
    this.#isLoading = true;
  }

  loaded(): void {
    this.#isLoading = false;
    this.#uncleanOpeningCount = this.decided.uncleanOpeningCount;
    for (const topic of [...this.#byId.values()]) {
      if (this.decided.topicById(topic.id) === null) {
        this.#publish(topic.id, null);
      }
    }
    for (const topic of this.decided.topics()) this.#publish(topic.id, topic);
  }

  durable(endOffset: number): void {
    // One change a topic, however many records made it.
    const latest = new Map<string, Topic | null>();
    let count = 0;
    for (const entry of this.#unpublished) {
      if (entry.offset >= endOffset) break;
      count += 1;
      this.#uncleanOpeningCount = entry.uncleanOpeningCount;
      if (entry.topicId !== null) latest.set(entry.topicId, entry.topic);
    }
    this.#unpublished.splice(0, count);
    for (const [id, topic] of latest) this.#publish(id, topic);
  }

  #publish(id: string, topic: Topic | null): void {
    const previous = this.#byId.get(id) ?? null;
    if (topic === null) {
      if (previous === null) return;
      this.#byId.delete(id);
      if (this.#byName.get(previous.name) === previous) {
        this.#byName.delete(previous.name);
      }
      this.#sorted = null;
      this.#changed({ kind: "deleted", topic: previous });
      return;
    }
    if (previous !== null && isSame(previous, topic)) {
      // Epochs may have been rebased by a load.
      this.#byId.set(id, topic);
      this.#byName.set(topic.name, topic);
      this.#sorted = null;
      return;
    }
    this.#byId.set(id, topic);
    this.#byName.set(topic.name, topic);
    this.#sorted = null;
    this.#changed(
      previous === null
        ? { kind: "created", topic }
        : { kind: "changed", topic, previous },
    );
  }
}

function isSame(a: Topic, b: Topic): boolean {
  if (a.partitionCount !== b.partitionCount) return false;
  if (a.overrides.size !== b.overrides.size) return false;
  for (const [name, value] of a.overrides) {
    if (b.overrides.get(name) !== value) return false;
  }
  return true;
}
