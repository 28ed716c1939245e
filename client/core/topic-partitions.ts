/** Partitions as keys of maps and in the shape Kafka's messages have them. */
import type { TopicPartition } from "../client.ts";

/** Unique, as a topic's name has no slash. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

export function sameId({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

/** Kafka's nesting: each topic once, with its partitions. */
export function partitionsByTopic(
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  return groupByTopic(partitions).map(({ topic, items }) => ({
    topic,
    partitions: items.map(({ partition }) => partition),
  }));
}

export function groupByTopic<T extends TopicPartition>(
  items: readonly T[],
): { topic: string; items: T[] }[] {
  const topics = new Map<string, T[]>();
  for (const item of items) {
    const known = topics.get(item.topic);
    if (known === undefined) topics.set(item.topic, [item]);
    else known.push(item);
  }
  return [...topics].map(([topic, of]) => ({ topic, items: of }));
}
