/**
 * What groups have committed: group -> topic -> partition -> offset. Changed by
 * replay only; the rules of who may commit are in offset-commands.ts.
 */
import type { CommittedOffset, OffsetRecord } from "./group-record.ts";

type PartitionOffsets = Map<number, CommittedOffset>;
export type TopicOffsets = ReadonlyMap<
  string,
  ReadonlyMap<number, CommittedOffset>
>;

const NO_OFFSETS: TopicOffsets = new Map();

export class GroupOffsets {
  readonly #groups = new Map<string, Map<string, PartitionOffsets>>();

  /** Empty maps are dropped, so that a group without offsets takes nothing. */
  replay({ groupId, topic, partition, value }: OffsetRecord): void {
    if (value !== null) {
      const topics = obtain(this.#groups, groupId, () => new Map());
      obtain(topics, topic, () => new Map()).set(partition, value);
      return;
    }
    const topics = this.#groups.get(groupId);
    const partitions = topics?.get(topic);
    if (topics === undefined || partitions === undefined) return;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.#groups.delete(groupId);
  }

  clear(): void {
    this.#groups.clear();
  }

  has(groupId: string): boolean {
    return this.#groups.has(groupId);
  }

  /** Of one group, by topic and partition. */
  of(groupId: string): TopicOffsets {
    return this.#groups.get(groupId) ?? NO_OFFSETS;
  }

  get(
    groupId: string,
    topic: string,
    partition: number,
  ): CommittedOffset | null {
    return this.#groups.get(groupId)?.get(topic)?.get(partition) ?? null;
  }

  groupIds(): IterableIterator<string> {
    return this.#groups.keys();
  }

  /** A record for each offset there is. */
  *records(): IterableIterator<OffsetRecord> {
    for (const groupId of this.#groups.keys()) yield* this.recordsOf(groupId);
  }

  *recordsOf(groupId: string): IterableIterator<OffsetRecord> {
    for (const [topic, partitions] of this.of(groupId)) {
      for (const [partition, value] of partitions) {
        yield { kind: "offset", groupId, topic, partition, value };
      }
    }
  }
}

function obtain<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  create: () => Value,
): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}

/** The record that takes an offset back. */
export function offsetTombstone(record: OffsetRecord): OffsetRecord {
  return { ...record, value: null };
}
