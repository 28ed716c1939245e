/** Configurations of topics and of the broker. */
import type {
  ConfigOperation,
  ConfigQuery,
} from "../../../operation/manage-configs.ts";
import { refuse } from "../../../operation/operation-error.ts";
import type { CompactRequest } from "../../../wire/compact/apis.ts";
import { errorOf } from "../errors.ts";
import { answered, inOrder } from "../handler.ts";
import { namedErrors } from "./topics.ts";

type Resource = CompactRequest<"describe-configs">["resources"][number];

export const describeConfigs = inOrder<"describe-configs">(
  (operations, { context, request }) =>
    answered({
      resources: request.resources.map((resource) => {
        const query = queryOf(resource);
        const described =
          query === null
            ? refuse("invalid-request", `a ${resource.kind} has none`)
            : operations.configs.describe(context, query);
        return described.error === null
          ? { error: null, configs: described.configs }
          : { error: errorOf(described.error, described.detail), configs: [] };
      }),
    }),
);

function queryOf({ kind, name, names }: Resource): ConfigQuery | null {
  return kind === "topic" || kind === "broker" ? { kind, name, names } : null;
}

const operationNames = {
  set: "set",
  delete: "delete",
  append: "append",
  subtract: "subtract",
} as const satisfies { readonly [O in ConfigOperation]: O };

export const alterConfigs = inOrder<"alter-configs">(
  async (operations, { context, request }) => {
    const { topics, validateOnly } = request;
    const alterations = topics.map(({ name, steps }) => ({
      mode: "incremental" as const,
      topic: name,
      steps: steps.flatMap((step) =>
        isOperation(step.operation)
          ? { ...step, operation: step.operation }
          : [],
      ),
    }));
    const isUnderstood = alterations.every(
      ({ steps }, index) => steps.length === topics[index]?.steps.length,
    );
    if (!isUnderstood) {
      return refuse("invalid-request", "a step that is not known");
    }
    const result = await operations.configs.alterTopics(context, {
      topics: alterations,
      validateOnly,
    });
    if (result.error !== null) return result;
    const names = topics.map(({ name }) => name);
    return answered(namedErrors(names, result.answer));
  },
);

function isOperation(text: string): text is ConfigOperation {
  return Object.hasOwn(operationNames, text);
}
