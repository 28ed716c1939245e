/** What lies in a partition's directory: its segments, and what no opening has a use for. */
import {
  CLEANED_SUFFIX,
  DELETED_FILE_SUFFIX,
  LEADER_EPOCH_FILE,
  SWAP_SUFFIX,
  TEMPORARY_SUFFIX,
  parseSegmentFileName,
  type SegmentFileKind,
} from "../storage/layout.ts";
import { parseSnapshotFileName } from "../machine/snapshot-file.ts";
import type { DiskEntry } from "../platform/disk.ts";

export interface ListedSegment {
  readonly baseOffset: number;
  /** The companions that there are. */
  readonly kinds: ReadonlySet<SegmentFileKind>;
}

export interface PartitionListing {
  /** By base offset; each has a .log file. */
  readonly segments: readonly ListedSegment[];
  /** Of producer snapshots, in order. */
  readonly snapshotOffsets: readonly number[];
  /** Of machine snapshots, by end offset. */
  readonly machineSnapshots: readonly {
    readonly name: string;
    readonly endOffset: number;
  }[];
  readonly hasEpochs: boolean;
  readonly leftovers: readonly Leftover[];
  /** Compacted segments that were not put in place. */
  readonly swaps: readonly string[];
}

export interface Leftover {
  readonly name: string;
  readonly detail: string;
}

/** By the ends of their names; of what a crash, or a deletion under way, leaves. */
const leftoverSuffixes: readonly (readonly [string, string])[] = [
  [TEMPORARY_SUFFIX, "a file that was being replaced"],
  [".part", "a snapshot that was being written"],
  [DELETED_FILE_SUFFIX, "a segment that was given up"],
  [CLEANED_SUFFIX, "a compaction that did not end"],
];

export function listPartition(entries: readonly DiskEntry[]): PartitionListing {
  const names = entries.flatMap((one) => (one.isDirectory ? [] : [one.name]));
  const kinds = new Map<number, Set<SegmentFileKind>>();
  const machineSnapshots: { name: string; endOffset: number }[] = [];
  const leftovers: Leftover[] = [];
  for (const name of names) {
    const file = parseSegmentFileName(name);
    if (file !== null) {
      const known = kinds.get(file.baseOffset) ?? new Set();
      kinds.set(file.baseOffset, known.add(file.kind));
      continue;
    }
    const endOffset = parseSnapshotFileName(name);
    if (endOffset !== null) machineSnapshots.push({ name, endOffset });
    const suffix = leftoverSuffixes.find(([one]) => name.endsWith(one));
    if (suffix !== undefined) leftovers.push({ name, detail: suffix[1] });
  }
  const offsets = [...kinds.keys()].sort((a, b) => a - b);
  const segments = offsets.flatMap((baseOffset) => {
    const found = kinds.get(baseOffset) ?? new Set();
    return found.has("log") ? [{ baseOffset, kinds: found }] : [];
  });
  const snapshotOffsets = offsets.filter((offset) =>
    kinds.get(offset)?.has("producerSnapshot"),
  );
  for (const name of names) {
    const file = parseSegmentFileName(name);
    if (file === null || kinds.get(file.baseOffset)?.has("log")) continue;
    // Snapshots may stand for offsets between segments: at the log's end, or of a segment that compaction merged.
    if (file.kind === "producerSnapshot") continue;
    leftovers.push({ name, detail: "it belongs to a log that is not there" });
  }
  return {
    segments,
    snapshotOffsets,
    machineSnapshots: machineSnapshots.sort(
      (a, b) => a.endOffset - b.endOffset,
    ),
    hasEpochs: names.includes(LEADER_EPOCH_FILE),
    leftovers,
    swaps: names.filter((name) => name.endsWith(SWAP_SUFFIX)),
  };
}
