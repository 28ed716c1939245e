/**
 * Which part of a log may be compacted, and whether it is worth while (Kafka's
 * `LogCleanerManager` and `LogToClean`).
 *
 *   log start ... firstDirtyOffset ... endOffset ... active segment
 *        clean bytes     |   dirty bytes    |   not to be touched yet
 *
 * The active segment is never compacted, nor what lies behind the last stable
 * offset, nor from the first segment on that has a record younger than
 * `min.compaction.lag.ms`. A pass is due when more than
 * `min.cleanable.dirty.ratio` of the bytes are dirty, or when a dirty record is
 * older than `max.compaction.lag.ms`.
 */
import type { LogConfig } from "../log-config.ts";

export interface SegmentFacts {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  /** -1: no record has a timestamp. */
  readonly greatestTimestampMs: number;
  /** Of the first batch; null: nobody looked, as `max.compaction.lag.ms` is not set, or there is none. */
  readonly firstTimestampMs: number | null;
}

export interface LogFacts {
  /** All but the active one. */
  readonly sealed: readonly SegmentFacts[];
  readonly activeBaseOffset: number;
  readonly startOffset: number;
  readonly endOffset: number;
  readonly stableOffset: number;
  /** Up to where it was compacted, as the checkpoint says; null: never. */
  readonly cleanedOffset: number | null;
}

export interface Cleanable {
  readonly firstDirtyOffset: number;
  /** Where a segment begins. */
  readonly endOffset: number;
  readonly dirtySizeBytes: number;
  /** Of clean and dirty bytes together. */
  readonly dirtyRatio: number;
  readonly isDue: boolean;
}

export function cleanableOf(
  log: LogFacts,
  config: LogConfig,
  nowMs: number,
): Cleanable {
  const firstDirtyOffset = firstDirty(log);
  const dirty = log.sealed.filter((_segment, slot) => {
    const next = log.sealed[slot + 1]?.baseOffset ?? log.activeBaseOffset;
    return next > firstDirtyOffset;
  });
  const endOffset = endOfCleanable(log, dirty, config, nowMs);
  // A segment that a full key map has cut counts for both, as in Kafka.
  const cleanSizeBytes = sizeOf(
    log.sealed.filter(({ baseOffset }) => baseOffset < firstDirtyOffset),
  );
  const dirtySizeBytes = sizeOf(
    dirty.filter(({ baseOffset }) => baseOffset < endOffset),
  );
  const totalSizeBytes = cleanSizeBytes + dirtySizeBytes;
  const dirtyRatio = totalSizeBytes === 0 ? 0 : dirtySizeBytes / totalSizeBytes;
  const isDue =
    dirtySizeBytes > 0 &&
    (dirtyRatio > config.minCleanableDirtyRatio ||
      isOverdue(dirty, config, nowMs));
  return { firstDirtyOffset, endOffset, dirtySizeBytes, dirtyRatio, isDue };
}

/** A checkpoint that the log does not reach, or has left behind, says nothing. */
function firstDirty(log: LogFacts): number {
  const { cleanedOffset, startOffset, endOffset } = log;
  if (cleanedOffset === null || cleanedOffset > endOffset) return startOffset;
  return Math.max(cleanedOffset, startOffset);
}

function endOfCleanable(
  log: LogFacts,
  dirty: readonly SegmentFacts[],
  { minCompactionLagMs }: LogConfig,
  nowMs: number,
): number {
  const isYoung = ({ greatestTimestampMs }: SegmentFacts): boolean =>
    minCompactionLagMs > 0 && greatestTimestampMs > nowMs - minCompactionLagMs;
  const limit = Math.min(
    log.stableOffset,
    log.activeBaseOffset,
    dirty.find(isYoung)?.baseOffset ?? Number.POSITIVE_INFINITY,
  );
  // A pass takes whole segments, and the last of them must end below the limit.
  const bases = log.sealed.map(({ baseOffset }) => baseOffset);
  bases.push(log.activeBaseOffset);
  return bases.findLast((baseOffset) => baseOffset <= limit) ?? limit;
}

function sizeOf(segments: readonly SegmentFacts[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function isOverdue(
  dirty: readonly SegmentFacts[],
  { maxCompactionLagMs }: LogConfig,
  nowMs: number,
): boolean {
  return dirty.some(
    ({ firstTimestampMs }) =>
      firstTimestampMs !== null &&
      firstTimestampMs > 0 &&
      firstTimestampMs < nowMs - maxCompactionLagMs,
  );
}
