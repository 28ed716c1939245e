/**
 * What lies in a partition's directory. Files that no opening has a use for are
 * removed: half-written ones, companions of a segment that is gone, and
 * snapshots that no segment begins at, but for the newest.
 */
import type { Disk } from "../platform/disk.ts";
import {
  TEMPORARY_SUFFIX,
  joinPath,
  parseSegmentFileName,
  segmentFileName,
} from "./layout.ts";
import type { SegmentFileKind } from "./layout.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "./offset-index.ts";
import type { SegmentFiles } from "./segment.ts";
import { TIME_INDEX_ENTRY_SIZE } from "./time-index.ts";
import { finishSwaps, isSwapLeftover } from "./segment-swap.ts";

export interface SurveyedSegment {
  readonly baseOffset: number;
  readonly logSizeBytes: number;
  /** Null where there is no such file. */
  readonly offsetIndexSizeBytes: number | null;
  readonly timeIndexSizeBytes: number | null;
}

export interface PartitionFiles {
  /** By base offset. */
  readonly segments: readonly SurveyedSegment[];
  readonly snapshotOffsets: readonly number[];
}

/**
 * A snapshot keeps one batch of each producer, and a client may send five again.
 * So recovery begins one snapshot before the newest, and reads the rest.
 */
export const SNAPSHOTS_KEPT_COUNT = 2;

/** Throws `DiskError`. */
export async function surveyDirectory(
  disk: Disk,
  directory: string,
): Promise<PartitionFiles> {
  const kinds = new Map<number, Set<SegmentFileKind>>();
  for (const name of await settledNames(disk, directory)) {
    if (name.endsWith(TEMPORARY_SUFFIX)) {
      await disk.remove(joinPath(directory, name));
      continue;
    }
    const parsed = parseSegmentFileName(name);
    if (parsed === null) continue;
    const known = kinds.get(parsed.baseOffset) ?? new Set();
    kinds.set(parsed.baseOffset, known.add(parsed.kind));
  }
  const offsets = [...kinds.keys()].sort((a, b) => a - b);
  const bases = offsets.filter((offset) => kinds.get(offset)?.has("log"));
  const newest = offsets
    .filter((offset) => kinds.get(offset)?.has("producerSnapshot"))
    .slice(-SNAPSHOTS_KEPT_COUNT);
  const snapshotOffsets: number[] = [];
  for (const offset of offsets) {
    const isBase = bases.includes(offset);
    for (const kind of kinds.get(offset) ?? []) {
      const isWanted =
        isBase || (kind === "producerSnapshot" && newest.includes(offset));
      if (!isWanted) {
        await disk.remove(joinPath(directory, segmentFileName(offset, kind)));
      } else if (kind === "producerSnapshot") snapshotOffsets.push(offset);
    }
  }
  const segments: SurveyedSegment[] = [];
  for (const baseOffset of bases) {
    segments.push(await surveySegment(disk, directory, baseOffset));
  }
  return { segments, snapshotOffsets };
}

/** All names, after what compaction left half done has been brought to its end. */
async function settledNames(
  disk: Disk,
  directory: string,
): Promise<readonly string[]> {
  const list = async () => (await disk.list(directory)).map(({ name }) => name);
  const names = await list();
  if (!names.some(isSwapLeftover)) return names;
  await finishSwaps(disk, directory, names);
  return list();
}

async function surveySegment(
  disk: Disk,
  directory: string,
  baseOffset: number,
): Promise<SurveyedSegment> {
  const sizeOf = (kind: SegmentFileKind) =>
    disk.sizeOf(joinPath(directory, segmentFileName(baseOffset, kind)));
  return {
    baseOffset,
    logSizeBytes: (await sizeOf("log")) ?? 0,
    offsetIndexSizeBytes: await sizeOf("offsetIndex"),
    timeIndexSizeBytes: await sizeOf("timeIndex"),
  };
}

/** The segment as its files' sizes say; null where an index is missing, or ends inside an entry. */
export function segmentFilesOf(
  found: SurveyedSegment,
  options: { readonly isSealed: boolean },
): SegmentFiles | null {
  const { logSizeBytes, offsetIndexSizeBytes, timeIndexSizeBytes } = found;
  if (offsetIndexSizeBytes === null || timeIndexSizeBytes === null) return null;
  const offsetEntryCount = offsetIndexSizeBytes / OFFSET_INDEX_ENTRY_SIZE;
  const timeEntryCount = timeIndexSizeBytes / TIME_INDEX_ENTRY_SIZE;
  return Number.isInteger(offsetEntryCount) && Number.isInteger(timeEntryCount)
    ? { logSizeBytes, offsetEntryCount, timeEntryCount, ...options }
    : null;
}
