/** Every case was answered the same way by Kafka 4.3's own `LogConfig`. */
import { expect, test } from "vitest";
import { checkValue } from "../../../broker/catalog/config-value.ts";
import { topicConfigRule } from "../../../broker/catalog/topic-config.ts";

function check(name: string, text: string) {
  const rule = topicConfigRule(name);
  if (rule === null) throw new Error(`no rule for ${name}`);
  return checkValue(name, rule, text);
}

test.each([
  ["segment.bytes", " 2097152 ", "2097152"],
  ["cleanup.policy", "", ""],
  ["cleanup.policy", "delete,delete", "delete,delete"],
  ["cleanup.policy", "compact, delete", "compact,delete"],
  ["preallocate", "TRUE", "true"],
  ["retention.ms", "+5", "5"],
  ["retention.ms", "-1", "-1"],
  ["retention.bytes", "-5", "-5"],
  ["min.cleanable.dirty.ratio", "0.5d", "0.5"],
  ["min.cleanable.dirty.ratio", "1e-1", "0.1"],
  ["min.cleanable.dirty.ratio", "1", "1.0"],
  ["min.compaction.lag.ms", "9223372036854775807", "9223372036854775807"],
  ["flush.messages", "0009223372036854775807", "9223372036854775807"],
  ["compression.gzip.level", "-1", "-1"],
  ["compression.zstd.level", "-131072", "-131072"],
])("%s takes %j and keeps %j", (name, text, value) => {
  expect(check(name, text)).toEqual({ error: null, value });
});

test.each([
  ["segment.bytes", "1"],
  ["segment.bytes", "x"],
  ["segment.bytes", ""],
  ["segment.bytes", "99999999999"],
  ["segment.bytes", "1e7"],
  ["segment.bytes", "0x200000"],
  ["cleanup.policy", "foo"],
  ["cleanup.policy", "Delete"],
  ["cleanup.policy", "delete,,compact"],
  ["compression.type", "GZIP"],
  ["compression.type", "none"],
  ["preallocate", "yes"],
  ["retention.ms", "-2"],
  ["min.cleanable.dirty.ratio", "2"],
  ["min.cleanable.dirty.ratio", "1,5"],
  ["flush.messages", "9223372036854775808"],
  ["flush.messages", "9".repeat(10_000)],
  ["flush.messages", "0"],
  ["compression.gzip.level", "0"],
  ["compression.zstd.level", "23"],
  ["message.timestamp.type", "createtime"],
  ["max.message.bytes", "-1"],
  ["min.insync.replicas", "0"],
])("%s refuses %j", (name, text) => {
  expect(check(name, text)).toMatchObject({ error: "invalid-config" });
});
