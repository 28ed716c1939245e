/**
 * What DescribeConfigs says of the broker: Kafka's names for those settings
 * that mean the same here, with the values that really hold. Kafka names some
 * three hundred more; to answer those would be to make them up.
 *
 * All are read-only: they are options of `openBroker`, read once at the start.
 */
import type { Settings } from "../options.ts";
import type { ConfigEntry } from "./config-entry.ts";
import type { ConfigType } from "./config-value.ts";
import { topicConfigRules } from "./topic-config.ts";

interface BrokerConfigRule {
  readonly type: ConfigType;
  /** Kafka 4.3's. */
  readonly default: string;
  readonly value: (settings: Settings) => string;
  readonly documentation: string;
}

const MINUTE_MS = 60_000;

const rules: Readonly<Record<string, BrokerConfigRule>> = {
  "auto.create.topics.enable": {
    type: "boolean",
    default: "true",
    value: (s) => String(s.autoCreateTopics),
    documentation: "Creates a topic that a client asks about.",
  },
  "broker.id": {
    type: "int",
    default: "-1",
    value: (s) => String(s.nodeId),
    documentation: "The older name of node.id.",
  },
  "default.replication.factor": {
    type: "int",
    default: "1",
    value: () => "1",
    documentation: "Replicas of a topic. This node is the only one.",
  },
  "delete.topic.enable": {
    type: "boolean",
    default: "true",
    value: () => "true",
    documentation: "Topics can be deleted.",
  },
  "fetch.max.bytes": {
    type: "int",
    default: "57671680",
    value: (s) => String(s.fetchSizeBytesMax),
    documentation: "The most that one fetch answers.",
  },
  "group.initial.rebalance.delay.ms": {
    type: "int",
    default: "3000",
    value: (s) => String(s.groupInitialRebalanceDelayMs),
    documentation: "How long an empty group waits for more members to join.",
  },
  "group.max.session.timeout.ms": {
    type: "int",
    default: "1800000",
    value: (s) => String(s.groupSessionTimeoutMsMax),
    documentation: "The longest session time-out a group member may ask for.",
  },
  "group.max.size": {
    type: "int",
    default: "2147483647",
    value: (s) => String(s.groupSizeMax),
    documentation: "Members that one group may have.",
  },
  "group.min.session.timeout.ms": {
    type: "int",
    default: "6000",
    value: (s) => String(s.groupSessionTimeoutMsMin),
    documentation: "The shortest session time-out a group member may ask for.",
  },
  "log.cleaner.backoff.ms": {
    type: "long",
    default: "15000",
    value: (s) => String(s.compactionCheckIntervalMs),
    documentation: "How often the broker looks for logs worth compacting.",
  },
  "log.cleaner.dedupe.buffer.size": {
    type: "long",
    default: "134217728",
    value: (s) => String(s.compactionKeyMapSizeBytesMax),
    documentation: "Memory for the keys of the log that is being compacted.",
  },
  "log.cleaner.io.max.bytes.per.second": {
    type: "double",
    default: "1.7976931348623157E308",
    value: (s) => String(s.compactionSizeBytesPerSecondMax),
    documentation: "The most that compaction reads and writes in a second.",
  },
  "log.retention.check.interval.ms": {
    type: "long",
    default: "300000",
    value: (s) => String(s.retentionCheckIntervalMs),
    documentation:
      "How often the broker looks for segments that retention lets go.",
  },
  "log.retention.hours": {
    type: "int",
    default: "168",
    value: () => "168",
    documentation:
      "How long topics keep records where nothing is set for them.",
  },
  "max.connections": {
    type: "int",
    default: "2147483647",
    value: (s) => String(s.connectionsMax),
    documentation: "Connections beyond this are closed at once.",
  },
  "node.id": {
    type: "int",
    default: "",
    value: (s) => String(s.nodeId),
    documentation: "This node's number, the same for the life of its data.",
  },
  "num.partitions": {
    type: "int",
    default: "1",
    value: (s) => String(s.defaultPartitionCount),
    documentation: "Partitions of a topic created without a count.",
  },
  "offset.metadata.max.bytes": {
    type: "int",
    default: "4096",
    value: (s) => String(s.offsetMetadataSizeBytesMax),
    documentation: "The longest note that may go with a committed offset.",
  },
  "offsets.retention.minutes": {
    type: "int",
    default: "10080",
    value: (s) => String(Math.ceil(s.offsetsRetentionMs / MINUTE_MS)),
    documentation: "How long the offsets of an empty group are kept.",
  },
  "offsets.topic.num.partitions": {
    type: "int",
    default: "50",
    value: (s) => String(s.offsetsPartitionCount),
    documentation: "Partitions of the offsets topic, when it is created.",
  },
  "producer.id.expiration.ms": {
    type: "int",
    default: "86400000",
    value: (s) => String(s.producerIdExpirationMs),
    documentation: "How long a producer that sends nothing is remembered.",
  },
  "socket.request.max.bytes": {
    type: "int",
    default: "104857600",
    value: (s) => String(s.frameSizeBytesMax),
    documentation: "The longest request; a longer one closes the connection.",
  },
};

/** `names`: only these, where they exist; null: all. */
export function describeBrokerConfigs(
  settings: Settings,
  names: readonly string[] | null,
): readonly ConfigEntry[] {
  const wanted = names === null ? null : new Set(names);
  const isWanted = (name: string) => wanted === null || wanted.has(name);
  return [
    ...ownEntries(settings, isWanted),
    ...topicDefaultEntries(isWanted),
  ].sort((a, b) => (a.name < b.name ? -1 : 1));
}

type IsWanted = (name: string) => boolean;

function ownEntries(settings: Settings, isWanted: IsWanted): ConfigEntry[] {
  return Object.entries(rules).flatMap(([name, rule]) => {
    if (!isWanted(name)) return [];
    const { type, documentation } = rule;
    const value = rule.value(settings);
    const standard = { name, value: rule.default, source: "default" } as const;
    const isStandard = value === rule.default;
    const given = { name, value, source: "static-broker" } as const;
    const synonyms = rule.default === "" ? [given] : [given, standard];
    return {
      name,
      value,
      source: isStandard ? "default" : "static-broker",
      isReadOnly: true,
      type,
      documentation,
      synonyms: isStandard ? [standard] : synonyms,
    };
  });
}

/** What topics have where nothing is set for them. */
function topicDefaultEntries(isWanted: IsWanted): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const rule of Object.values(topicConfigRules)) {
    if (rule.brokerName === null || !isWanted(rule.brokerName)) continue;
    const name = rule.brokerName;
    const value = rule.default;
    const { type, documentation } = rule;
    entries.push({
      name,
      value,
      source: "default",
      isReadOnly: true,
      type,
      documentation,
      synonyms: [{ name, value, source: "default" }],
    });
  }
  return entries;
}
