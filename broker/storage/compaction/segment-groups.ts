/**
 * Which neighbouring segments become one when a log is compacted: as many as
 * together do not pass what a segment may hold, so that segments which shrink
 * do not stay many (Kafka's `Cleaner.groupSegmentsBySize`).
 */
import {
  OFFSET_INDEX_ENTRY_SIZE,
  RELATIVE_OFFSET_MAX,
} from "../offset-index.ts";
import { TIME_INDEX_ENTRY_SIZE } from "../time-index.ts";

export interface GroupedSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly offsetEntryCount: number;
  readonly timeEntryCount: number;
}

export interface GroupLimits {
  readonly segmentSizeBytes: number;
  readonly segmentIndexSizeBytes: number;
  /** Behind the last of the segments. */
  readonly endOffset: number;
}

/** Each segment in one group, all in their order. */
export function groupSegments<S extends GroupedSegment>(
  segments: readonly S[],
  limits: GroupLimits,
): readonly (readonly S[])[] {
  const groups: S[][] = [];
  let sum = { sizeBytes: 0, offsetEntryCount: 0, timeEntryCount: 0 };
  segments.forEach((segment, index) => {
    const group = groups.at(-1);
    const endOffset = segments[index + 1]?.baseOffset ?? limits.endOffset;
    const first = group?.[0];
    const together = {
      sizeBytes: sum.sizeBytes + segment.sizeBytes,
      offsetEntryCount: sum.offsetEntryCount + segment.offsetEntryCount,
      timeEntryCount: sum.timeEntryCount + segment.timeEntryCount,
    };
    const isJoined =
      group !== undefined &&
      first !== undefined &&
      fits(together, limits) &&
      // An empty segment has no offset that could be too far away.
      (segment.sizeBytes === 0 ||
        endOffset - 1 - first.baseOffset <= RELATIVE_OFFSET_MAX);
    if (isJoined) {
      group.push(segment);
      sum = together;
      return;
    }
    groups.push([segment]);
    sum = { ...segment };
  });
  return groups;
}

function fits(
  sum: Omit<GroupedSegment, "baseOffset">,
  limits: GroupLimits,
): boolean {
  const { segmentSizeBytes, segmentIndexSizeBytes } = limits;
  return (
    sum.sizeBytes <= segmentSizeBytes &&
    sum.offsetEntryCount * OFFSET_INDEX_ENTRY_SIZE <= segmentIndexSizeBytes &&
    sum.timeEntryCount * TIME_INDEX_ENTRY_SIZE <= segmentIndexSizeBytes
  );
}
