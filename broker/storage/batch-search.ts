/**
 * Finds where the batches of a .log file go on behind damage: at the next one
 * whose CRC holds.
 *
 * By the damaged batch's own length, as long as what lies there continues the
 * chain; that can be believed, whatever the damaged batch has in its records.
 * Else byte by byte, up to the first place that has a header that can be,
 * offsets of this segment, and a CRC that holds. A record's value may hold such
 * bytes too, but they count only where the batch around them is damaged in its
 * header, and if their offsets fit.
 *
 * A file may be made so that every byte looks like the beginning of a large
 * batch. So a search gives up once it has read the file a few times in vain:
 * then all the rest is damage.
 */
import {
  attributesOf,
  compressionOf,
  crcOf,
  lastOffsetDeltaOf,
  recordsCountOf,
} from "../record/batch.ts";
import {
  ATTRIBUTES_AT,
  compressionNameOf,
  HEADER_SIZE,
  MAGIC,
  MAGIC_AT,
  UNUSED_BITS_MASK,
} from "../record/batch-format.ts";
import { crc32c } from "../lib/crc32c.ts";
import { readHeader, wholeBatch } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import { readRange } from "./file-window.ts";
import type { FileWindow } from "./file-window.ts";
import { RELATIVE_OFFSET_MAX } from "./offset-index.ts";

/** Of the file's size, and at least so many bytes: what is read in vain at the most. */
const SPENT_FACTOR_MAX = 4;
const SPENT_SIZE_BYTES_MIN = 64 * 1024 * 1024;
const PIECE_SIZE_BYTES = 64 * 1024;
/** From here on a batch's CRC costs so much that a look at what follows it is worth it. */
const LARGE_SIZE_BYTES = 1024 * 1024;
/** So many lengths in a row are believed without a batch that holds at their end. */
const CHAIN_COUNT_MAX = 1024;

/** Offsets that batches of the segment may have. */
export interface OffsetBounds {
  readonly baseOffset: number;
  /** The next segment's base; null in the last one. */
  readonly endOffset: number | null;
}

/** Bytes that are no batch, or one that is not what was written. */
export interface DamagedStretch {
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
  /** What the header says, where the stretch is one batch and what follows confirms its offsets. */
  readonly batch: ScannedBatch | null;
}

export class BatchSearch {
  readonly #window: FileWindow;
  readonly #bounds: OffsetBounds;
  readonly #spentSizeBytesMax: number;
  #spentSizeBytes = 0;

  constructor(window: FileWindow, bounds: OffsetBounds) {
    this.#window = window;
    this.#bounds = bounds;
    this.#spentSizeBytesMax = Math.max(
      SPENT_SIZE_BYTES_MIN,
      SPENT_FACTOR_MAX * window.file.sizeBytes,
    );
  }

  /**
   * What lies from a position, where no batch holds, to the next one that does,
   * or to the file's end; at least one stretch, in order and without gaps. Where
   * lengths do not lead to it, a batch counts from `startOffset` on. Throws as
   * the file does.
   */
  async damageFrom(
    position: number,
    detail: string,
    startOffset: number,
  ): Promise<readonly DamagedStretch[]> {
    const chain = await this.#followLengths(position, detail);
    if (chain !== null) return chain;
    const end = await this.#searchBytes(position + 1, startOffset);
    return [{ position, sizeBytes: end - position, detail, batch: null }];
  }

  /** By the lengths of damaged batches, while each leads to a header with greater offsets; null if one does not. */
  async #followLengths(
    position: number,
    detail: string,
  ): Promise<readonly DamagedStretch[] | null> {
    const stretches: DamagedStretch[] = [];
    let reason = detail;
    let at = position;
    let lastOffset = -1;
    while (at < this.#window.file.sizeBytes) {
      const batch = await wholeBatchAt(this.#window, at);
      if (typeof batch === "string") return null;
      if (batch.baseOffset <= lastOffset) return null;
      if (at > position) {
        const fault = await this.#crcFault(batch);
        if (fault === null) return stretches;
        reason = fault;
      }
      const { sizeBytes } = batch;
      stretches.push({ position: at, sizeBytes, detail: reason, batch });
      if (stretches.length === CHAIN_COUNT_MAX) {
        return stretches.map((one) => ({ ...one, batch: null }));
      }
      lastOffset = batch.lastOffset;
      at += sizeBytes;
    }
    return stretches;
  }

  /** Where the next batch that holds begins, or the file's end. */
  async #searchBytes(from: number, startOffset: number): Promise<number> {
    const { sizeBytes } = this.#window.file;
    let position = from;
    while (position + HEADER_SIZE <= sizeBytes) {
      const piece = await this.#window.read(position, PIECE_SIZE_BYTES);
      if (piece.length < HEADER_SIZE) return sizeBytes;
      const at = this.#nextCandidate(piece, position, startOffset);
      if (at === null) {
        // The last bytes may be the beginning of a header.
        position += piece.length - HEADER_SIZE + 1;
        continue;
      }
      position += at;
      if (this.#spentSizeBytes > this.#spentSizeBytesMax) return sizeBytes;
      if (await this.#isSound(position)) return position;
      position += 1;
    }
    return sizeBytes;
  }

  /** The first place in the bytes where a header lies that may be one of this segment. */
  #nextCandidate(
    bytes: Uint8Array,
    position: number,
    startOffset: number,
  ): number | null {
    const { baseOffset, endOffset } = this.#bounds;
    const lastOffsetMax = Math.min(
      (endOffset ?? Infinity) - 1,
      baseOffset + RELATIVE_OFFSET_MAX,
    );
    for (let at = 0; ; at++) {
      // The one byte that is the same in all headers.
      at = bytes.indexOf(MAGIC, at + MAGIC_AT) - MAGIC_AT;
      if (at < 0 || at + HEADER_SIZE > bytes.length) return null;
      const batch = readHeader(bytes, at, position + at);
      if (typeof batch === "string") continue;
      const isInSegment =
        batch.baseOffset >= startOffset && batch.lastOffset <= lastOffsetMax;
      if (isInSegment && hasPlausibleRest(bytes, at)) return at;
    }
  }

  async #isSound(position: number): Promise<boolean> {
    const batch = await wholeBatchAt(this.#window, position);
    if (typeof batch === "string") return false;
    // The second half is left to those that are likely.
    const isOpenToAll = this.#spentSizeBytes <= this.#spentSizeBytesMax / 2;
    if (!isOpenToAll && !(await this.#isFollowed(batch))) return false;
    return (await this.#crcFault(batch)) === null;
  }

  /** Of a large batch: what it says lies behind it can be. */
  async #isFollowed(batch: ScannedBatch): Promise<boolean> {
    if (batch.sizeBytes < LARGE_SIZE_BYTES) return true;
    const { file } = this.#window;
    const end = batch.position + batch.sizeBytes;
    if (end === file.sizeBytes) return true;
    const next = readHeader(await readRange(file, end, HEADER_SIZE), 0, end);
    return typeof next !== "string" && next.baseOffset > batch.lastOffset;
  }

  #crcFault(batch: ScannedBatch): Promise<string | null> {
    this.#spentSizeBytes += batch.sizeBytes;
    return findCrcFault(this.#window, batch);
  }
}

/** The batch whose header lies there and that the file holds whole, or what is wrong with it. */
export async function wholeBatchAt(
  window: FileWindow,
  position: number,
): Promise<ScannedBatch | string> {
  const header = await window.read(position, HEADER_SIZE);
  return wholeBatch(readHeader(header, 0, position), window.file.sizeBytes);
}

/** What is wrong with the CRC of a batch that lies in the file as a whole; null: it holds. */
export async function findCrcFault(
  window: FileWindow,
  { position, sizeBytes }: ScannedBatch,
): Promise<string | null> {
  const known = window.peek(position, sizeBytes);
  const header = known ?? (await window.read(position, HEADER_SIZE));
  let crc = 0;
  if (known !== null) crc = crc32c(known.subarray(ATTRIBUTES_AT));
  else {
    const start = position + ATTRIBUTES_AT;
    const covered = window.pieces(start, sizeBytes - ATTRIBUTES_AT);
    for await (const piece of covered) crc = crc32c(piece, crc);
  }
  const expected = crcOf(header, 0);
  if (crc === expected) return null;
  return `a wrong crc: ${hex(expected)}, the bytes give ${hex(crc)}`;
}

/** What else of a header cannot be any value. */
function hasPlausibleRest(bytes: Uint8Array, at: number): boolean {
  const recordCount = recordsCountOf(bytes, at);
  return (
    (attributesOf(bytes, at) & UNUSED_BITS_MASK) === 0 &&
    compressionNameOf(compressionOf(bytes, at)) !== null &&
    // Compaction may have taken records out.
    recordCount >= 0 &&
    recordCount <= lastOffsetDeltaOf(bytes, at) + 1
  );
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
