/**
 * How operations find the log of a partition. The catalog says what exists;
 * a log that exists may still have to be opened.
 */
import type { PartitionLog } from "../storage/partition-log.ts";
import { type Refusal, refuse } from "./operation-error.ts";

/** A log, or why there is none. */
export type FoundPartition =
  { readonly error: null; readonly log: PartitionLog } | Refusal;

export interface Partitions {
  /** Why nothing may be appended anywhere at present, or null. */
  readonly appendRefusal: Refusal | null;
  /** A promise only while the log is being opened. */
  find(
    topic: string,
    partition: number,
  ): FoundPartition | Promise<FoundPartition>;
}

/** All of them, at once where none has to be opened. */
export function findAll<P extends { topic: string; partition: number }>(
  partitions: Partitions,
  wanted: readonly P[],
): readonly FoundPartition[] | Promise<readonly FoundPartition[]> {
  const found = wanted.map(({ topic, partition }) =>
    partitions.find(topic, partition),
  );
  if (found.some((one) => one instanceof Promise)) return Promise.all(found);
  return found.flatMap((one) => (one instanceof Promise ? [] : [one]));
}

/**
 * Compares the epoch a client knows with the partition's (KIP-320): a client
 * that is behind has to refresh what it knows, one that is ahead waits for us.
 */
export function refuseEpoch(
  log: PartitionLog,
  knownLeaderEpoch: number | null,
): Refusal | null {
  if (knownLeaderEpoch === null || knownLeaderEpoch === log.leaderEpoch) {
    return null;
  }
  return knownLeaderEpoch < log.leaderEpoch
    ? refuse("fenced-leader-epoch", `the epoch is ${log.leaderEpoch}`)
    : refuse("unknown-leader-epoch", `the epoch is ${log.leaderEpoch}`);
}
