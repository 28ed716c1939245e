/** Chooses a connection's protocol by its first bytes. */
import type { Operations } from "../operation/operations.ts";
import { createKafkaSession } from "./kafka/session.ts";
import type { OpenSession } from "./served-connection.ts";
import type { Stage } from "./stages.ts";

export function createOpenSession(
  operations: Operations,
  stages: readonly Stage[],
): OpenSession {
  return (_head, peer) => ({
    session: createKafkaSession(operations, stages, peer),
    skipSizeBytes: 0,
  });
}
