/**
 * What AlterConfigs and IncrementalAlterConfigs share: topics are changed in one
 * command; any other resource is refused, each answer in its place.
 */
import type { RequestContext } from "../../operation/context.ts";
import type { TopicAlteration } from "../../operation/manage-configs.ts";
import type { OperationError } from "../../operation/operation-error.ts";
import type { Operations } from "../../operation/operations.ts";
import { RESOURCE_TOPIC } from "./config-values.ts";
import { kafkaErrorCode, kafkaErrorMessage } from "./error-codes.ts";

interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export async function alterResources<R extends Resource>(
  operations: Operations,
  context: RequestContext,
  request: { readonly resources: readonly R[]; readonly validateOnly: boolean },
  toAlteration: (resource: R) => TopicAlteration | null,
) {
  const alterations = request.resources.map((resource) =>
    resource.resourceType === RESOURCE_TOPIC ? toAlteration(resource) : null,
  );
  const topics = alterations.filter((alteration) => alteration !== null);
  const result = await operations.configs.alterTopics(context, {
    topics,
    validateOnly: request.validateOnly,
  });
  let next = 0;
  const responses = request.resources.map((resource, index) => {
    if (alterations[index] === null) {
      return response(resource, "invalid-request", unalterable(resource));
    }
    const answer = result.error === null ? result.answer[next++] : result;
    if (answer === undefined) return response(resource, "unknown-server-error");
    return answer.error === null
      ? response(resource, null)
      : response(resource, answer.error, answer.detail);
  });
  return { throttleTimeMs: 0, responses };
}

function unalterable({ resourceType }: Resource): string {
  return resourceType === RESOURCE_TOPIC
    ? "a configuration operation that does not exist"
    : "only the configuration of topics can be changed while the broker runs";
}

function response(
  { resourceType, resourceName }: Resource,
  error: OperationError | null,
  detail: string | null = null,
) {
  return {
    errorCode: kafkaErrorCode(error),
    errorMessage: kafkaErrorMessage(detail),
    resourceType,
    resourceName,
  };
}
