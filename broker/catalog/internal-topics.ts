/** The broker's own topics, created through the same command as everybody's. */
import type { NewTopic } from "./create-topics.ts";
import { OFFSETS_TOPIC } from "./topic-name.ts";

/** Kafka's `offsets.topic.segment.bytes`. */
const OFFSETS_SEGMENT_SIZE_BYTES = 104_857_600;

/** Where groups and their committed offsets live, as Kafka's coordinator configures it. */
export function offsetsTopic(partitionCount: number): NewTopic {
  return {
    name: OFFSETS_TOPIC,
    partitionCount,
    replicationFactor: 1,
    assignments: [],
    configs: [
      { name: "cleanup.policy", value: "compact" },
      { name: "compression.type", value: "producer" },
      { name: "segment.bytes", value: String(OFFSETS_SEGMENT_SIZE_BYTES) },
    ],
  };
}
