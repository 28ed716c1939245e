/** Configurations in Kafka's numbers: types, sources, resources. */
import type { ConfigEntry } from "../../operation/manage-configs.ts";

/** Kafka's `ConfigResource.Type`. */
export const RESOURCE_TOPIC = 2;
export const RESOURCE_BROKER = 4;

/** `DescribeConfigsResponse.ConfigSource`. */
const sourceCodes = {
  topic: 1,
  "static-broker": 4,
  default: 5,
} as const satisfies Record<ConfigEntry["source"], number>;

/** `DescribeConfigsResponse.ConfigType`. */
const typeCodes = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
} as const satisfies Record<ConfigEntry["type"], number>;

export function configResponse(entry: ConfigEntry) {
  return {
    name: entry.name,
    value: entry.value,
    readOnly: entry.isReadOnly,
    configSource: sourceCodes[entry.source],
    isSensitive: false,
  };
}

export function describedConfigResponse(
  entry: ConfigEntry,
  include: { readonly synonyms: boolean; readonly documentation: boolean },
) {
  const synonyms = include.synonyms ? entry.synonyms : [];
  return {
    ...configResponse(entry),
    synonyms: synonyms.map(({ name, value, source }) => ({
      name,
      value,
      source: sourceCodes[source],
    })),
    configType: typeCodes[entry.type],
    documentation: include.documentation ? entry.documentation : null,
  };
}
