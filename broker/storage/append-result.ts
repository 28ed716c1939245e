/** What `PartitionLog.append` answers. */

export type AppendRefusal =
  | "corrupt-batch"
  | "message-too-large"
  | "invalid-record"
  | "invalid-timestamp"
  | "unsupported-compression"
  | "out-of-order-sequence"
  | "invalid-producer-epoch"
  | "storage-offline";

export interface Appended {
  readonly error: null;
  readonly baseOffset: number;
  /** Inclusive. */
  readonly lastOffset: number;
  /** When the broker stamped the batches; null where the producer's timestamps stay. */
  readonly logAppendTimeMs: number | null;
  /** The log's start at this moment. */
  readonly startOffset: number;
  /** The batch was appended before: the offsets are the first time's. */
  readonly isDuplicate: boolean;
  /** Resolves when the batch is in the page cache and visible; rejects with a `StorageError`. */
  readonly written: Promise<void>;
  /** Resolves when the batch is on the disk; rejects with a `StorageError`. */
  durable(): Promise<void>;
}

export interface AppendRefused {
  readonly error: AppendRefusal;
  readonly detail: string;
  /** Which record of the batch, where it is one's fault. */
  readonly recordIndex?: number;
}

export type AppendResult = Appended | AppendRefused;
