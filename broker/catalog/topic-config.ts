/**
 * THE table of topic configurations: Kafka's names, types, defaults and limits
 * (Kafka 4.3's `LogConfig`), with what they do here.
 *
 * A topic stores only what was set for it, as text. `parseTopicConfig` lays
 * that over the defaults and gives the numbers that the storage layer reads.
 *
 * Left out, and refused as unknown:
 *   remote.*, local.retention.*     there is no tiered storage
 *   *.replication.throttled.replicas  there is one replica
 *   internal.segment.bytes          Kafka's tests use it
 */
import { checkValue, listParts, type ValueRule } from "./config-value.ts";

export interface TopicConfigRule extends ValueRule {
  readonly default: string;
  /** The broker's setting that gives the default, as Kafka reports it; null where it reports none. */
  readonly brokerName: string | null;
  readonly documentation: string;
}

const LONG_MAX_TEXT = "9223372036854775807";
const MIB = 1024 * 1024;

export const topicConfigRules = {
  "cleanup.policy": {
    type: "list",
    default: "delete",
    allowed: ["compact", "delete"],
    brokerName: "log.cleanup.policy",
    documentation:
      "What happens to old segments: delete removes them by time and size, compact keeps the last record of each key.",
  },
  "compression.gzip.level": {
    type: "int",
    default: "-1",
    min: 1,
    max: 9,
    also: -1,
    brokerName: "compression.gzip.level",
    documentation: "Level used when compression.type is gzip.",
  },
  "compression.lz4.level": {
    type: "int",
    default: "9",
    min: 1,
    max: 17,
    brokerName: "compression.lz4.level",
    documentation:
      "Level for compression.type lz4: kept and told, but not used, as the codec here has one level.",
  },
  "compression.type": {
    type: "string",
    default: "producer",
    allowed: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    brokerName: "compression.type",
    documentation:
      "How batches are stored; producer keeps them as they were sent.",
  },
  "compression.zstd.level": {
    type: "int",
    default: "3",
    min: -131_072,
    max: 22,
    brokerName: "compression.zstd.level",
    documentation: "Level used when compression.type is zstd.",
  },
  "delete.retention.ms": {
    type: "long",
    default: "86400000",
    min: 0,
    brokerName: "log.cleaner.delete.retention.ms",
    documentation:
      "How long a compacted topic keeps tombstones, so that a reader from the start sees them.",
  },
  "file.delete.delay.ms": {
    type: "long",
    default: "60000",
    min: 0,
    brokerName: "log.segment.delete.delay.ms",
    documentation: "Time between renaming a file for deletion and removing it.",
  },
  "flush.messages": {
    type: "long",
    default: LONG_MAX_TEXT,
    min: 1,
    brokerName: "log.flush.interval.messages",
    documentation: "Records after which the log is synced to the disk.",
  },
  "flush.ms": {
    type: "long",
    default: LONG_MAX_TEXT,
    min: 0,
    brokerName: null,
    documentation: "Time after which appended records are synced to the disk.",
  },
  "index.interval.bytes": {
    type: "int",
    default: "4096",
    min: 0,
    brokerName: "log.index.interval.bytes",
    documentation: "Bytes of log between two entries of its indexes.",
  },
  "max.compaction.lag.ms": {
    type: "long",
    default: LONG_MAX_TEXT,
    min: 1,
    brokerName: "log.cleaner.max.compaction.lag.ms",
    documentation: "A record is compacted at the latest after this time.",
  },
  "max.message.bytes": {
    type: "int",
    default: "1048588",
    min: 0,
    brokerName: "message.max.bytes",
    documentation: "The largest record batch taken, as it was sent.",
  },
  "message.timestamp.after.max.ms": {
    type: "long",
    default: "3600000",
    min: 0,
    brokerName: "log.message.timestamp.after.max.ms",
    documentation: "How far a record's timestamp may lie in the future.",
  },
  "message.timestamp.before.max.ms": {
    type: "long",
    default: LONG_MAX_TEXT,
    min: 0,
    brokerName: "log.message.timestamp.before.max.ms",
    documentation: "How far a record's timestamp may lie in the past.",
  },
  "message.timestamp.type": {
    type: "string",
    default: "CreateTime",
    allowed: ["CreateTime", "LogAppendTime"],
    brokerName: "log.message.timestamp.type",
    documentation:
      "Whose clock a record's timestamp is from: the producer's or the broker's.",
  },
  "min.cleanable.dirty.ratio": {
    type: "double",
    default: "0.5",
    min: 0,
    max: 1,
    brokerName: "log.cleaner.min.cleanable.ratio",
    documentation:
      "Share of a log not yet compacted from which compaction is worth while.",
  },
  "min.compaction.lag.ms": {
    type: "long",
    default: "0",
    min: 0,
    brokerName: "log.cleaner.min.compaction.lag.ms",
    documentation: "A record is not compacted before this time.",
  },
  "min.insync.replicas": {
    type: "int",
    default: "1",
    min: 1,
    brokerName: "min.insync.replicas",
    documentation: "Replicas that acks=all waits for. There is one here.",
  },
  preallocate: {
    type: "boolean",
    default: "false",
    brokerName: "log.preallocate",
    documentation: "Kept and echoed. Files grow as they are written.",
  },
  "retention.bytes": {
    type: "long",
    default: "-1",
    brokerName: "log.retention.bytes",
    documentation:
      "Size of a partition above which old segments are deleted; negative for no limit.",
  },
  "retention.ms": {
    type: "long",
    default: "604800000",
    min: -1,
    // Kafka reports log.retention.ms only, which is not set.
    brokerName: null,
    documentation: "Age above which segments are deleted; -1 for no limit.",
  },
  "segment.bytes": {
    type: "int",
    default: "1073741824",
    min: 1 * MIB,
    brokerName: "log.segment.bytes",
    documentation: "Size at which a segment is closed and the next begun.",
  },
  "segment.index.bytes": {
    type: "int",
    default: "10485760",
    min: 4,
    brokerName: "log.index.size.max.bytes",
    documentation: "Size of an offset index at which its segment is closed.",
  },
  "segment.jitter.ms": {
    type: "long",
    default: "0",
    min: 0,
    brokerName: null,
    documentation:
      "Random time taken off segment.ms, so that segments do not all close at once.",
  },
  "segment.ms": {
    type: "long",
    default: "604800000",
    min: 1,
    brokerName: null,
    documentation:
      "Time after which a segment is closed although it is not full.",
  },
  "unclean.leader.election.enable": {
    type: "boolean",
    default: "false",
    brokerName: "unclean.leader.election.enable",
    documentation: "Kept and echoed. With one replica there is no election.",
  },
} as const satisfies Record<string, TopicConfigRule>;

export type TopicConfigName = keyof typeof topicConfigRules;

/** What was set for a topic, by name, in canonical text. */
export type ConfigOverrides = ReadonlyMap<string, string>;

export const noOverrides: ConfigOverrides = new Map();

/** A topic's configuration in the units of the storage layer. Null: no limit. */
export interface TopicConfig {
  readonly cleanupPolicy: {
    readonly delete: boolean;
    readonly compact: boolean;
  };
  readonly compressionType: CompressionType;
  /** The level for `compressionType`; null where it has none. */
  readonly compressionLevel: number | null;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly indexIntervalSizeBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageSizeBytes: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly minInsyncReplicas: number;
  readonly retentionMs: number | null;
  readonly retentionSizeBytes: number | null;
  readonly segmentIndexSizeBytes: number;
  readonly segmentJitterMs: number;
  readonly segmentMs: number;
  readonly segmentSizeBytes: number;
}

export type CompressionType =
  "uncompressed" | "zstd" | "lz4" | "snappy" | "gzip" | "producer";

export function topicConfigRule(name: string): TopicConfigRule | null {
  return Object.hasOwn(topicConfigRules, name)
    ? topicConfigRules[name as TopicConfigName]
    : null;
}

export type CheckedOverrides =
  | { readonly error: null; readonly overrides: ConfigOverrides }
  | { readonly error: "invalid-config"; readonly detail: string };

/** Checks a topic's whole configuration: each value, and those that depend on each other. */
export function checkTopicConfig(
  values: Iterable<readonly [string, string]>,
): CheckedOverrides {
  const overrides = new Map<string, string>();
  for (const [name, text] of values) {
    const rule = topicConfigRule(name);
    if (rule === null) return refused(`Unknown topic config name: ${name}`);
    const checked = checkValue(name, rule, text);
    if (checked.error !== null) return checked;
    overrides.set(name, checked.value);
  }
  const leastMs = valueOf(overrides, "min.compaction.lag.ms");
  const mostMs = valueOf(overrides, "max.compaction.lag.ms");
  if (BigInt(leastMs) > BigInt(mostMs)) {
    return refused(
      `min.compaction.lag.ms (${leastMs}) is greater than max.compaction.lag.ms (${mostMs})`,
    );
  }
  return { error: null, overrides };
}

/** The value that holds for the topic, in Kafka's text. */
export function valueOf(
  overrides: ConfigOverrides,
  name: TopicConfigName,
): string {
  return overrides.get(name) ?? topicConfigRules[name].default;
}

/**
 * The typed form. Overrides were checked when they were set; a record of
 * another release may name what this one does not know: that is not read.
 */
export function parseTopicConfig(overrides: ConfigOverrides): TopicConfig {
  const text = (name: TopicConfigName): string => valueOf(overrides, name);
  // Kafka's 2^63 - 1 stands for never, and so does the largest exact number.
  const number = (name: TopicConfigName): number =>
    Math.min(Number(text(name)), Number.MAX_SAFE_INTEGER);
  const limit = (name: TopicConfigName): number | null =>
    number(name) < 0 ? null : number(name);
  const policies = listParts(text("cleanup.policy"));
  const compressionType = text("compression.type") as CompressionType;
  return Object.freeze({
    cleanupPolicy: Object.freeze({
      delete: policies.includes("delete"),
      compact: policies.includes("compact"),
    }),
    compressionType,
    compressionLevel: levelOf(compressionType, number),
    deleteRetentionMs: number("delete.retention.ms"),
    fileDeleteDelayMs: number("file.delete.delay.ms"),
    flushMessages: number("flush.messages"),
    flushMs: number("flush.ms"),
    indexIntervalSizeBytes: number("index.interval.bytes"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    maxMessageSizeBytes: number("max.message.bytes"),
    messageTimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    messageTimestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    messageTimestampType:
      text("message.timestamp.type") === "LogAppendTime"
        ? "LogAppendTime"
        : "CreateTime",
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    minInsyncReplicas: number("min.insync.replicas"),
    retentionMs: limit("retention.ms"),
    retentionSizeBytes: limit("retention.bytes"),
    segmentIndexSizeBytes: number("segment.index.bytes"),
    segmentJitterMs: number("segment.jitter.ms"),
    segmentMs: number("segment.ms"),
    segmentSizeBytes: number("segment.bytes"),
  });
}

function levelOf(
  type: CompressionType,
  number: (name: TopicConfigName) => number,
): number | null {
  switch (type) {
    case "gzip":
      return number("compression.gzip.level");
    case "lz4":
      return number("compression.lz4.level");
    case "zstd":
      return number("compression.zstd.level");
    default:
      return null;
  }
}

function refused(detail: string): CheckedOverrides {
  return { error: "invalid-config", detail };
}
