/**
 * Finds records by their timestamp, exactly: the time index names the place to
 * start from, batch headers lead to the batch, and the records of that one
 * batch are read (Kafka's `LogSegment.findOffsetByTimestamp`).
 */
import { isLogAppendTime } from "../record/batch.ts";
import { findBatch } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { LogFile } from "./log-file.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { StorageError, readFault } from "./storage-error.ts";

export interface FoundOffset {
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number | null;
}

/** The part of the log that is looked at; the end is exclusive. */
export interface OffsetRange {
  readonly startOffset: number;
  readonly endOffset: number;
}

export class TimestampSearch {
  readonly #segments: SegmentList;
  readonly #epochs: LeaderEpochs;

  constructor(segments: SegmentList, epochs: LeaderEpochs) {
    this.#segments = segments;
    this.#epochs = epochs;
  }
}
