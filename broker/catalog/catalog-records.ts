/**
 * The records of `__cluster_metadata`, as a Kafka controller writes them and
 * reads them back: DO NOT CHANGE: on disk.
 *
 *   value := frameVersion: uvarint   // 1
 *            apiKey:       uvarint   // which record
 *            version:      uvarint   // of that record
 *            fields
 *
 * Keys are null. Declared are the records that a catalog of topics, partitions,
 * configuration and producer ids is made of. What these records *mean* here is
 * not this file's business.
 */
import { compile } from "../wire/compile.ts";
import { Reader } from "../wire/reader.ts";
import {
  array,
  bool,
  int16,
  int32,
  int64,
  int8,
  message,
  string,
  struct,
  uint16,
  uuid,
  type Infer,
  type Input,
  type Message,
} from "../wire/schema.ts";
import { Writer } from "../wire/writer.ts";

/** Brokers announce themselves with it at every start. */
export const registerBrokerRecord = message({
  apiKey: 0,
  name: "RegisterBrokerRecord",
  versions: "0-4",
  flexible: "0+",
  fields: {
    brokerId: int32,
    isMigratingZkBroker: bool.versions("2+").default(false),
    incarnationId: uuid,
    brokerEpoch: int64,
    endPoints: array(
      struct({
        name: string,
        host: string,
        port: uint16,
        securityProtocol: int16,
      }),
    ),
    features: array(
      struct({
        name: string,
        minSupportedVersion: int16,
        maxSupportedVersion: int16,
      }),
    ),
    rack: string.nullable(),
    fenced: bool.default(true),
    inControlledShutdown: bool.versions("1+").default(false),
    logDirs: array(uuid).versions("3+").tagged(0, "3+"),
    cordonedLogDirs: array(uuid)
      .versions("4+")
      .nullable()
      .default(null)
      .tagged(1, "4+"),
  },
});

export const topicRecord = message({
  apiKey: 2,
  name: "TopicRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    name: string,
    topicId: uuid,
  },
});

/** v1 adds log directories (KIP-858), v2 replicas eligible to lead (KIP-966). */
export const partitionRecord = message({
  apiKey: 3,
  name: "PartitionRecord",
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: int32.default(-1),
    topicId: uuid,
    replicas: array(int32),
    isr: array(int32),
    removingReplicas: array(int32),
    addingReplicas: array(int32),
    leader: int32.default(-1),
    leaderRecoveryState: int8.default(0).tagged(0, "0+"),
    leaderEpoch: int32.default(-1),
    partitionEpoch: int32.default(-1),
    directories: array(uuid).versions("1+"),
    eligibleLeaderReplicas: array(int32)
      .versions("2+")
      .nullable()
      .default(null)
      .tagged(1, "2+"),
    lastKnownElr: array(int32)
      .versions("2+")
      .nullable()
      .default(null)
      .tagged(2, "2+"),
  },
});

/** The value is null where a configuration goes back to its default. */
export const configRecord = message({
  apiKey: 4,
  name: "ConfigRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    resourceType: int8,
    resourceName: string,
    name: string,
    value: string.nullable(),
  },
});

/**
 * Null, and leader -2, is "as before". Kafka adds one to the leader epoch when
 * `leader` is not -2, and one to the partition epoch always.
 */
export const partitionChangeRecord = message({
  apiKey: 5,
  name: "PartitionChangeRecord",
  versions: "0-2",
  flexible: "0+",
  fields: {
    partitionId: int32.default(-1),
    topicId: uuid,
    isr: array(int32).nullable().default(null).tagged(0, "0+"),
    leader: int32.default(-2).tagged(1, "0+"),
    replicas: array(int32).nullable().default(null).tagged(2, "0+"),
    removingReplicas: array(int32).nullable().default(null).tagged(3, "0+"),
    addingReplicas: array(int32).nullable().default(null).tagged(4, "0+"),
    leaderRecoveryState: int8.default(-1).tagged(5, "0+"),
    directories: array(uuid)
      .versions("1+")
      .nullable()
      .default(null)
      .tagged(8, "1+"),
    eligibleLeaderReplicas: array(int32)
      .versions("2+")
      .nullable()
      .default(null)
      .tagged(6, "2+"),
    lastKnownElr: array(int32)
      .versions("2+")
      .nullable()
      .default(null)
      .tagged(7, "2+"),
  },
});

export const removeTopicRecord = message({
  apiKey: 9,
  name: "RemoveTopicRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    topicId: uuid,
  },
});

/** A block of producer ids went to a broker; the next block begins with `nextProducerId`. */
export const producerIdsRecord = message({
  apiKey: 15,
  name: "ProducerIdsRecord",
  versions: "0",
  flexible: "0+",
  fields: {
    brokerId: int32,
    brokerEpoch: int64.default(-1),
    nextProducerId: int64,
  },
});

const schemas = {
  "register-broker": registerBrokerRecord,
  topic: topicRecord,
  partition: partitionRecord,
  config: configRecord,
  "partition-change": partitionChangeRecord,
  "remove-topic": removeTopicRecord,
  "producer-ids": producerIdsRecord,
};

export type MetadataRecordType = keyof typeof schemas;

/** A record as Kafka has it. */
export type MetadataRecord = {
  [T in MetadataRecordType]: {
    readonly type: T;
    readonly fields: Infer<(typeof schemas)[T]>;
  };
}[MetadataRecordType];

export interface UnknownMetadataRecord {
  readonly type: "unknown";
  readonly apiKey: number;
  readonly version: number;
}

const FRAME_VERSION = 1;

/** We use nothing that a later version adds, and all Kafkas read this one. */
const WRITTEN_VERSION = 0;

const typeByApiKey = new Map<number | null, MetadataRecordType>();
for (const type of Object.keys(schemas) as MetadataRecordType[]) {
  typeByApiKey.set(schemas[type].apiKey, type);
}

/** The value of a record; its key is null. */
export function encodeMetadataRecord<T extends MetadataRecordType>(
  type: T,
  fields: Input<(typeof schemas)[T]>,
): Uint8Array {
  const schema: Message = schemas[type];
  const writer = new Writer(128);
  writer.unsignedVarint(FRAME_VERSION);
  writer.unsignedVarint(schema.apiKey ?? 0);
  writer.unsignedVarint(WRITTEN_VERSION);
  compile(schema, WRITTEN_VERSION).encode(writer, fields);
  return writer.finishBytes();
}

/**
 * A record of a type that is not declared here is an answer: the caller skips
 * or refuses. Throws a `WireError` for a malformed one, and a `RangeError` for
 * a known type in a version from the future, which may say what we would drop.
 */
export function decodeMetadataRecord(
  value: Uint8Array,
): MetadataRecord | UnknownMetadataRecord {
  const reader = new Reader(value);
  const frameVersion = reader.unsignedVarint();
  if (frameVersion !== FRAME_VERSION) {
    throw new RangeError(`metadata record in frame version ${frameVersion}`);
  }
  const apiKey = reader.unsignedVarint();
  const version = reader.unsignedVarint();
  const type = typeByApiKey.get(apiKey);
  if (type === undefined) return { type: "unknown", apiKey, version };
  const schema: Message = schemas[type];
  const fields: object = compile(schema, version).decode(reader);
  // The table says which fields belong to which type.
  return { type, fields } as MetadataRecord;
}
