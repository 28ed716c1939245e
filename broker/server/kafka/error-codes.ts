/**
 * THE table from our answers to Kafka's error numbers (Kafka's `Errors` enum).
 *
 * Clients decide by number whether to retry, to refresh metadata, or to give
 * up: a wrong number here is a hang or a lost record there.
 */
import type { OperationError } from "../../operation/operation-error.ts";

export const NO_ERROR = 0;
/** Only Metadata says it, of a partition: no operation answers it. */
export const LEADER_NOT_AVAILABLE = 5;

export const kafkaErrorCodes = {
  "unknown-topic-or-partition": 3,
  "unknown-topic-id": 100,
  "inconsistent-topic-id": 103,
  "topic-already-exists": 36,
  "invalid-topic": 17,
  "invalid-partitions": 37,
  "invalid-replication-factor": 38,
  "invalid-replica-assignment": 39,
  "invalid-config": 40,
  "topic-deletion-disabled": 73,
  "policy-violation": 44,
  "corrupt-batch": 2,
  "message-too-large": 10,
  "invalid-record": 87,
  "invalid-timestamp": 32,
  "unsupported-compression": 76,
  "unsupported-for-message-format": 43,
  "invalid-required-acks": 21,
  "out-of-order-sequence": 45,
  "duplicate-sequence": 46,
  "invalid-producer-epoch": 47,
  "unknown-producer-id": 59,
  "transactional-id-not-authorized": 53,
  "request-timed-out": 7,
  "offset-out-of-range": 1,
  "fenced-leader-epoch": 74,
  "unknown-leader-epoch": 75,
  "fetch-session-id-not-found": 70,
  "invalid-fetch-session-epoch": 71,
  "storage-offline": 56,
  "coordinator-loading": 14,
  "coordinator-not-available": 15,
  "unknown-member-id": 25,
  "illegal-generation": 22,
  "rebalance-in-progress": 27,
  "member-id-required": 79,
  "inconsistent-group-protocol": 23,
  "invalid-group-id": 24,
  "invalid-session-timeout": 26,
  "fenced-instance-id": 82,
  "group-max-size-reached": 81,
  "non-empty-group": 68,
  "group-id-not-found": 69,
  "group-subscribed-to-topic": 86,
  "offset-metadata-too-large": 12,
  "invalid-request": 42,
  "unsupported-version": 35,
  "unsupported-endpoint-type": 115,
  "mismatched-endpoint-type": 114,
  "unknown-server-error": -1,
} as const satisfies Record<OperationError, number>;

/** Kafka's strings end at 32,767 bytes, and a detail may repeat a name that is as long. */
const MESSAGE_LENGTH_MAX = 1_000;

/** What a person reads: as long as it is of use. */
export function kafkaErrorMessage(detail: string | null): string | null {
  if (detail === null || detail.length <= MESSAGE_LENGTH_MAX) return detail;
  return `${detail.slice(0, MESSAGE_LENGTH_MAX)}...`;
}

export function kafkaErrorCode(error: OperationError | null): number {
  return error === null ? NO_ERROR : kafkaErrorCodes[error];
}
