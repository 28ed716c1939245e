/**
 * Reads one segment from its beginning, batch by batch, when its indexes cannot
 * be trusted: after a crash, or when they are missing.
 *
 * What a batch must satisfy to be believed: a header that can be, all its bytes
 * in the file, its CRC, and offsets behind those of the batch before it.
 */
import { crcHolds } from "../record/batch.ts";
import { HEADER_SIZE } from "../record/batch-format.ts";
import type { DiskFile } from "../platform/disk.ts";
import { readHeader } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";

const CHUNK_SIZE_BYTES = 1024 * 1024;

export interface ScanOptions {
  /** Offsets below this cannot follow; at first the segment's base offset. */
  readonly startOffset: number;
  readonly verifiesCrc: boolean;
  /** A batch that can be believed; its bytes lie in `bytes` at `at`, only during the call. */
  readonly visit: (batch: ScannedBatch, bytes: Uint8Array, at: number) => void;
  /** A whole batch whose CRC does not hold: true goes on behind it, false ends there. */
  readonly skipsDamage: (batch: ScannedBatch) => boolean;
}

export interface ScanResult {
  /** Where the last believable batch ends. */
  readonly endPosition: number;
  /** Behind the last offset. */
  readonly endOffset: number;
  /** What ended the scan before the file's end, or null. */
  readonly detail: string | null;
}

/** Throws `DiskError`. */
export async function scanSegment(
  file: DiskFile,
  options: ScanOptions,
): Promise<ScanResult> {
  const { sizeBytes } = file;
  let chunk = new Uint8Array(0);
  let chunkPosition = 0;
  let position = 0;
  let nextOffset = options.startOffset;
  let end = { endPosition: 0, endOffset: nextOffset };
  /** Has the bytes of a range in the chunk, reading on if need be. */
  const load = async (count: number): Promise<boolean> => {
    if (position + count <= chunkPosition + chunk.length) return true;
    if (position + count > sizeBytes) return false;
    const wanted = Math.max(count, CHUNK_SIZE_BYTES);
    const next = new Uint8Array(Math.min(wanted, sizeBytes - position));
    chunk = next.subarray(0, await file.read(next, position));
    chunkPosition = position;
    return count <= chunk.length;
  };
  while (position < sizeBytes) {
    if (!(await load(HEADER_SIZE))) return { ...end, detail: "a torn header" };
    const batch = readHeader(chunk, position - chunkPosition, position);
    if (typeof batch === "string") return { ...end, detail: batch };
    if (batch.baseOffset < nextOffset) {
      const detail = `offset ${batch.baseOffset}, expected ${nextOffset}`;
      return { ...end, detail };
    }
    if (!(await load(batch.sizeBytes))) {
      return { ...end, detail: `a torn batch of ${batch.sizeBytes} bytes` };
    }
    const at = position - chunkPosition;
    position += batch.sizeBytes;
    if (options.verifiesCrc && !crcHolds(chunk, at)) {
      if (!options.skipsDamage(batch)) {
        return { ...end, detail: "a wrong crc" };
      }
    } else options.visit(batch, chunk, at);
    nextOffset = batch.lastOffset + 1;
    end = { endPosition: position, endOffset: nextOffset };
  }
  return { ...end, detail: null };
}
