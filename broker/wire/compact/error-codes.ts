/**
 * Every word that an error of the compact protocol can have as its code, what
 * it means, and whether the same request may succeed later.
 *
 * The words are the broker's own; `server/compact/errors.ts` does not compile
 * when an operation can answer one that is missing here. A client may meet a
 * word of a newer broker: `isRetriableCode` says no to what it does not know.
 * What is retriable is what Kafka's Java client retries (`RetriableException`),
 * so that a program behaves the same over either protocol.
 */

interface CodeEntry {
  readonly isRetriable: boolean;
  readonly message: string;
}

const final = (message: string) => ({ isRetriable: false, message }) as const;
const retriable = (message: string) =>
  ({ isRetriable: true, message }) as const;

export const errorCodes = {
  // Of the connection: nothing follows them but its end.
  "protocol-violation": final("what was sent is not the compact protocol"),
  "version-not-supported": final("no version of the protocol in common"),
  "not-greeted": final("the first request must be hello"),

  // Topics and partitions.
  "unknown-topic-or-partition": retriable(
    "there is no such topic or partition",
  ),
  "unknown-topic-id": retriable("no topic has this id"),
  "inconsistent-topic-id": retriable("the topic has another id"),
  "topic-already-exists": final("the topic exists already"),
  "invalid-topic": final("not a name a topic can have"),
  "invalid-partitions": final("not a count of partitions that can be"),
  "invalid-replication-factor": final("only one replica can be had here"),
  "invalid-replica-assignment": final("the replicas cannot lie there"),
  "invalid-config": final("a setting is unknown or has a wrong value"),
  "topic-deletion-disabled": final("topics cannot be deleted here"),
  "policy-violation": final("the topic is not set up for that"),

  // Producing.
  "corrupt-batch": retriable("the batch is damaged"),
  "message-too-large": final("larger than allowed"),
  "invalid-record": final("the records are not what the topic takes"),
  "invalid-timestamp": final("a timestamp is outside what the topic takes"),
  "unsupported-compression": final("compressed in a way that is not known"),
  "unsupported-for-message-format": final("not possible with this format"),
  "invalid-required-acks": final("acks must be -1, 0 or 1"),
  "out-of-order-sequence": final("a batch of this producer is missing"),
  "duplicate-sequence": final("the batch was appended before"),
  "invalid-producer-epoch": final("a newer producer has taken this one's id"),
  "unknown-producer-id": final("the producer is not known any more"),
  "transactional-id-not-authorized": final("there are no transactions here"),
  "request-timed-out": retriable("it took longer than the request allowed"),

  // Reading.
  "offset-out-of-range": final("the partition does not have this offset"),
  "fenced-leader-epoch": retriable("the reader knows an older leader epoch"),
  "unknown-leader-epoch": retriable("the reader knows a newer leader epoch"),
  "fetch-session-id-not-found": retriable("there is no such fetch session"),
  "invalid-fetch-session-epoch": retriable("not this session's turn"),

  // Disk.
  "storage-offline": retriable("the partition's disk has failed"),

  // Groups.
  "coordinator-loading": retriable("the coordinator is being loaded"),
  "coordinator-not-available": retriable("the coordinator cannot answer now"),
  "unknown-member-id": final("the group has no such member"),
  "illegal-generation": final("the group is in another generation"),
  "rebalance-in-progress": final("the group is rebalancing: join again"),
  "member-id-required": final("join again with the id given"),
  "inconsistent-group-protocol": final("no protocol in common with the group"),
  "invalid-group-id": final("not a name a group can have"),
  "invalid-session-timeout": final("the session timeout is outside the limits"),
  "fenced-instance-id": final("another member has this instance id"),
  "group-max-size-reached": final("the group is full"),
  "non-empty-group": final("the group has members"),
  "group-id-not-found": final("there is no such group"),
  "group-subscribed-to-topic": final("the group reads this topic"),
  "offset-metadata-too-large": final("the commit's text is too long"),

  // Anything.
  "invalid-request": final("the request makes no sense"),
  "unsupported-version": final("not in this version"),
  "unsupported-endpoint-type": final("not of this kind of server"),
  "mismatched-endpoint-type": final("not from this kind of server"),
  "unknown-server-error": final("the broker failed: its log says why"),
} as const satisfies Readonly<Record<string, CodeEntry>>;

export type CompactErrorCode = keyof typeof errorCodes;

const retriableCodes: ReadonlySet<string> = new Set(
  Object.entries(errorCodes)
    .filter(([, { isRetriable }]) => isRetriable)
    .map(([code]) => code),
);

export function isRetriableCode(code: string): boolean {
  return retriableCodes.has(code);
}
