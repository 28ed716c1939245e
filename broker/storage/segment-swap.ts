/**
 * How a compacted segment takes the place of those it was made of, so that a
 * crash at any step leaves either. Kafka's steps, with the directory synced
 * where one step must not reach the disk before another:
 *
 *   B.log.cleaned, B.index.cleaned, ...    whole and synced
 *   -> .swap, the .log last                sync: from here on it will be done
 *   old files go, B's among them           sync: none can come back beside the new one
 *   .swap -> B.log, B.index, ..., the .log last    sync
 *
 * Opening finds what a crash left (`finishSwaps`):
 *
 *   .cleaned             not done: removed, with each .swap that is not below it
 *   B.log.swap           done: the segments that it covers are removed, and it gets its name
 *   another B.*.swap     gets its name with its log, or is removed: an index can be rebuilt
 *   .deleted             removed
 */
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import {
  CLEANED_SUFFIX,
  DELETED_FILE_SUFFIX,
  SWAP_SUFFIX,
  joinPath,
  parseSegmentFileName,
  segmentFileKinds,
  segmentFileName,
} from "./layout.ts";
import type { SegmentFileKind, SegmentFileName } from "./layout.ts";
import { scanSegment } from "./segment-recovery.ts";

/** The log last: it is what counts. */
const swappedKinds: readonly SegmentFileKind[] = [
  ...segmentFileKinds.filter((kind) => kind !== "log"),
  "log",
];

/** Nothing is lost yet, but it will be done. Throws `DiskError`. */
export async function commitCleaned(
  disk: Disk,
  directory: string,
  baseOffset: number,
): Promise<void> {
  await changeSuffix(disk, directory, baseOffset, {
    from: CLEANED_SUFFIX,
    to: SWAP_SUFFIX,
  });
  await disk.syncDirectory(directory);
}

/**
 * Gives what was committed its names. `replacedOffsets` are the old segments'
 * base offsets. Their logs are left as `.deleted`, for `removeDeleted`: to
 * remove a large file takes a while. Snapshots of producers stay: recovery may
 * want to begin at them. Throws `DiskError`.
 */
export async function swapIn(
  disk: Disk,
  directory: string,
  baseOffset: number,
  replacedOffsets: readonly number[],
): Promise<void> {
  for (const offset of replacedOffsets) {
    for (const kind of segmentFileKinds) {
      const path = joinPath(directory, segmentFileName(offset, kind));
      if (kind === "log") await disk.rename(path, path + DELETED_FILE_SUFFIX);
      else if (kind !== "producerSnapshot") await disk.remove(path);
    }
  }
  await disk.syncDirectory(directory);
  await changeSuffix(disk, directory, baseOffset, {
    from: SWAP_SUFFIX,
    to: "",
  });
  await disk.syncDirectory(directory);
}

/**
 * Removes what a pass left that failed: beside it an opening would take what is
 * committed later, further up, for not done. Durable with the next commit.
 * Throws `DiskError`.
 */
export async function removeUncommitted(
  disk: Disk,
  directory: string,
): Promise<void> {
  for (const { name } of await disk.list(directory)) {
    if (name.endsWith(CLEANED_SUFFIX)) {
      await disk.remove(joinPath(directory, name));
    }
  }
}

/** Throws `DiskError`; the next opening removes what is left. */
export async function removeDeleted(
  disk: Disk,
  directory: string,
  offsets: readonly number[],
): Promise<void> {
  for (const offset of offsets) {
    const name = segmentFileName(offset, "log") + DELETED_FILE_SUFFIX;
    await disk.remove(joinPath(directory, name));
  }
}

/** Whether it is a name that compaction, or Kafka's, gives a file for a while. */
export function isSwapLeftover(name: string): boolean {
  return [CLEANED_SUFFIX, SWAP_SUFFIX, DELETED_FILE_SUFFIX].some((suffix) =>
    name.endsWith(suffix),
  );
}

/**
 * Ends what a crash cut short, in a partition's directory where `names` are all
 * that there is. Throws `DiskError`.
 */
export async function finishSwaps(
  disk: Disk,
  directory: string,
  names: readonly string[],
): Promise<void> {
  const cleaned: number[] = [];
  const swapped: SegmentFileName[] = [];
  for (const name of names) {
    const path = joinPath(directory, name);
    if (name.endsWith(CLEANED_SUFFIX)) {
      const parsed = parseSuffixed(name, CLEANED_SUFFIX);
      if (parsed !== null) cleaned.push(parsed.baseOffset);
      await disk.remove(path);
    } else if (name.endsWith(DELETED_FILE_SUFFIX)) await disk.remove(path);
    else {
      const parsed = parseSuffixed(name, SWAP_SUFFIX);
      if (parsed !== null) swapped.push(parsed);
    }
  }
  const committedEnd = Math.min(...cleaned, Number.POSITIVE_INFINITY);
  const committed = swapped
    .filter(
      ({ kind, baseOffset }) => kind === "log" && baseOffset < committedEnd,
    )
    .map(({ baseOffset }) => baseOffset)
    .sort((a, b) => a - b);
  if (committed.length > 0) await makeRoom(disk, directory, names, committed);
  for (const baseOffset of committed) {
    await changeSuffix(disk, directory, baseOffset, {
      from: SWAP_SUFFIX,
      to: "",
    });
  }
  for (const { baseOffset, kind } of swapped) {
    if (committed.includes(baseOffset)) continue;
    const name = segmentFileName(baseOffset, kind) + SWAP_SUFFIX;
    await disk.remove(joinPath(directory, name));
  }
  if (swapped.length > 0) await disk.syncDirectory(directory);
}

/** Removes the segments that the committed ones stand for. */
async function makeRoom(
  disk: Disk,
  directory: string,
  names: readonly string[],
  committed: readonly number[],
): Promise<void> {
  const first = committed[0] ?? 0;
  let end = first + 1;
  for (const baseOffset of committed) {
    const name = segmentFileName(baseOffset, "log") + SWAP_SUFFIX;
    const path = joinPath(directory, name);
    end = Math.max(end, await endOffsetOf(disk, path, baseOffset));
  }
  for (const name of names) {
    const parsed = parseSegmentFileName(name);
    if (parsed === null) continue;
    const { baseOffset, kind } = parsed;
    if (baseOffset < first || baseOffset >= end) continue;
    if (kind === "producerSnapshot") continue;
    await disk.remove(joinPath(directory, name));
  }
  await disk.syncDirectory(directory);
}

async function endOffsetOf(
  disk: Disk,
  path: string,
  baseOffset: number,
): Promise<number> {
  const file = await disk.open(path, "read");
  try {
    const scanned = await scanSegment(file, {
      startPosition: 0,
      startOffset: baseOffset,
      // Whatever is in it, it was whole and synced before it got this name.
      trustedEndOffset: Number.MAX_SAFE_INTEGER,
      nextBaseOffset: null,
      canBeTorn: false,
      verifiesCrc: false,
      visit: () => {},
      damaged: () => {},
    });
    return scanned.endOffset;
  } finally {
    await file.close();
  }
}

async function changeSuffix(
  disk: Disk,
  directory: string,
  baseOffset: number,
  suffix: { readonly from: string; readonly to: string },
): Promise<void> {
  for (const kind of swappedKinds) {
    const path = joinPath(directory, segmentFileName(baseOffset, kind));
    try {
      await disk.rename(path + suffix.from, path + suffix.to);
    } catch (error) {
      // Not every segment has all companions.
      const isMissing = error instanceof DiskError && error.code === "ENOENT";
      if (!isMissing || kind === "log") throw error;
    }
  }
}

function parseSuffixed(name: string, suffix: string): SegmentFileName | null {
  if (!name.endsWith(suffix)) return null;
  return parseSegmentFileName(name.slice(0, -suffix.length));
}
