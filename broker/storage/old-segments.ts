/**
 * Looks at a log's segments for those that retention lets go. Timestamps are
 * read from the indexes only as far as segments are old: most rounds look at
 * the first segment and no other.
 */
import { countRemovable } from "./retention.ts";
import type { RetentionLimits, RetentionMarks } from "./retention.ts";
import type { LogStart } from "./log-start.ts";
import type { LogWriter } from "./log-writer.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { readFault } from "./storage-error.ts";

/** The log at this moment; the end is the assigned one. */
export type LogMoment = RetentionMarks & { readonly endOffset: number };

/** What only the log itself knows and can do. */
export interface RetentionActions {
  readonly now: () => LogMoment;
  /** The log is closed or offline: nothing more is to be done. */
  readonly isOver: () => boolean;
  /** Begins a new segment. Rejects with a `StorageError`. */
  readonly roll: () => Promise<void>;
}

export interface RetentionParts {
  readonly segments: SegmentList;
  readonly writer: LogWriter;
  readonly start: LogStart;
}

/** Removes those that the limits let go, and answers them. Throws `StorageError`. */
export async function removeOldSegments(
  { segments, writer, start }: RetentionParts,
  limits: RetentionLimits,
  { now, isOver, roll }: RetentionActions,
): Promise<readonly Segment[]> {
  const gone: Segment[] = [];
  for (;;) {
    const old = await findOldSegments(segments, limits, now);
    if (isOver()) return gone;
    // Those before the last one go first: a new segment may need their room.
    if (old.length === 1 && old[0] === segments.active) await roll();
    // Not while the next one is only assigned: what was queued may come back.
    const { segment } = writer.written;
    const removable = old.filter((one) => one.baseOffset < segment.baseOffset);
    const last = removable.at(-1);
    const next = last === undefined ? null : segments.after(last);
    await start.moveTo(next?.baseOffset ?? start.offset);
    if (last === undefined) return gone;
    gone.push(...removable);
  }
}

/** As of the last call of `now`, oldest first: nothing is awaited after it. */
async function findOldSegments(
  segments: SegmentList,
  limits: RetentionLimits,
  now: () => LogMoment,
): Promise<readonly Segment[]> {
  for (;;) {
    const all = segments.all();
    const moment = now();
    const facts = all.map((segment, slot) => ({
      endOffset: all[slot + 1]?.baseOffset ?? moment.endOffset,
      sizeBytes: segment.sizeBytes,
      greatestTimestampMs: segment.ageTimestampMs,
    }));
    const count = countRemovable(facts, limits, moment);
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
