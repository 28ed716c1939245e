/**
 * Tells the batches of a .log file whose CRC holds from what lies between them,
 * whatever happened to the file: where the opener stops at the first byte that
 * it cannot use, this goes on to the next batch that can be believed.
 *
 * How the next one is found: by the damaged batch's own length, as long as what
 * lies there continues the chain; else byte by byte, up to the first place that
 * has a header that can be, offsets of this segment, and a CRC that holds. A
 * record's value may hold such bytes too, but they count only where the batch
 * around them is damaged in its header, and if their offsets fit.
 */
import {
  attributesOf,
  compressionOf,
  crcOf,
  lastOffsetDeltaOf,
  partitionLeaderEpochOf,
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
import { readHeader, type ScannedBatch } from "../storage/batch-scan.ts";
import { RELATIVE_OFFSET_MAX } from "../storage/offset-index.ts";
import { FileWindow } from "./file-window.ts";
import { type InspectedFile, readRange } from "./inspected-file.ts";

/** Handed on at a time: less than that and waiting costs more than the work. */
const PIECES_PER_YIELD = 256;
/** A search gives up when it has read this many times the file's size in vain. */
const SEARCH_FACTOR = 4;
const SEARCH_SIZE_BYTES_MIN = 64 * 1024 * 1024;
const SEARCH_PIECE_SIZE_BYTES = 64 * 1024;
const LARGE_SIZE_BYTES = 1024 * 1024;

export interface SoundBatch extends ScannedBatch {
  readonly kind: "batch";
  readonly leaderEpoch: number;
  readonly recordCount: number;
  /** A copy of the header, as it lies in the file. */
  readonly header: Uint8Array;
}

/** Bytes that are no batch, or one that is not what was written. */
export interface Hole {
  readonly kind: "hole";
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
}

/** Offsets that batches of the segment may have. */
export interface OffsetBounds {
  readonly baseOffset: number;
  /** The next segment's base; null in the last one. */
  readonly endOffset: number | null;
}

/** All of the file, in order and without gaps, a few pieces at a time. */
export async function* findSoundBatches(
  file: InspectedFile,
  bounds: OffsetBounds,
): AsyncGenerator<readonly (SoundBatch | Hole)[]> {
  const search = new BatchSearch(file, bounds);
  let pieces: (SoundBatch | Hole)[] = [];
  let position = 0;
  while (position < file.sizeBytes) {
    const batch = await search.batchAt(position);
    if (typeof batch !== "string") {
      pieces.push(batch);
      position += batch.sizeBytes;
    } else {
      const holes = await search.holesFrom(position, batch);
      pieces.push(...holes);
      position = endOf(holes) ?? file.sizeBytes;
    }
    if (pieces.length >= PIECES_PER_YIELD) {
      yield pieces;
      pieces = [];
    }
  }
  if (pieces.length > 0) yield pieces;
}

function endOf(holes: readonly Hole[]): number | null {
  const last = holes.at(-1);
  return last === undefined ? null : last.position + last.sizeBytes;
}

class BatchSearch {
  readonly #window: FileWindow;
  readonly #bounds: OffsetBounds;
  #readSizeBytes = 0;

  constructor(file: InspectedFile, bounds: OffsetBounds) {
    this.#window = new FileWindow(file);
    this.#bounds = bounds;
  }

  /** The batch there, or why there is none that can be believed. */
  async batchAt(position: number): Promise<SoundBatch | string> {
    const scanned = await this.#headerAt(position);
    if (typeof scanned === "string") return scanned;
    const header = (await this.#window.read(position, HEADER_SIZE)).slice();
    const crc = await this.#crcOf(scanned);
    if (crc !== crcOf(header, 0)) {
      return `its CRC is ${hex(crcOf(header, 0))}, the bytes give ${hex(crc)}`;
    }
    return {
      kind: "batch",
      ...scanned,
      leaderEpoch: partitionLeaderEpochOf(header, 0),
      recordCount: recordsCountOf(header, 0),
      header,
    };
  }

  /** What lies from there to the next sound batch or the file's end; at least one hole. */
  async holesFrom(position: number, detail: string): Promise<readonly Hole[]> {
    const chain = await this.#followLengths(position, detail);
    if (chain !== null) return chain;
    const end = await this.#searchBytes(position + 1);
    return [{ kind: "hole", position, sizeBytes: end - position, detail }];
  }

  /** By the lengths of damaged batches, while each leads to a header with greater offsets; null if one does not. */
  async #followLengths(
    position: number,
    detail: string,
  ): Promise<readonly Hole[] | null> {
    const holes: Hole[] = [];
    let reason = detail;
    let at = position;
    let lastOffset = -1;
    while (at < this.#window.file.sizeBytes) {
      const scanned = await this.#headerAt(at);
      if (typeof scanned === "string") return null;
      if (scanned.baseOffset <= lastOffset) return null;
      if (at > position) {
        const next = await this.batchAt(at);
        if (typeof next !== "string") return holes;
        reason = next;
      }
      holes.push({
        kind: "hole",
        position: at,
        sizeBytes: scanned.sizeBytes,
        detail: reason,
      });
      lastOffset = scanned.lastOffset;
      at += scanned.sizeBytes;
    }
    return holes;
  }

  /** Where the next sound batch begins, or the file's end. */
  async #searchBytes(from: number): Promise<number> {
    const { sizeBytes } = this.#window.file;
    const budget = Math.max(SEARCH_SIZE_BYTES_MIN, SEARCH_FACTOR * sizeBytes);
    let position = from;
    while (position + HEADER_SIZE <= sizeBytes) {
      const piece = await this.#window.read(position, SEARCH_PIECE_SIZE_BYTES);
      if (piece.length < HEADER_SIZE) return sizeBytes;
      const at = this.#nextCandidate(piece, position);
      if (at === null) {
        // The last bytes may be the beginning of a header.
        position += piece.length - HEADER_SIZE + 1;
        continue;
      }
      position += at;
      if (this.#readSizeBytes > budget) return sizeBytes;
      const isWorthIt = await this.#isFollowed(position);
      const isSound =
        isWorthIt && typeof (await this.batchAt(position)) !== "string";
      if (isSound) return position;
      position += 1;
    }
    return sizeBytes;
  }

  /** The first place in the bytes where a header lies that may be one of this segment. */
  #nextCandidate(bytes: Uint8Array, position: number): number | null {
    const { baseOffset, endOffset } = this.#bounds;
    for (let at = 0; ; at++) {
      // The one byte that is the same in all headers.
      at = bytes.indexOf(MAGIC, at + MAGIC_AT) - MAGIC_AT;
      if (at < 0 || at + HEADER_SIZE > bytes.length) return null;
      const batch = readHeader(bytes, at, position + at);
      if (typeof batch === "string" || batch.baseOffset < baseOffset) continue;
      const lastOffsetMax = (endOffset ?? Infinity) - 1;
      const isInSegment =
        batch.lastOffset <= lastOffsetMax &&
        batch.lastOffset - baseOffset <= RELATIVE_OFFSET_MAX;
      if (isInSegment && hasPlausibleRest(bytes, at)) return at;
    }
  }

  /** Of a large batch, whose CRC costs something: what it says lies behind it can be. */
  async #isFollowed(position: number): Promise<boolean> {
    const batch = await this.#headerAt(position);
    if (typeof batch === "string") return false;
    if (batch.sizeBytes < LARGE_SIZE_BYTES) return true;
    const { file } = this.#window;
    const end = position + batch.sizeBytes;
    if (end === file.sizeBytes) return true;
    const bytes = await readRange(file, end, HEADER_SIZE);
    const next = readHeader(bytes, 0, end);
    return typeof next !== "string" && next.baseOffset > batch.lastOffset;
  }

  /** A header that can be: its batch fits the file and its offsets the segment. */
  async #headerAt(position: number): Promise<ScannedBatch | string> {
    const { file } = this.#window;
    const bytes = await this.#window.read(position, HEADER_SIZE);
    const batch = readHeader(bytes, 0, position);
    if (typeof batch === "string") return batch;
    const left = file.sizeBytes - position;
    if (batch.sizeBytes > left) {
      return `a batch of ${batch.sizeBytes} bytes, of which ${left} are there`;
    }
    return batch;
  }

  async #crcOf(batch: ScannedBatch): Promise<number> {
    this.#readSizeBytes += batch.sizeBytes;
    const start = batch.position + ATTRIBUTES_AT;
    const sizeBytes = batch.sizeBytes - ATTRIBUTES_AT;
    const known = this.#window.peek(start, sizeBytes);
    if (known !== null) return crc32c(known);
    let crc = 0;
    for await (const piece of this.#window.pieces(start, sizeBytes)) {
      crc = crc32c(piece, crc);
    }
    return crc;
  }
}

/** What else of a header cannot be any value. */
function hasPlausibleRest(bytes: Uint8Array, at: number): boolean {
  const recordCount = recordsCountOf(bytes, at);
  return (
    (attributesOf(bytes, at) & UNUSED_BITS_MASK) === 0 &&
    compressionNameOf(compressionOf(bytes, at)) !== null &&
    recordCount >= 0 &&
    recordCount <= lastOffsetDeltaOf(bytes, at) + 1
  );
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
