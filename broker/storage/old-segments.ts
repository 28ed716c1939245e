/**
 * Looks at a log's segments for those that retention lets go. Timestamps are
 * read from the indexes only as far as segments are old: most rounds look at
 * the first segment and no other.
 */
import { countRemovable } from "./retention.ts";
import type { RetentionLimits, RetentionMarks } from "./retention.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { readFault } from "./storage-error.ts";

/** The log at this moment; the end is the assigned one. */
export type LogMoment = RetentionMarks & { readonly endOffset: number };

/**
 * Those that may go, oldest first, as of the last call of `moment`: nothing is
 * awaited after it. Throws `StorageError`.
 */
export async function findOldSegments(
  segments: SegmentList,
  limits: RetentionLimits,
  moment: () => LogMoment,
): Promise<readonly Segment[]> {
  for (;;) {
    const all = segments.all();
    const now = moment();
    const facts = all.map((segment, slot) => ({
      endOffset: all[slot + 1]?.baseOffset ?? now.endOffset,
      sizeBytes: segment.sizeBytes,
      greatestTimestampMs: segment.ageTimestampMs,
    }));
    const count = countRemovable(facts, limits, now);
    const next = all[count];
    const isDecided =
      limits.retentionMs === null || (next?.ageTimestampMs ?? null) !== null;
    if (next === undefined || isDecided) return all.slice(0, count);
    try {
      await next.greatestTimestamp();
    } catch (error) {
      throw readFault(next.log.path, error);
    }
  }
}
