/**
 * From a broker's answer to an error of ours, and which answers are worth
 * another try.
 */
import { ClientError } from "../errors.ts";

/** Passing states of a broker or a coordinator; Kafka's `RetriableException`s among our words. */
const RETRIABLE_ANSWERS: ReadonlySet<string> = new Set([
  "unknown-topic-or-partition",
  "unknown-topic-id",
  "inconsistent-topic-id",
  "leader-not-available",
  "not-leader-or-follower",
  "fenced-leader-epoch",
  "unknown-leader-epoch",
  "request-timed-out",
  "broker-not-available",
  "replica-not-available",
  "network-exception",
  "coordinator-loading",
  "coordinator-not-available",
  "not-coordinator",
  "not-enough-replicas",
  "not-enough-replicas-after-append",
  "storage-offline",
  "concurrent-transactions",
  "unstable-offset-commit",
  "throttling-quota-exceeded",
]);

export function isRetriableAnswer(answer: string): boolean {
  return RETRIABLE_ANSWERS.has(answer);
}

/** `what` is what was refused, such as `commit of orders-3`. */
export function refused(
  what: string,
  answer: string,
  detail: string | null = null,
): ClientError {
  const words = detail === null ? answer : `${answer}: ${detail}`;
  return new ClientError("refused", `${what} was refused: ${words}`, {
    answer,
    isRetriable: isRetriableAnswer(answer),
  });
}

/** True for what may pass by itself: a lost connection, a broker that starts. */
export function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof ClientError)) return false;
  return (
    thrown.isRetriable ||
    thrown.code === "broker-unreachable" ||
    thrown.code === "timed-out"
  );
}

export function closedError(what: string): ClientError {
  return new ClientError("closed", `the ${what} is closed`);
}
