/**
 * Where in a segment the batch with an offset lies: the index leads to a place
 * before it, and headers from there to it.
 *
 * Nothing is believed before it was checked (read-check.ts), neither headers nor
 * the index:
 *
 * - Damage is passed over. When what lies behind it begins above the offset,
 *   the offset was in it.
 * - An entry that does not lead to the batch it names is wrong: then the
 *   segment's headers are walked from the start.
 */
import { findBatch } from "./batch-scan.ts";
import type { BadBatch, FoundBatch, ScannedBatch } from "./batch-scan.ts";
import type { LogFile } from "./log-file.ts";
import type { IndexedPosition } from "./offset-index.ts";
import type { Damage } from "./read-check.ts";
import type { Finding } from "./recovery-report.ts";
import type { Segment } from "./segment.ts";

export type LocatedBatch =
  | {
      readonly error: null;
      readonly batch: ScannedBatch;
      /** Exclusive: from the batch on everything is good up to here. */
      readonly goodEndPosition: number;
    }
  /** Behind the offset there is nothing in the segment. */
  | { readonly error: "none" }
  | BadBatch;

interface SegmentEnd {
  /** In the file; exclusive. */
  readonly position: number;
  /** Where the next segment begins. */
  readonly offset: number;
}

/** Throws `DiskError`, `StorageError`. */
export async function locateBatch(
  segment: Segment,
  offset: number,
  end: SegmentEnd,
  onDamage: (finding: Finding) => void,
): Promise<LocatedBatch> {
  const { log, check, offsetIndex } = segment;
  let entry = await offsetIndex.lookup(offset);
  if (entry.position >= end.position) entry = segmentStart(segment);
  let { position } = entry;
  let passed: Damage | null = null;
  while (position < end.position) {
    const stretch =
      check.stretchAt(position) ??
      (await check.check(position, end.offset, onDamage));
    const { damage } = stretch;
    if (damage !== null && damage.position <= position) {
      passed = damage;
      position = damage.endPosition;
      continue;
    }
    const goodEndPosition = Math.min(
      end.position,
      stretch.endPosition,
      damage?.position ?? Infinity,
    );
    const range = { position, endPosition: goodEndPosition };
    const found = await findBehindEntry(log, range, entry, offset);
    if (found === null) {
      entry = segmentStart(segment);
      position = 0;
      passed = null;
      continue;
    }
    if (found.error === "corrupt-batch") return found;
    if (found.error === null) {
      if (passed !== null && found.batch.baseOffset > offset) {
        return corrupt(log.path, passed);
      }
      return { ...found, goodEndPosition };
    }
    position = goodEndPosition;
  }
  return passed === null ? { error: "none" } : corrupt(log.path, passed);
}

/** As `findBatch`; null where the range begins at an entry's position, and not with its batch. */
async function findBehindEntry(
  log: LogFile,
  range: { readonly position: number; readonly endPosition: number },
  entry: IndexedPosition,
  offset: number,
): Promise<FoundBatch | null> {
  const isEntry = entry.position > 0 && range.position === entry.position;
  let isWrong = false;
  const found = await findBatch(log, range, (batch) => {
    isWrong =
      isEntry &&
      batch.position === entry.position &&
      batch.lastOffset !== entry.offset;
    return isWrong || batch.lastOffset >= offset;
  });
  if (found.error === "corrupt-batch" && isEntry) isWrong = true;
  return isWrong ? null : found;
}

function segmentStart({ baseOffset }: Segment): IndexedPosition {
  return { offset: baseOffset, position: 0 };
}

function corrupt(path: string, { position, detail }: Damage): BadBatch {
  return {
    error: "corrupt-batch",
    position,
    detail: `corrupt batch at ${path}:${position}: ${detail}`,
  };
}
