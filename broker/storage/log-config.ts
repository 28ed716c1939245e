/**
 * What a topic's configuration says about its partitions' logs. Kafka's names,
 * with units; defaults are Kafka's. All of it may change while a log is open.
 */

import type { CompressionName } from "../record/batch-format.ts";

export interface LogConfig {
  /** `segment.bytes` */
  readonly segmentSizeBytes: number;
  /** `segment.ms` */
  readonly segmentMs: number;
  /** `segment.jitter.ms`: each segment takes a random part of it off `segmentMs`. */
  readonly segmentJitterMs: number;
  /** `segment.index.bytes`: a segment ends when an index would outgrow it. */
  readonly segmentIndexSizeBytes: number;
  /** `index.interval.bytes` */
  readonly indexIntervalSizeBytes: number;
  /** `flush.messages`: a sync is due when so many records are not on the disk. */
  readonly flushMessages: number;
  /** `flush.ms`: a record stays at most so long without a sync. */
  readonly flushMs: number;
  /** `max.message.bytes`: of a batch, compressed as it came. */
  readonly maxMessageSizeBytes: number;
  /** `compression.type`: how batches are stored; null as they were produced. */
  readonly compression: CompressionName | null;
  /** `compression.TYPE.level`; null for the codec's own. */
  readonly compressionLevel: number | null;
  /** `message.timestamp.type` */
  readonly messageTimestampType: "CreateTime" | "LogAppendTime";
  /** `message.timestamp.before.max.ms` */
  readonly messageTimestampBeforeMaxMs: number;
  /** `message.timestamp.after.max.ms` */
  readonly messageTimestampAfterMaxMs: number;
  /** `cleanup.policy` has `compact`: a record without a key is refused. */
  readonly needsKeys: boolean;
  /** `delete.retention.ms`: a tombstone stays so long after it was first compacted. */
  readonly deleteRetentionMs: number;
  /** `min.cleanable.dirty.ratio`: a pass of compaction is due above it. */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`: a record is not compacted before. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: a record is compacted then, whatever the ratio. */
  readonly maxCompactionLagMs: number;
  /** `producer.id.expiration.ms` */
  readonly producerIdExpirationMs: number;
}

/** Stands for Kafka's 2^63 - 1, which no number holds: never. */
export const NEVER = Number.MAX_SAFE_INTEGER;

export const defaultLogConfig: LogConfig = {
  segmentSizeBytes: 1024 ** 3,
  segmentMs: 7 * 24 * 3_600_000,
  segmentJitterMs: 0,
  segmentIndexSizeBytes: 10 * 1024 ** 2,
  indexIntervalSizeBytes: 4096,
  flushMessages: NEVER,
  flushMs: NEVER,
  maxMessageSizeBytes: 1_048_588,
  compression: null,
  compressionLevel: null,
  messageTimestampType: "CreateTime",
  messageTimestampBeforeMaxMs: NEVER,
  messageTimestampAfterMaxMs: 3_600_000,
  needsKeys: false,
  deleteRetentionMs: 86_400_000,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: NEVER,
  producerIdExpirationMs: 86_400_000,
};
