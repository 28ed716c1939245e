/**
 * AlterConfigs and IncrementalAlterConfigs on topics. A topic's changes are
 * taken whole or not at all; each topic on its own. The checks and their order
 * are Kafka's (`ConfigurationControlManager`).
 */
import { answerOnly, type Decision } from "../machine/machine.ts";
import {
  refuse,
  repeated,
  type CatalogRefusal,
  type TopicAnswer,
} from "./catalog-answers.ts";
import type { CatalogRecord } from "./catalog-codec.ts";
import type { CatalogState } from "./catalog-state.ts";
import { listParts } from "./config-value.ts";
import type { NamedConfig } from "./create-topics.ts";
import {
  checkTopicConfig,
  noOverrides,
  topicConfigRule,
  type ConfigOverrides,
} from "./topic-config.ts";

export type ConfigOperation = "set" | "delete" | "append" | "subtract";

export interface ConfigStep extends NamedConfig {
  readonly operation: ConfigOperation;
}

/** `replace`: what is not named goes back to its default (the older request). */
export type TopicAlteration =
  | {
      readonly mode: "replace";
      readonly topic: string;
      readonly configs: readonly NamedConfig[];
    }
  | {
      readonly mode: "incremental";
      readonly topic: string;
      readonly steps: readonly ConfigStep[];
    };

export interface AlterConfigsRequest {
  readonly topics: readonly TopicAlteration[];
  readonly validateOnly: boolean;
}

/** One answer for each topic, in their order. */
export type AlterConfigsAnswer = readonly TopicAnswer[];

export function decideAlterConfigs(
  state: CatalogState,
  request: AlterConfigsRequest,
): Decision<AlterConfigsAnswer, CatalogRecord> {
  const records: CatalogRecord[] = [];
  const twice = repeated(request.topics.map(({ topic }) => topic));
  const answers = request.topics.map((alteration): TopicAnswer => {
    const name = alteration.topic;
    if (twice.has(name)) {
      return refuse("invalid-request", `topic '${name}' is named twice`);
    }
    if (name === "") {
      return refuse("invalid-request", "topics have no common configuration");
    }
    const topic = state.topicByName(name);
    const before = topic?.overrides ?? noOverrides;
    const altered = alter(before, alteration);
    if (!(altered instanceof Map)) return altered;
    const checked = checkTopicConfig(altered);
    if (checked.error !== null) return checked;
    if (topic === null) {
      return refuse(
        "unknown-topic-or-partition",
        `there is no topic '${name}'`,
      );
    }
    const { overrides } = checked;
    addDifference(records, name, before, overrides);
    const { id, partitionCount } = topic;
    return { error: null, id, name, partitionCount, overrides };
  });
  if (request.validateOnly) return answerOnly(answers);
  return { records, answer: answers, releases: [] };
}

/** The values as they would be, not yet checked. */
function alter(
  before: ConfigOverrides,
  alteration: TopicAlteration,
): Map<string, string> | CatalogRefusal {
  const isReplacing = alteration.mode === "replace";
  // What another release set and this one does not know goes with the first change.
  const kept = isReplacing
    ? []
    : [...before].filter(([name]) => topicConfigRule(name));
  const values = new Map(kept);
  const steps: readonly ConfigStep[] = isReplacing
    ? alteration.configs.map((config) => ({ ...config, operation: "set" }))
    : alteration.steps;
  const seen = new Set<string>();
  for (const step of steps) {
    const { name, value, operation } = step;
    if (seen.has(name)) {
      return refuse("invalid-request", `configuration ${name} is named twice`);
    }
    seen.add(name);
    if (operation === "delete") {
      values.delete(name);
      continue;
    }
    if (value === null) {
      return refuse("invalid-request", `configuration ${name} has no value`);
    }
    if (operation === "set") {
      values.set(name, value);
      continue;
    }
    const rule = topicConfigRule(name);
    if (rule?.type !== "list") {
      return refuse(
        "invalid-config",
        `Can't ${operation} to ${name}: it is not a list`,
      );
    }
    const present = listParts(values.get(name) ?? rule.default);
    const named = listParts(value);
    const parts =
      operation === "append"
        ? [...new Set([...present, ...named])]
        : present.filter((part) => !named.includes(part));
    values.set(name, parts.join(","));
  }
  return values;
}

function addDifference(
  records: CatalogRecord[],
  topic: string,
  before: ConfigOverrides,
  after: ConfigOverrides,
): void {
  for (const [name, value] of after) {
    if (before.get(name) === value) continue;
    records.push({ type: "config", topic, name, value });
  }
  for (const name of before.keys()) {
    if (after.has(name)) continue;
    records.push({ type: "config", topic, name, value: null });
  }
}
