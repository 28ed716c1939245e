/** One line of what DescribeConfigs answers, for topics and for the broker. */
import type { ConfigType } from "./config-value.ts";

/** Where a value comes from, the strongest first. */
export type ConfigSource = "topic" | "static-broker" | "default";

export interface ConfigSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
}

export interface ConfigEntry {
  readonly name: string;
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly isReadOnly: boolean;
  readonly type: ConfigType;
  readonly documentation: string;
  /** What would hold, the strongest first; the first is what does. */
  readonly synonyms: readonly ConfigSynonym[];
}
