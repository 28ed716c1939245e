/**
 * Two protocols on one port: the first bytes of a connection tell which.
 *
 * Kafka's requests begin with a size that is not negative, the compact
 * protocol with a preface that is no such size (`wire/compact/preface.ts`).
 * Whatever else comes is given to Kafka's framing, which refuses it.
 */
import type { Operations } from "../operation/operations.ts";
import { matchPreface, PREFACE } from "../wire/compact/preface.ts";
import { createCompactSession } from "./compact/session.ts";
import { createKafkaSession } from "./kafka/session.ts";
import type { OpenSession } from "./served-connection.ts";
import type { Stage } from "./stages.ts";

export function createOpenSession(
  operations: Operations,
  stages: readonly Stage[],
): OpenSession {
  return (head, peer) => {
    switch (matchPreface(head)) {
      case "undecided":
        return null;
      case "preface":
        return {
          session: createCompactSession(operations, stages, peer),
          skipSizeBytes: PREFACE.length,
        };
      case "other":
        return {
          session: createKafkaSession(operations, stages, peer),
          skipSizeBytes: 0,
        };
    }
  };
}
