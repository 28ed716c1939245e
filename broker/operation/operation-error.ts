/**
 * Every answer, other than success, that an operation can give: in our words.
 *
 * `server/kafka/error-codes.ts` gives each its Kafka number, and
 * `server/compact` hands the word itself on, both exhaustively: a new answer
 * does not compile until both protocols can say it.
 */
import { isInternalTopic } from "../catalog/topic-name.ts";

export type OperationError =
  // Topics and partitions.
  | "unknown-topic-or-partition"
  | "unknown-topic-id"
  | "inconsistent-topic-id"
  | "topic-already-exists"
  | "invalid-topic"
  | "invalid-partitions"
  | "invalid-replication-factor"
  | "invalid-replica-assignment"
  | "invalid-config"
  | "topic-deletion-disabled"
  | "policy-violation"
  // Producing.
  | "corrupt-batch"
  | "message-too-large"
  | "invalid-record"
  | "invalid-timestamp"
  | "unsupported-compression"
  | "unsupported-for-message-format"
  | "invalid-required-acks"
  | "out-of-order-sequence"
  | "duplicate-sequence"
  | "invalid-producer-epoch"
  | "unknown-producer-id"
  | "transactional-id-not-authorized"
  | "request-timed-out"
  // Reading.
  | "offset-out-of-range"
  | "fenced-leader-epoch"
  | "unknown-leader-epoch"
  | "fetch-session-id-not-found"
  | "invalid-fetch-session-epoch"
  // Disk.
  | "storage-offline"
  // Groups.
  | "coordinator-loading"
  | "coordinator-not-available"
  | "unknown-member-id"
  | "illegal-generation"
  | "rebalance-in-progress"
  | "member-id-required"
  | "inconsistent-group-protocol"
  | "invalid-group-id"
  | "invalid-session-timeout"
  | "fenced-instance-id"
  | "group-max-size-reached"
  | "non-empty-group"
  | "group-id-not-found"
  | "group-subscribed-to-topic"
  | "offset-metadata-too-large"
  // Anything.
  | "invalid-request"
  | "unsupported-version"
  | "unsupported-endpoint-type"
  | "mismatched-endpoint-type"
  | "unknown-server-error";

/** A refusal, with words for the person who reads it. */
export interface Refusal {
  readonly error: OperationError;
  readonly detail: string | null;
}

/** The broker's own topics have one writer, which keeps count of them: changed by nobody else. */
export function refuseInternal(topic: string): Refusal | null {
  return isInternalTopic(topic)
    ? refuse("invalid-topic", `${topic} belongs to the broker`)
    : null;
}

export function refuse(
  error: OperationError,
  detail: string | null = null,
): Refusal {
  return { error, detail };
}
