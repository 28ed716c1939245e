/** DescribeConfigs (32): of topics and of this broker. */
import type { RequestOf } from "../../../wire/kafka/apis.ts";
import {
  describedConfigResponse,
  RESOURCE_BROKER,
  RESOURCE_TOPIC,
} from "../config-values.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "../error-codes.ts";
import { type Call, inOrder } from "../handler.ts";
import type { Operations } from "../../../operation/operations.ts";
import type { DescribedConfigs } from "../../../operation/manage-configs.ts";

export const describeConfigs = inOrder<32>((operations, call) => ({
  throttleTimeMs: 0,
  results: call.request.resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const described = describe(operations, call, resource);
    if (described.error !== null) {
      return {
        errorCode: kafkaErrorCode(described.error),
        errorMessage: kafkaErrorMessage(described.detail),
        resourceType,
        resourceName,
        configs: [],
      };
    }
    const include = {
      synonyms: call.request.includeSynonyms,
      documentation: call.request.includeDocumentation,
    };
    return {
      errorCode: 0,
      errorMessage: null,
      resourceType,
      resourceName,
      configs: described.configs.map((entry) =>
        describedConfigResponse(entry, include),
      ),
    };
  }),
}));

function describe(
  operations: Operations,
  { context }: Call<32>,
  resource: RequestOf<32>["resources"][number],
): DescribedConfigs {
  const { resourceType, resourceName, configurationKeys } = resource;
  if (resourceType !== RESOURCE_TOPIC && resourceType !== RESOURCE_BROKER) {
    return {
      error: "invalid-request",
      detail: `resources of type ${resourceType} have no configuration here`,
    };
  }
  return operations.configs.describe(context, {
    kind: resourceType === RESOURCE_TOPIC ? "topic" : "broker",
    name: resourceName,
    // Some clients ask for everything with an empty list instead of null.
    names:
      configurationKeys === null || configurationKeys.length === 0
        ? null
        : configurationKeys,
  });
}
