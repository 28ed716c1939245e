/** IncrementalAlterConfigs (44): set, delete, append to and subtract from lists (KIP-339). */
import type { ConfigOperation } from "../../../operation/manage-configs.ts";
import { alterResources } from "../alter-configs.ts";
import { inOrder } from "../handler.ts";

/** Kafka's `AlterConfigOp.OpType`, by its number. */
const operationNames: readonly ConfigOperation[] = [
  "set",
  "delete",
  "append",
  "subtract",
];

export const incrementalAlterConfigs = inOrder<44>(
  (operations, { context, request }) =>
    alterResources(operations, context, request, (resource) => {
      const steps = resource.configs.flatMap((config) => {
        const operation = operationNames[config.configOperation];
        return operation === undefined
          ? []
          : [{ name: config.name, value: config.value, operation }];
      });
      if (steps.length < resource.configs.length) return null;
      return { mode: "incremental", topic: resource.resourceName, steps };
    }),
);
