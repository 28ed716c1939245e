/**
 * IncrementalAlterConfigs: v0-1 (KIP-339)
 *
 * v1   flexible
 *
 * `configOperation`: 0 set, 1 delete, 2 append, 3 subtract.
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

export const incrementalAlterConfigsRequest = message({
  apiKey: 44,
  name: "IncrementalAlterConfigsRequest",
  versions: "0-1",
  flexible: "1+",
  fields: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            configOperation: int8,
            value: string.nullable(),
          }),
        ),
      }),
    ),
    validateOnly: bool,
  },
});
export type IncrementalAlterConfigsRequest = Infer<
  typeof incrementalAlterConfigsRequest
>;

export const incrementalAlterConfigsResponse = message({
  apiKey: 44,
  name: "IncrementalAlterConfigsResponse",
  versions: "0-1",
  flexible: "1+",
  fields: {
    throttleTimeMs: int32,
    responses: array(
      struct({
        errorCode: int16,
        errorMessage: string.nullable(),
        resourceType: int8,
        resourceName: string,
      }),
    ),
  },
});
export type IncrementalAlterConfigsResponse = Infer<
  typeof incrementalAlterConfigsResponse
>;
