/**
 * What lies in a partition's directory. Files that no opening has a use for are
 * removed: half-written ones, companions of a segment that is gone, and
 * snapshots that no segment begins at.
 */
import type { Disk } from "../platform/disk.ts";
import {
  TEMPORARY_SUFFIX,
  joinPath,
  parseSegmentFileName,
  segmentFileName,
} from "./layout.ts";
import type { SegmentFileKind } from "./layout.ts";

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

/** Kafka's name for files that it has given up. */
const KAFKA_DELETED_SUFFIX = ".deleted";

/** Throws `DiskError`. */
export async function surveyDirectory(
  disk: Disk,
  directory: string,
): Promise<PartitionFiles> {
  const kinds = new Map<number, Set<SegmentFileKind>>();
  for (const { name } of await disk.list(directory)) {
    if (
      name.endsWith(TEMPORARY_SUFFIX) ||
      name.endsWith(KAFKA_DELETED_SUFFIX)
    ) {
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
  const newest = offsets.findLast((offset) =>
    kinds.get(offset)?.has("producerSnapshot"),
  );
  const snapshotOffsets: number[] = [];
  for (const offset of offsets) {
    const isBase = bases.includes(offset);
    for (const kind of kinds.get(offset) ?? []) {
      const isWanted =
        isBase || (kind === "producerSnapshot" && offset === newest);
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
