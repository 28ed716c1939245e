/** AlterConfigs (33), the older form: what is not named goes back to its default. */
import { alterResources } from "../alter-configs.ts";
import { inOrder } from "../handler.ts";

export const alterConfigs = inOrder<33>((operations, { context, request }) =>
  alterResources(operations, context, request, (resource) => ({
    mode: "replace",
    topic: resource.resourceName,
    configs: resource.configs,
  })),
);
