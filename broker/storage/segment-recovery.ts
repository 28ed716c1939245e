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
import {
  crcHolds,
  lastOffsetDeltaOf,
  recordsCountOf,
} from "../record/batch.ts";
import { HEADER_SIZE } from "../record/batch-format.ts";
import { EMPTY_BYTES } from "../lib/bytes.ts";
import type { DiskFile } from "../platform/disk.ts";
import { readHeader } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";

const CHUNK_SIZE_BYTES = 1024 * 1024;
/** Of a batch that is searched for; a longer one is not found behind damage. */
const SEARCHED_SIZE_BYTES_MAX = 64 * 1024 * 1024;
/** The magic is the header's byte 16. */
const MAGIC_AT = 16;
const MAGIC = 2;

export interface ScanOptions {
  /** A batch starts there. */
  readonly startPosition: number;
  /** Offsets below this cannot follow. */
  readonly startOffset: number;
  /** Below it everything was promised to be on the disk. */
  readonly trustedEndOffset: number;
  /** Where the next segment begins; null in the last one. */
  readonly nextBaseOffset: number | null;
  /** Whether what does not hold can be what was written last. */
  readonly canBeTorn: boolean;
  /** Whether batches behind the trusted end must hold their CRC; those below never must. */
  readonly verifiesCrc: boolean;
  /** A batch that can be believed; its header lies in `bytes` at `at`, only during the call. */
  readonly visit: (batch: ScannedBatch, bytes: Uint8Array, at: number) => void;
  readonly damaged: (stretch: DamagedStretch) => void;
}

export interface DamagedStretch {
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
  /** What the header says, where the stretch is exactly one batch. */
  readonly batch: ScannedBatch | null;
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
  const { nextBaseOffset, trustedEndOffset } = options;
  const chunks = new FileChunks(file);
  let position = options.startPosition;
  let nextOffset = options.startOffset;
  let end = {
    endPosition: position,
    endOffset: nextOffset,
    last: null as ScannedBatch | null,
    torn: null as string | null,
    isEndDamaged: false,
  };
  while (position < file.sizeBytes) {
    const found = await batchAt(chunks, position, nextOffset, options);
    if (found.detail === null) {
      options.visit(found.batch, chunks.bytes, position - chunks.position);
      position += found.batch.sizeBytes;
      nextOffset = found.batch.lastOffset + 1;
      end = {
        ...end,
        endPosition: position,
        endOffset: nextOffset,
        last: found.batch,
      };
      continue;
    }
    if (options.canBeTorn && nextOffset >= trustedEndOffset) {
      return { ...end, torn: found.detail };
    }
    const resumed = await findGoodBatch(chunks, position, found.batch, {
      startOffset: nextOffset,
      endOffset: nextBaseOffset ?? Number.MAX_SAFE_INTEGER,
    });
    const next = resumed ?? file.sizeBytes;
    const isOneBatch = next === position + (found.batch?.sizeBytes ?? 0);
    options.damaged({
      position,
      sizeBytes: next - position,
      detail: found.detail,
      batch: isOneBatch ? found.batch : null,
    });
    if (resumed === null) return { ...end, isEndDamaged: true };
    position = resumed;
  }
  return end;
}

/** Whether the batch's CRC holds. Throws `DiskError`. */
export async function verifyBatch(
  file: DiskFile,
  { position, sizeBytes }: ScannedBatch,
): Promise<boolean> {
  const bytes = new Uint8Array(sizeBytes);
  const sizeRead = await file.read(bytes, position);
  return sizeRead === sizeBytes && crcHolds(bytes, 0);
}

type CheckedBatch =
  | { readonly batch: ScannedBatch; readonly detail: null }
  /** `batch`: what the header says, if it can be one that lies in the file. */
  | { readonly batch: ScannedBatch | null; readonly detail: string };

async function batchAt(
  chunks: FileChunks,
  position: number,
  nextOffset: number,
  options: ScanOptions,
): Promise<CheckedBatch> {
  if (!(await chunks.load(position, HEADER_SIZE))) {
    return { batch: null, detail: "a torn header" };
  }
  const at = position - chunks.position;
  const batch = readHeader(chunks.bytes, at, position);
  if (typeof batch === "string") return { batch: null, detail: batch };
  if (batch.baseOffset < nextOffset) {
    const detail = `offset ${batch.baseOffset}, expected ${nextOffset}`;
    return { batch: null, detail };
  }
  const endOffset = options.nextBaseOffset ?? Number.MAX_SAFE_INTEGER;
  if (batch.lastOffset >= endOffset) {
    const detail = `offset ${batch.lastOffset} belongs to the next segment`;
    return { batch: null, detail };
  }
  if (position + batch.sizeBytes > chunks.sizeBytes) {
    return { batch: null, detail: `a torn batch of ${batch.sizeBytes} bytes` };
  }
  const isChecked =
    options.verifiesCrc && batch.baseOffset >= options.trustedEndOffset;
  if (!isChecked) return { batch, detail: null };
  if (!(await chunks.load(position, batch.sizeBytes))) {
    return { batch: null, detail: `a torn batch of ${batch.sizeBytes} bytes` };
  }
  return crcHolds(chunks.bytes, position - chunks.position)
    ? { batch, detail: null }
    : { batch, detail: "a wrong crc" };
}

/**
 * The position of the next batch that holds: right behind the damaged one where
 * its length can be believed, else wherever one is found. Null: none to the end.
 */
async function findGoodBatch(
  chunks: FileChunks,
  damagedPosition: number,
  damaged: ScannedBatch | null,
  offsets: { readonly startOffset: number; readonly endOffset: number },
): Promise<number | null> {
  const isGood = async (position: number): Promise<boolean> => {
    if (!(await chunks.load(position, HEADER_SIZE))) return false;
    const at = position - chunks.position;
    const batch = readHeader(chunks.bytes, at, position);
    if (typeof batch === "string") return false;
    const count = recordsCountOf(chunks.bytes, at);
    const isPossible =
      batch.baseOffset >= offsets.startOffset &&
      batch.lastOffset < offsets.endOffset &&
      batch.sizeBytes <= SEARCHED_SIZE_BYTES_MAX &&
      // Compaction may have taken records out.
      count >= 0 &&
      count <= lastOffsetDeltaOf(chunks.bytes, at) + 1;
    if (!isPossible) return false;
    if (!(await chunks.load(position, batch.sizeBytes))) return false;
    return crcHolds(chunks.bytes, position - chunks.position);
  };
  if (damaged !== null) {
    const behind = damagedPosition + damaged.sizeBytes;
    if (behind >= chunks.sizeBytes) return null;
    if (await isGood(behind)) return behind;
  }
  let position = damagedPosition + 1;
  while (await chunks.load(position, HEADER_SIZE)) {
    const from = position - chunks.position + MAGIC_AT;
    const magicAt = chunks.bytes.indexOf(MAGIC, from);
    if (magicAt < 0) {
      // So far no header can begin; one that crosses the chunk's end may.
      position = chunks.position + chunks.bytes.length - MAGIC_AT;
      continue;
    }
    position = chunks.position + magicAt - MAGIC_AT;
    if (await isGood(position)) return position;
    position++;
  }
  return null;
}

/** The stretch of a file that is in memory. */
class FileChunks {
  readonly #file: DiskFile;
  bytes: Uint8Array = EMPTY_BYTES;
  position = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** Has the range in `bytes`, reading on if need be; false where the file ends before. */
  async load(position: number, sizeBytes: number): Promise<boolean> {
    const isLoaded =
      position >= this.position &&
      position + sizeBytes <= this.position + this.bytes.length;
    if (isLoaded) return true;
    if (position + sizeBytes > this.sizeBytes) return false;
    const wanted = Math.max(sizeBytes, CHUNK_SIZE_BYTES);
    const next = new Uint8Array(Math.min(wanted, this.sizeBytes - position));
    this.bytes = next.subarray(0, await this.#file.read(next, position));
    this.position = position;
    return sizeBytes <= this.bytes.length;
  }
}
