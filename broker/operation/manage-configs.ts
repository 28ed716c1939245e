/**
 * Configurations: of topics, kept by the catalog; of the broker, which are
 * options given when it was opened and cannot be changed while it runs.
 */
import type {
  AlterConfigsAnswer,
  AlterConfigsRequest,
} from "../catalog/alter-configs.ts";
import { describeBrokerConfigs } from "../catalog/broker-config.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { ConfigEntry } from "../catalog/config-entry.ts";
import { describeTopicConfigs } from "../catalog/describe-configs.ts";
import type { ConfigOverrides } from "../catalog/topic-config.ts";
import { topicNameFault } from "../catalog/topic-name.ts";
import type { Settings } from "../options.ts";
import type { RequestContext } from "./context.ts";
import { type CatalogResult, resultOf } from "./manage-topics.ts";
import { type Refusal, refuse } from "./operation-error.ts";

export type {
  ConfigOperation,
  TopicAlteration,
} from "../catalog/alter-configs.ts";
export type { ConfigEntry } from "../catalog/config-entry.ts";

export interface ConfigQuery {
  readonly kind: "topic" | "broker";
  /** A topic's name, or a node id as text; the empty name is the brokers' default. */
  readonly name: string;
  /** Null asks for all. */
  readonly names: readonly string[] | null;
}

export type DescribedConfigs =
  { readonly error: null; readonly configs: readonly ConfigEntry[] } | Refusal;

export interface ManageConfigs {
  describe(context: RequestContext, query: ConfigQuery): DescribedConfigs;
  /** What a topic has that has these set and nothing else. */
  describeOverrides(
    context: RequestContext,
    overrides: ConfigOverrides,
  ): readonly ConfigEntry[];
  alterTopics(
    context: RequestContext,
    request: AlterConfigsRequest,
  ): Promise<CatalogResult<AlterConfigsAnswer>>;
}

export function createManageConfigs(parts: {
  readonly catalog: Catalog;
  readonly settings: Settings;
}): ManageConfigs {
  const { catalog, settings } = parts;
  return {
    describe(_context, { kind, name, names }) {
      if (kind === "topic") return describeTopic(catalog, name, names);
      // Without a name Kafka means the defaults of all brokers: none are set.
      if (name === "") return { error: null, configs: [] };
      if (name !== String(settings.nodeId)) {
        return refuse(
          "invalid-request",
          `this is broker ${settings.nodeId}, not ${name}`,
        );
      }
      return { error: null, configs: describeBrokerConfigs(settings, names) };
    },
    describeOverrides: (_context, overrides) =>
      describeTopicConfigs(overrides, null),
    alterTopics: async (_context, request) =>
      resultOf(await catalog.alterConfigs(request)),
  };
}

function describeTopic(
  catalog: Catalog,
  name: string,
  names: readonly string[] | null,
): DescribedConfigs {
  const topic = catalog.topicByName(name);
  if (topic === null) {
    const fault = topicNameFault(name);
    return fault === null
      ? refuse("unknown-topic-or-partition", `there is no topic '${name}'`)
      : refuse("invalid-topic", fault);
  }
  return {
    error: null,
    configs: describeTopicConfigs(topic.overrides, names),
  };
}
