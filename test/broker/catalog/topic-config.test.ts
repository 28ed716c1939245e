import { expect, test } from "vitest";
import { describeTopicConfigs } from "../../../broker/catalog/describe-configs.ts";
import { checkValue } from "../../../broker/catalog/config-value.ts";
import {
  checkTopicConfig,
  noOverrides,
  parseTopicConfig,
  topicConfigRule,
  topicConfigRules,
} from "../../../broker/catalog/topic-config.ts";

function overridesOf(values: Record<string, string>) {
  const checked = checkTopicConfig(Object.entries(values));
  if (checked.error !== null) throw new Error(checked.detail);
  return checked.overrides;
}

test("every default is a value that its own rule takes, as it is written", () => {
  for (const [name, rule] of Object.entries(topicConfigRules)) {
    expect(checkValue(name, rule, rule.default)).toEqual({
      error: null,
      value: rule.default,
    });
  }
});

test("no name that every object has is a configuration", () => {
  expect(topicConfigRule("constructor")).toBeNull();
  expect(topicConfigRule("__proto__")).toBeNull();
});

test("a topic without settings has Kafka's defaults", () => {
  expect(parseTopicConfig(noOverrides)).toMatchObject({
    cleanupPolicy: { delete: true, compact: false },
    compressionType: "producer",
    compressionLevel: null,
    flushMessages: Number.MAX_SAFE_INTEGER,
    indexIntervalSizeBytes: 4096,
    maxMessageSizeBytes: 1_048_588,
    messageTimestampType: "CreateTime",
    retentionMs: 604_800_000,
    retentionSizeBytes: null,
    segmentSizeBytes: 1_073_741_824,
  });
});

test("settings are laid over the defaults, negative limits are none", () => {
  const overrides = overridesOf({
    "cleanup.policy": "compact,delete",
    "compression.type": "zstd",
    "retention.ms": "-1",
    "message.timestamp.type": "LogAppendTime",
  });
  expect(parseTopicConfig(overrides)).toMatchObject({
    cleanupPolicy: { delete: true, compact: true },
    compressionType: "zstd",
    compressionLevel: 3,
    retentionMs: null,
    messageTimestampType: "LogAppendTime",
  });
});

test("an unknown name is refused, and so are lags that exclude each other", () => {
  expect(checkTopicConfig([["remote.storage.enable", "true"]])).toEqual({
    error: "invalid-config",
    detail: "Unknown topic config name: remote.storage.enable",
  });
  expect(
    checkTopicConfig([
      ["min.compaction.lag.ms", "10"],
      ["max.compaction.lag.ms", "5"],
    ]),
  ).toMatchObject({ error: "invalid-config" });
});

test("a description names every configuration, its source and what would hold without it", () => {
  const entries = describeTopicConfigs(
    overridesOf({ "retention.ms": "1000" }),
    null,
  );
  expect(entries).toHaveLength(Object.keys(topicConfigRules).length);
  expect(entries.find(({ name }) => name === "retention.ms")).toMatchObject({
    value: "1000",
    source: "topic",
    type: "long",
    isReadOnly: false,
    synonyms: [{ name: "retention.ms", value: "1000", source: "topic" }],
  });
  expect(entries.find(({ name }) => name === "flush.messages")).toMatchObject({
    value: "9223372036854775807",
    source: "default",
    synonyms: [
      {
        name: "log.flush.interval.messages",
        value: "9223372036854775807",
        source: "default",
      },
    ],
  });
});

test("a description of named configurations has those that exist", () => {
  const entries = describeTopicConfigs(noOverrides, ["segment.ms", "nope"]);
  expect(entries.map(({ name }) => name)).toEqual(["segment.ms"]);
});
