/** An HTTP server without a port, over a fake broker. */
import type { FastifyInstance } from "fastify";
import { afterEach } from "vitest";
import { createHttp } from "../../../broker/http/open-http.ts";
import type { RequestContext } from "../../../broker/operation/context.ts";
import type { Logger } from "../../../broker/options.ts";
import { type FakeBroker, fakeOperations } from "./fake-operations.ts";

const opened: FastifyInstance[] = [];

afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

export const context = {
  principal: "User:ANONYMOUS",
  clientId: "http",
  listener: "tcp",
  connectionId: 77,
};

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export async function httpOver(
  broker: FakeBroker,
  options: {
    readonly isReady?: () => boolean;
    readonly seen?: RequestContext[];
    readonly logger?: Logger;
  } = {},
): Promise<FastifyInstance> {
  const app = await createHttp({
    operations: fakeOperations(broker, options.seen),
    context,
    logger: options.logger ?? silent,
    isReady: options.isReady ?? (() => true),
  });
  opened.push(app);
  return app;
}
