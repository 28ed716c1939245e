/** What the child that is to be killed has to do, and what both sides call things. */

export const crashTopic = "crash";
/** Of one batch. */
export const recordCount = 20;
/** By partition. */
export const partitionAcks: readonly number[] = [1, -1, -1];

/** Numbers count the batches of a partition, over all children. */
export interface SentBatch {
  readonly number: number;
  readonly producerId: number;
  readonly sequence: number;
}

export interface PartitionTask {
  readonly nextNumber: number;
  /** Sent by the child before, in this order, and not answered. */
  readonly unanswered: readonly SentBatch[];
}

export interface ChildTask {
  readonly directory: string;
  readonly cycle: number;
  readonly partitions: readonly PartitionTask[];
  readonly nextCommit: number;
}
