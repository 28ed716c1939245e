/**
 * Which segments of a log may go, by Kafka's rules (`UnifiedLog.deleteOldSegments`).
 *
 * Segments go from the oldest on, each for the first reason that holds:
 *
 * 1. all of it lies below the log's start;
 * 2. without it the log still has `retention.bytes`;
 * 3. its greatest timestamp is more than `retention.ms` ago.
 *
 * The first that has no reason to go keeps all behind it, whatever those hold:
 * a timestamp in the future therefore keeps a log from shrinking by time. What
 * consumers cannot see yet stays. The last segment goes like any other, for the
 * second and third reason, if it is not empty: then a new one is begun first.
 */

export interface SegmentFacts {
  /** Exclusive: where the next segment begins, or the log ends. */
  readonly endOffset: number;
  readonly sizeBytes: number;
  /** Null: nobody has looked. Such a segment is taken to be young. */
  readonly greatestTimestampMs: number | null;
}

/** Null: no limit. */
export interface RetentionLimits {
  readonly retentionMs: number | null;
  readonly retentionSizeBytes: number | null;
}

export interface RetentionMarks {
  readonly nowMs: number;
  readonly startOffset: number;
  readonly highWatermark: number;
}

/** How many segments, from the oldest on, may go. */
export function countRemovable(
  segments: readonly SegmentFacts[],
  limits: RetentionLimits,
  marks: RetentionMarks,
): number {
  const last = segments.at(-1);
  let count = 0;
  /** Goes on from where the reason before it ended. */
  const removeWhile = (mayGo: (segment: SegmentFacts) => boolean): void => {
    for (;;) {
      const segment = segments[count];
      if (segment === undefined) return;
      if (segment.endOffset > marks.highWatermark) return;
      if (segment === last && segment.sizeBytes === 0) return;
      if (!mayGo(segment)) return;
      count++;
    }
  };
  removeWhile(
    (segment) => segment !== last && segment.endOffset <= marks.startOffset,
  );
  const { retentionSizeBytes, retentionMs } = limits;
  if (retentionSizeBytes !== null) {
    let excess = -retentionSizeBytes;
    for (const { sizeBytes } of segments.slice(count)) excess += sizeBytes;
    removeWhile(({ sizeBytes }) => {
      if (excess < sizeBytes) return false;
      excess -= sizeBytes;
      return true;
    });
  }
  if (retentionMs !== null) {
    removeWhile(
      ({ greatestTimestampMs }) =>
        greatestTimestampMs !== null &&
        marks.nowMs - greatestTimestampMs > retentionMs,
    );
  }
  return count;
}
