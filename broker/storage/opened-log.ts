/** What opening a partition found, and what its log needs of its surroundings. */
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { SavedStart } from "./log-start.ts";
import type { LogPlace } from "./log-writer.ts";
import type { ProducerState } from "./producer-state.ts";
import type { Finding } from "./recovery-report.ts";
import type { SegmentTail } from "./roll-rule.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { StorageError } from "./storage-error.ts";

export interface LogOptions {
  /** `durable`: the high watermark waits for the sync. */
  readonly visibility: "page-cache" | "durable";
  /** The log's start offset: durable before records below it are removed. */
  readonly savedStart: SavedStart;
  /** Says that everything below is on the disk, indexes and producers too. */
  readonly saveRecoveryPoint: (offset: number) => Promise<void>;
  /** What was read for the first time since opening is not what was written; called once for each place. */
  readonly onDamage: (finding: Finding) => void;
  /** The log went offline; called once. */
  readonly onFault: (fault: StorageError) => void;
}

/** What opening found. */
export interface OpenedLog {
  readonly place: LogPlace;
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly tail: SegmentTail;
  readonly directoryExists: boolean;
  /** The files lack something that a clean close leaves. */
  readonly isIncomplete: boolean;
  /** Segments whose indexes are not on the disk yet, or not even in their files. */
  readonly unsyncedIndexes: readonly Segment[];
  /** Of snapshots of the producers, ascending. */
  readonly snapshotOffsets: readonly number[];
}
