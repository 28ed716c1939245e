/**
 * AlterConfigs: v0-2
 *
 * v2   flexible
 *
 * Sets the *whole* configuration of a resource: what is not named goes back to
 * its default. IncrementalAlterConfigs changes single values.
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

export const alterConfigsRequest = message({
  apiKey: 33,
  name: "AlterConfigsRequest",
  versions: "0-2",
  flexible: "2+",
  fields: {
    resources: array(
      struct({
        resourceType: int8,
        resourceName: string,
        configs: array(
          struct({
            name: string,
            value: string.nullable(),
          }),
        ),
      }),
    ),
    validateOnly: bool,
  },
});
export type AlterConfigsRequest = Infer<typeof alterConfigsRequest>;

export const alterConfigsResponse = message({
  apiKey: 33,
  name: "AlterConfigsResponse",
  versions: "0-2",
  flexible: "2+",
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
export type AlterConfigsResponse = Infer<typeof alterConfigsResponse>;
