/**
 * DescribeConfigs: every configuration of a topic, those at their default too,
 * with Kafka's sources and synonyms.
 */
import type { ConfigEntry, ConfigSynonym } from "./config-entry.ts";
import {
  topicConfigRules,
  type ConfigOverrides,
  type TopicConfigRule,
} from "./topic-config.ts";

const rules: readonly (readonly [string, TopicConfigRule])[] =
  Object.entries(topicConfigRules);

/** `names`: only these, where they exist; null: all, in order of their names. */
export function describeTopicConfigs(
  overrides: ConfigOverrides,
  names: readonly string[] | null,
): readonly ConfigEntry[] {
  const wanted = names === null ? null : new Set(names);
  const entries: ConfigEntry[] = [];
  for (const [name, rule] of rules) {
    if (wanted !== null && !wanted.has(name)) continue;
    const value = overrides.get(name);
    const synonyms: ConfigSynonym[] = [];
    if (value !== undefined) synonyms.push({ name, value, source: "topic" });
    if (rule.brokerName !== null) {
      synonyms.push({
        name: rule.brokerName,
        value: rule.default,
        source: "default",
      });
    }
    entries.push({
      name,
      value: value ?? rule.default,
      source: value === undefined ? "default" : "topic",
      isReadOnly: false,
      type: rule.type,
      documentation: rule.documentation,
      synonyms,
    });
  }
  return entries;
}
