/**
 * The catalog's records in our words, and as the Kafka metadata records that
 * are stored (catalog-records.ts; docs/formats/machine-log.md says what each
 * means here).
 *
 * The only node leads everything, so replicas are written and not read. Kafka
 * records of other kinds are skipped: a directory taken from Kafka may have
 * them.
 */
import type { RecordCodec } from "../machine/machine.ts";
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
} from "./catalog-records.ts";

export type CatalogRecord =
  | { readonly type: "topic"; readonly name: string; readonly topicId: string }
  | {
      readonly type: "partition";
      readonly topicId: string;
      readonly partition: number;
      /** At creation; in a snapshot, at the snapshot. */
      readonly leaderEpoch: number;
    }
  /** Another controller moved the partition's leader: its epoch grows by one. */
  | {
      readonly type: "new-leader";
      readonly topicId: string;
      readonly partition: number;
    }
  | {
      readonly type: "config";
      readonly topic: string;
      readonly name: string;
      /** Null: back to the default. */
      readonly value: string | null;
    }
  | { readonly type: "remove-topic"; readonly topicId: string }
  | { readonly type: "producer-ids"; readonly nextProducerId: number }
  /** The directory was opened after a crash: raises every partition's leader epoch by one. */
  | { readonly type: "opening"; readonly incarnationId: string };

/** Kafka's `ConfigResource.Type.TOPIC`. */
const TOPIC_RESOURCE = 2;
/** Kafka's `LeaderConstants.NO_LEADER_CHANGE`; -1, for none, is a change too. */
const SAME_LEADER = -2;

/** `decode` throws for a known record that is malformed, or of a version from the future. */
export function createCatalogCodec(nodeId: number): RecordCodec<CatalogRecord> {
  return {
    encode: (record) => ({ key: null, value: encode(record, nodeId) }),
    decode: (_key, value) => (value === null ? null : decode(value)),
  };
}

function encode(record: CatalogRecord, nodeId: number): Uint8Array {
  switch (record.type) {
    case "topic": {
      const { name, topicId } = record;
      return encodeMetadataRecord("topic", { name, topicId });
    }
    case "partition":
      return encodeMetadataRecord("partition", {
        partitionId: record.partition,
        topicId: record.topicId,
        replicas: [nodeId],
        isr: [nodeId],
        removingReplicas: [],
        addingReplicas: [],
        leader: nodeId,
        leaderEpoch: record.leaderEpoch,
        partitionEpoch: 0,
        directories: [],
      });
    case "new-leader":
      return encodeMetadataRecord("partition-change", {
        partitionId: record.partition,
        topicId: record.topicId,
        leader: nodeId,
      });
    case "config":
      return encodeMetadataRecord("config", {
        resourceType: TOPIC_RESOURCE,
        resourceName: record.topic,
        name: record.name,
        value: record.value,
      });
    case "remove-topic":
      return encodeMetadataRecord("remove-topic", { topicId: record.topicId });
    case "producer-ids":
      return encodeMetadataRecord("producer-ids", {
        brokerId: nodeId,
        nextProducerId: record.nextProducerId,
      });
    case "opening":
      return encodeMetadataRecord("register-broker", {
        brokerId: nodeId,
        incarnationId: record.incarnationId,
        brokerEpoch: 0,
        endPoints: [],
        features: [],
        rack: null,
        fenced: false,
      });
  }
}

function decode(value: Uint8Array): CatalogRecord | null {
  const record = decodeMetadataRecord(value);
  switch (record.type) {
    case "topic": {
      const { name, topicId } = record.fields;
      return { type: "topic", name, topicId };
    }
    case "partition": {
      const { partitionId: partition, topicId, leaderEpoch } = record.fields;
      return { type: "partition", topicId, partition, leaderEpoch };
    }
    case "config": {
      const { resourceType, resourceName: topic, name, value } = record.fields;
      if (resourceType !== TOPIC_RESOURCE) return null;
      return { type: "config", topic, name, value };
    }
    case "remove-topic":
      return { type: "remove-topic", topicId: record.fields.topicId };
    case "producer-ids": {
      const { nextProducerId } = record.fields;
      return { type: "producer-ids", nextProducerId };
    }
    case "register-broker": {
      const { incarnationId } = record.fields;
      return { type: "opening", incarnationId };
    }
    case "partition-change": {
      const { partitionId: partition, topicId, leader } = record.fields;
      if (leader === SAME_LEADER) return null;
      return { type: "new-leader", topicId, partition };
    }
    case "unknown":
      return null;
  }
}
