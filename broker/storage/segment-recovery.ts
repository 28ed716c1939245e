/**
 * Reads one segment batch by batch, after a stop that was not clean or where
 * its indexes are missing.
 *
 * What a batch must satisfy to be believed: a header that can be, all its bytes
 * in the file, offsets behind those of the batch before it and below the next
 * segment's, and its CRC where that is asked for. What does not hold is one of
 * two things:
 *
 * - A torn tail, where one can be, and behind everything that was promised to be
 *   on the disk. The scan ends there.
 * - Damage, anywhere else. The scan looks for the next batch that holds, CRC
 *   and all, and goes on there.
 */
import { HEADER_SIZE } from "../record/batch-format.ts";
import type { DiskFile } from "../platform/disk.ts";
import { readHeader } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import { BatchSearch, findCrcFault } from "./batch-search.ts";
import { FileWindow } from "./file-window.ts";
import { RELATIVE_OFFSET_MAX } from "./offset-index.ts";

export interface ScanOptions {
  /** A batch starts there. */
  readonly startPosition: number;
  /** The segment's first: those below, or too far above, are none of its. */
  readonly startOffset: number;
  /** Below it everything was promised to be on the disk. */
  readonly trustedEndOffset: number;
  /** Where the next segment begins; null in the last one. */
  readonly nextBaseOffset: number | null;
  /** Whether what does not hold can be what was written last. */
  readonly canBeTorn: boolean;
  /** Whether batches behind the trusted end must hold their CRC; those below never must. */
  readonly verifiesCrc: boolean;
  /** A batch that can be believed; it begins with its header. */
  readonly visit: (batch: ScannedBatch, header: Uint8Array) => void;
  readonly damaged: (damage: SegmentDamage) => void;
}

/** All that lies between two batches that can be believed. */
export interface SegmentDamage {
  readonly position: number;
  readonly sizeBytes: number;
  /** What is wrong where it begins. */
  readonly detail: string;
  /** What the headers say of the batches in it, as far as that can be. */
  readonly batches: readonly ScannedBatch[];
}

export interface ScanResult {
  /** Where the last believable batch ends. */
  readonly endPosition: number;
  /** Behind the last offset. */
  readonly endOffset: number;
  /** The last believable batch; null where there is none. */
  readonly last: ScannedBatch | null;
  /** A torn tail lies behind `endPosition`, and why; or null. */
  readonly torn: string | null;
  /** Damage lies behind `endPosition`, up to the file's end. */
  readonly isEndDamaged: boolean;
}

/** Throws `DiskError`. */
export async function scanSegment(
  file: DiskFile,
  options: ScanOptions,
): Promise<ScanResult> {
  const { startOffset, nextBaseOffset, trustedEndOffset } = options;
  const window = new FileWindow(file);
  const search = new BatchSearch(window, {
    baseOffset: startOffset,
    endOffset: nextBaseOffset,
  });
  let position = options.startPosition;
  let nextOffset = startOffset;
  let end = {
    endPosition: position,
    endOffset: nextOffset,
    last: null as ScannedBatch | null,
    torn: null as string | null,
    isEndDamaged: false,
  };
  while (position < file.sizeBytes) {
    const found = await batchAt(window, position, nextOffset, options);
    if (typeof found !== "string") {
      const { batch, header } = found;
      options.visit(batch, header);
      position += batch.sizeBytes;
      nextOffset = batch.lastOffset + 1;
      end = {
        ...end,
        endPosition: position,
        endOffset: nextOffset,
        last: batch,
      };
      continue;
    }
    if (options.canBeTorn && nextOffset >= trustedEndOffset) {
      return { ...end, torn: found };
    }
    const damage = await search.damageFrom(position, found, nextOffset);
    const sizeBytes = damage.reduce((sum, one) => sum + one.sizeBytes, 0);
    const batches = damage.flatMap(({ batch }) =>
      batch !== null && whyNotHere(batch, nextOffset, options) === null
        ? [batch]
        : [],
    );
    options.damaged({ position, sizeBytes, detail: found, batches });
    position += sizeBytes;
    if (position >= file.sizeBytes) return { ...end, isEndDamaged: true };
  }
  return end;
}

/** Whether the batch's CRC holds. Throws `DiskError`. */
export async function verifyBatch(
  file: DiskFile,
  batch: ScannedBatch,
): Promise<boolean> {
  return (await findCrcFault(new FileWindow(file), batch)) === null;
}

interface BelievedBatch {
  readonly batch: ScannedBatch;
  readonly header: Uint8Array;
}

/** The batch there, or why it cannot be believed. */
async function batchAt(
  window: FileWindow,
  position: number,
  nextOffset: number,
  options: ScanOptions,
): Promise<BelievedBatch | string> {
  const header =
    window.peek(position, HEADER_SIZE) ??
    (await window.read(position, HEADER_SIZE));
  if (header.length < HEADER_SIZE) return "a torn header";
  const batch = readHeader(header, 0, position);
  if (typeof batch === "string") return batch;
  const misplaced = whyNotHere(batch, nextOffset, options);
  if (misplaced !== null) return misplaced;
  if (position + batch.sizeBytes > window.file.sizeBytes) {
    return `a torn batch of ${batch.sizeBytes} bytes`;
  }
  const isChecked =
    options.verifiesCrc && batch.baseOffset >= options.trustedEndOffset;
  if (isChecked && (await findCrcFault(window, batch)) !== null) {
    return "a wrong crc";
  }
  return { batch, header };
}

/** Why a batch with these offsets cannot follow here, or null. */
function whyNotHere(
  { baseOffset, lastOffset }: ScannedBatch,
  nextOffset: number,
  { startOffset, nextBaseOffset }: ScanOptions,
): string | null {
  if (baseOffset < nextOffset) {
    return `offset ${baseOffset}, expected ${nextOffset}`;
  }
  if (nextBaseOffset !== null && lastOffset >= nextBaseOffset) {
    return `offset ${lastOffset} belongs to the next segment`;
  }
  return lastOffset - startOffset > RELATIVE_OFFSET_MAX
    ? `offset ${lastOffset} is too far for its segment`
    : null;
}
