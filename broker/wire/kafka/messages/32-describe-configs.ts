/**
 * DescribeConfigs: v1-4
 *
 * v1   source of a value, synonyms
 * v3   type of a value, documentation when asked for (KIP-569)
 * v4   flexible
 *
 * `configurationKeys: null` asks for all.
 */
import {
  array,
  bool,
  int16,
  int32,
  int8,
  message,
  string,
  struct,
  type Infer,
} from "../../schema.ts";

export const describeConfigsRequest = message({
  apiKey: 32,
  name: "DescribeConfigsRequest",
  versions: "1-4",
  flexible: "4+",
  fields: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configurationKeys: array(string).nullable(),
      }),
    ),
    includeSynonyms: bool.default(false),
    includeDocumentation: bool.versions("3+").default(false),
  },
});
export type DescribeConfigsRequest = Infer<typeof describeConfigsRequest>;

export const describeConfigsResponse = message({
  apiKey: 32,
  name: "DescribeConfigsResponse",
  versions: "1-4",
  flexible: "4+",
  fields: {
    throttleTimeMs: int32,
    results: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable(),
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
            readOnly: bool,
            configSource: int8.default(-1),
            isSensitive: bool,
            synonyms: array(
              struct({
                name: string,
                value: string.nullable(),
                source: int8,
              }),
            ),
            configType: int8.versions("3+").default(0),
            documentation: string.versions("3+").nullable(),
          }),
        ),
      }),
    ),
  },
});
export type DescribeConfigsResponse = Infer<typeof describeConfigsResponse>;
