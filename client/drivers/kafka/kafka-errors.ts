/**
 * Kafka's error numbers in our words (its `Errors` enum; the words are those of
 * the operations where they have one). A number from a later Kafka keeps its
 * number in its word, and is not tried again.
 */
const words: Readonly<Record<number, string>> = {
  [-1]: "unknown-server-error",
  1: "offset-out-of-range",
  2: "corrupt-batch",
  3: "unknown-topic-or-partition",
  4: "invalid-fetch-size",
  5: "leader-not-available",
  6: "not-leader-or-follower",
  7: "request-timed-out",
  8: "broker-not-available",
  9: "replica-not-available",
  10: "message-too-large",
  12: "offset-metadata-too-large",
  13: "network-exception",
  14: "coordinator-loading",
  15: "coordinator-not-available",
  16: "not-coordinator",
  17: "invalid-topic",
  18: "record-list-too-large",
  19: "not-enough-replicas",
  20: "not-enough-replicas-after-append",
  21: "invalid-required-acks",
  22: "illegal-generation",
  23: "inconsistent-group-protocol",
  24: "invalid-group-id",
  25: "unknown-member-id",
  26: "invalid-session-timeout",
  27: "rebalance-in-progress",
  29: "topic-authorization-failed",
  30: "group-authorization-failed",
  31: "cluster-authorization-failed",
  32: "invalid-timestamp",
  35: "unsupported-version",
  36: "topic-already-exists",
  37: "invalid-partitions",
  38: "invalid-replication-factor",
  39: "invalid-replica-assignment",
  40: "invalid-config",
  41: "not-controller",
  42: "invalid-request",
  43: "unsupported-for-message-format",
  44: "policy-violation",
  45: "out-of-order-sequence",
  46: "duplicate-sequence",
  47: "invalid-producer-epoch",
  53: "transactional-id-not-authorized",
  56: "storage-offline",
  58: "sasl-authentication-failed",
  59: "unknown-producer-id",
  68: "non-empty-group",
  69: "group-id-not-found",
  70: "fetch-session-id-not-found",
  71: "invalid-fetch-session-epoch",
  73: "topic-deletion-disabled",
  74: "fenced-leader-epoch",
  75: "unknown-leader-epoch",
  76: "unsupported-compression",
  79: "member-id-required",
  81: "group-max-size-reached",
  82: "fenced-instance-id",
  86: "group-subscribed-to-topic",
  87: "invalid-record",
  88: "unstable-offset-commit",
  89: "throttling-quota-exceeded",
  100: "unknown-topic-id",
  103: "inconsistent-topic-id",
};

/** Null for 0: no error. */
export function wordOf(errorCode: number): string | null {
  if (errorCode === 0) return null;
  return words[errorCode] ?? `kafka-error-${errorCode}`;
}

/** The partition is led by somebody else, or nobody knows by whom: look it up anew. */
export function isAboutLeader(word: string): boolean {
  return (
    word === "not-leader-or-follower" ||
    word === "leader-not-available" ||
    word === "unknown-topic-or-partition" ||
    word === "fenced-leader-epoch" ||
    word === "unknown-leader-epoch" ||
    word === "replica-not-available" ||
    word === "storage-offline" ||
    word === "network-exception"
  );
}

export function isAboutCoordinator(word: string): boolean {
  return word === "not-coordinator" || word === "coordinator-not-available";
}
