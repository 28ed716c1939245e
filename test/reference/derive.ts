/**
 * Derives `kafka-messages.json` from Apache Kafka's message definitions.
 *
 *   node test/reference/derive.ts <directory that holds Kafka's JSON definitions>
 *
 * Run by hand when a message is added or Kafka's definitions move on. The
 * table keeps facts only: names, types, version ranges, nullability, tags,
 * defaults. The descriptions and comments of the definitions are left behind.
 * The definitions are Apache Kafka's, under the Apache License 2.0: see
 * README.md in this folder.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The APIs that Millrace serves, by the names that Kafka gives the messages. */
const APIS = [
  "Produce",
  "Fetch",
  "ListOffsets",
  "Metadata",
  "OffsetCommit",
  "OffsetFetch",
  "FindCoordinator",
  "JoinGroup",
  "Heartbeat",
  "LeaveGroup",
  "SyncGroup",
  "DescribeGroups",
  "ListGroups",
  "ApiVersions",
  "CreateTopics",
  "DeleteTopics",
  "DeleteRecords",
  "InitProducerId",
  "OffsetForLeaderEpoch",
  "DescribeConfigs",
  "AlterConfigs",
  "CreatePartitions",
  "DeleteGroups",
  "IncrementalAlterConfigs",
  "OffsetDelete",
  "DescribeCluster",
];

/** What is no request or response: headers, embedded data, persisted records. */
const OTHERS = [
  "RequestHeader",
  "ResponseHeader",
  "ConsumerProtocolSubscription",
  "ConsumerProtocolAssignment",
  "LegacyOffsetCommitKey",
  "LegacyOffsetCommitValue",
  "OffsetCommitKey",
  "OffsetCommitValue",
  "GroupMetadataKey",
  "GroupMetadataValue",
  "TopicRecord",
  "PartitionRecord",
  "PartitionChangeRecord",
  "ConfigRecord",
  "RemoveTopicRecord",
  "ProducerIdsRecord",
  "RegisterBrokerRecord",
  "ProducerSnapshot",
  "ControlRecordTypeSchema",
  "EndTxnMarker",
];

interface KafkaField {
  readonly name: string;
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly default?: string | number | boolean;
  readonly tag?: number;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly fields?: readonly KafkaField[];
}

interface KafkaMessage {
  readonly apiKey?: number;
  readonly type: string;
  readonly name: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly KafkaField[];
  readonly commonStructs?: readonly {
    readonly name: string;
    readonly fields: readonly KafkaField[];
  }[];
}

/** One field of the table. A struct's own name is no fact of the wire: its fields stand here. */
export interface ReferenceField {
  readonly name: string;
  /** A primitive's name, or `struct`; `[]` before it for an array. */
  readonly type: string;
  readonly versions: string;
  readonly nullableVersions?: string;
  readonly default?: string | number | boolean;
  readonly tag?: number;
  readonly taggedVersions?: string;
  readonly flexibleVersions?: string;
  readonly fields?: readonly ReferenceField[];
}

export interface ReferenceMessage {
  readonly apiKey?: number;
  readonly type: string;
  readonly validVersions: string;
  readonly flexibleVersions: string;
  readonly fields: readonly ReferenceField[];
}

/** Drops `//` comments. No string in the definitions' facts contains `//`. */
function parseCommented(text: string): KafkaMessage {
  const lines = text.split("\n").map((line) => line.replace(/\/\/.*$/, ""));
  return JSON.parse(lines.join("\n")) as KafkaMessage;
}

function deriveField(field: KafkaField, message: KafkaMessage): ReferenceField {
  const isArray = field.type.startsWith("[]");
  const element = isArray ? field.type.slice(2) : field.type;
  const isStruct = /^[A-Z]/.test(element);
  const common = message.commonStructs?.find(({ name }) => name === element);
  const fields = field.fields ?? common?.fields;
  if (isStruct && fields === undefined) {
    throw new Error(`${message.name}.${field.name}: no struct ${element}`);
  }
  const { name, versions } = field;
  return {
    name,
    type: (isArray ? "[]" : "") + (isStruct ? "struct" : element),
    versions,
    ...pick(field, "nullableVersions"),
    ...pick(field, "default"),
    ...pick(field, "tag"),
    ...pick(field, "taggedVersions"),
    ...pick(field, "flexibleVersions"),
    ...(fields && {
      fields: fields.map((inner) => deriveField(inner, message)),
    }),
  };
}

function deriveMessage(message: KafkaMessage): ReferenceMessage {
  const { type, validVersions, flexibleVersions } = message;
  return {
    ...pick(message, "apiKey"),
    type,
    validVersions,
    flexibleVersions,
    fields: message.fields.map((field) => deriveField(field, message)),
  };
}

/** `{ [key]: from[key] }`, or nothing when the key is absent. */
function pick<T extends object, K extends keyof T>(from: T, key: K) {
  return from[key] === undefined ? {} : ({ [key]: from[key] } as Pick<T, K>);
}

function main(root: string | undefined): void {
  if (root === undefined) throw new Error("usage: derive.ts <kafka-messages>");
  const pathByName = new Map<string, string>();
  for (const path of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const name = /([^/\\]+)\.json$/.exec(path)?.[1];
    if (name !== undefined) pathByName.set(name, join(root, path));
  }
  const names = [
    ...APIS.flatMap((api) => [`${api}Request`, `${api}Response`]),
    ...OTHERS,
  ];
  const table: Record<string, ReferenceMessage> = {};
  for (const name of names) {
    const path = pathByName.get(name);
    if (path === undefined)
      throw new Error(`no definition of ${name} under ${root}`);
    table[name] = deriveMessage(parseCommented(readFileSync(path, "utf8")));
  }
  const target = join(import.meta.dirname, "kafka-messages.json");
  writeFileSync(target, JSON.stringify(table, null, 2) + "\n");
}

if (import.meta.main) main(process.argv[2]);
