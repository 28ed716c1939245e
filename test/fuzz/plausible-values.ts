/**
 * Values that a message's fields might have: mostly ones that the broker knows
 * what to do with, so that a request gets past the first check, and among them
 * those that no client would send.
 *
 * A field's name says what is plausible in it. What the broker told (member ids,
 * topic ids, producer ids) is `Known`, and drawn from again.
 */
import { OFFSETS_TOPIC } from "../../broker/catalog/topic-name.ts";
import { ZERO_UUID } from "../../broker/wire/schema.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { oneOf, onceIn } from "./draw.ts";

/** What a request may name: given at the start, and learned from answers. */
export interface Known {
  readonly topics: string[];
  readonly topicIds: string[];
  readonly groups: string[];
  readonly members: Membership[];
  readonly protocols: string[];
  readonly producers: { readonly id: number; readonly epoch: number }[];
}

/** Id and generation as they belong together. */
export interface Membership {
  readonly memberId: string;
  readonly generation: number;
}

export function knownOf(topics: readonly string[]): Known {
  return {
    topics: [...topics],
    topicIds: [ZERO_UUID],
    groups: [...Array<string>(9).fill("group-a"), "group-b"],
    members: [{ memberId: "", generation: -1 }],
    protocols: ["range"],
    producers: [{ id: -1, epoch: -1 }],
  };
}

const absurdTexts: readonly string[] = [
  "",
  ".",
  "..",
  "../../etc/passwd",
  "a/b",
  "a\\b",
  "nul\0byte",
  "x".repeat(249),
  "x".repeat(250),
  "x".repeat(32_767),
  "__cluster_metadata",
  "__proto__",
  "constructor",
  "toString",
  "é😀",
  " ",
  "%s%n",
];

const INT64_SAFE = Number.MAX_SAFE_INTEGER;
const absurdNumbers: readonly number[] = [
  -1,
  0,
  1,
  -2,
  -3,
  2,
  100,
  1_000,
  65_536,
  1e6,
  INT64_SAFE,
  -INT64_SAFE,
];
const limits = {
  int8: [-0x80, 0x7f],
  int16: [-0x8000, 0x7fff],
  uint16: [0, 0xffff],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-INT64_SAFE, INT64_SAFE],
} as const;

export type IntegerKind = keyof typeof limits;

/** By the field's name. */
const usualNumbers: Readonly<Record<string, readonly number[]>> = {
  acks: [-1, 0, 1],
  brokerIds: [1],
  committedLeaderEpoch: [-1, 0],
  committedOffset: [0, 1, 5, 100],
  configOperation: [0, 1, 2, 3],
  count: [1, 2, 3, 4],
  currentLeaderEpoch: [-1, 0],
  fetchOffset: [0, 1, 2, 3],
  index: [0, 1],
  isolationLevel: [0, 1],
  keyType: [0],
  leaderEpoch: [0],
  maxBytes: [1_000_000],
  maxWaitMs: [0, 10, 500],
  minBytes: [0, 1],
  numPartitions: [-1, 1, 2],
  offset: [0, 1, -1],
  partition: [0, 1],
  partitionIndex: [0, 1],
  partitionIndexes: [0, 1],
  partitionMaxBytes: [1_000_000],
  partitions: [0, 1],
  rebalanceTimeoutMs: [100, 10_000],
  replicationFactor: [-1, 1],
  replicaId: [-1],
  resourceType: [2, 4],
  sessionEpoch: [-1, 0],
  sessionId: [0],
  sessionTimeoutMs: [10_000],
  timeoutMs: [1_000],
  timestamp: [-1, -2, -3, 1_700_000_000_000],
  transactionTimeoutMs: [60_000],
  // Of the compact protocol.
  beforeOffset: [0, 1],
  creditSizeBytes: [0, 1, 1_000, 1_000_000],
  partitionCount: [1, 2],
  partitionSizeBytesMax: [1, 1_000_000],
  round: [0, 1, 2],
  sizeBytes: [0, 1, 1_000, 1_000_000],
  sizeBytesMax: [1_000_000],
  sizeBytesMin: [0, 1],
  subscription: [0, 1, 2],
  timestampMs: [0, 1_700_000_000_000],
  versionMax: [1],
  versionMin: [1],
  waitMsMax: [0, 10, 500],
};

const configs: readonly (readonly [string, readonly string[]])[] = [
  ["cleanup.policy", ["compact", "delete", "compact,delete", "", ","]],
  ["compression.type", ["uncompressed", "gzip", "snappy", "lz4", "zstd"]],
  ["max.message.bytes", ["0", "100", "1000000", "-1"]],
  ["segment.bytes", ["1048576", "14", "2147483648"]],
  ["retention.ms", ["-1", "1", "-2"]],
  ["message.timestamp.type", ["LogAppendTime", "CreateTime"]],
  ["index.interval.bytes", ["0", "1"]],
  ["no.such.config", ["1e3"]],
];

export function plausibleInteger(
  random: SeededRandom,
  name: string,
  kind: IntegerKind,
  known: Known,
): number {
  const [least, most] = limits[kind];
  if (name === "producerId") return oneOf(random, known.producers).id;
  if (name === "producerEpoch") return oneOf(random, known.producers).epoch;
  const usual = usualNumbers[name];
  if (usual !== undefined && !onceIn(random, 8)) return oneOf(random, usual);
  const any = oneOf(random, [
    ...absurdNumbers,
    least,
    most,
    least + 1,
    most - 1,
  ]);
  return Math.min(most, Math.max(least, any));
}

export function plausibleText(
  random: SeededRandom,
  name: string,
  known: Known,
): string {
  if (onceIn(random, 10)) return oneOf(random, absurdTexts);
  switch (name) {
    case "groupId":
    case "groups":
    case "groupsNames":
    case "groupIds":
    case "coordinatorKeys":
    case "key":
      return oneOf(random, known.groups);
    case "groupInstanceId":
    case "instanceId":
      return oneOf(random, ["static-1", "static-2"]);
    case "protocolType":
      return "consumer";
    case "protocol":
    case "protocolName":
      return oneOf(random, known.protocols);
    case "configurationKeys":
      return oneOf(random, configs)[0];
    case "value":
      return oneOf(random, oneOf(random, configs)[1]);
    case "resourceName":
      // Not the offsets topic: its configuration may be changed, as in Kafka,
      // to one that no commit fits.
      return oneOf(random, [...known.topics, "1", ""]);
    case "kind":
      return oneOf(random, ["topic", "broker"]);
    case "operation":
      return oneOf(random, ["set", "delete", "append", "subtract"]);
    case "target":
      return oneOf(random, [
        "earliest",
        "latest",
        "max-timestamp",
        "timestamp",
      ]);
    case "states":
    case "statesFilter":
      return oneOf(random, ["Stable", "Empty", "PreparingRebalance"]);
    case "name":
      // Of topics, of group protocols, of configurations.
      return oneOf(random, [
        ...known.topics,
        "new-topic",
        OFFSETS_TOPIC,
        "range",
        oneOf(random, configs)[0],
      ]);
    case "topic":
    case "names":
    case "topicNames":
      return oneOf(random, [...known.topics, "new-topic", OFFSETS_TOPIC]);
    default:
      return oneOf(random, ["text", "1.0", ...known.topics]);
  }
}

export function plausibleUuid(random: SeededRandom, known: Known): string {
  if (!onceIn(random, 8)) return oneOf(random, known.topicIds);
  return Buffer.from(random.bytes(16)).toString("base64url");
}
