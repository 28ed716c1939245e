/**
 * Walks over the batches of a .log file by their headers, reading no more of
 * the file than it must.
 *
 * What is in a file may be anything: a length that cannot be, or a magic that is
 * not ours, ends the walk with a reason.
 */
import {
  baseOffsetOf,
  batchSizeBytesOf,
  lastOffsetOf,
  magicOf,
  maxTimestampOf,
} from "../record/batch.ts";
import { HEADER_SIZE, MAGIC } from "../record/batch-format.ts";
import { EMPTY_BYTES } from "../lib/bytes.ts";
import type { LogFile } from "./log-file.ts";

/** Between two index entries lie 4 KB of small batches, or one large batch. */
const CHUNK_SIZE_BYTES = 8 * 1024;

export interface ScannedBatch {
  readonly position: number;
  readonly sizeBytes: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
}

export interface BadBatch {
  readonly error: "corrupt-batch";
  readonly position: number;
  readonly detail: string;
}

export type FoundBatch =
  | { readonly error: null; readonly batch: ScannedBatch }
  /** No batch up to the end is accepted. */
  | { readonly error: "none" }
  | BadBatch;

/** The first batch from a position on, where one must start, that `accepts` takes. Throws `DiskError`. */
export async function findBatch(
  log: LogFile,
  range: { readonly position: number; readonly endPosition: number },
  accepts: (batch: ScannedBatch) => boolean,
): Promise<FoundBatch> {
  let chunk: Uint8Array = EMPTY_BYTES;
  let chunkPosition = 0;
  let { position } = range;
  while (position < range.endPosition) {
    if (position + HEADER_SIZE > chunkPosition + chunk.length) {
      chunk = await readChunk(log, position, range.endPosition);
      chunkPosition = position;
    }
    const at = position - chunkPosition;
    const batch = readHeader(chunk, at, position);
    if (typeof batch === "string") return bad(log, position, batch);
    if (position + batch.sizeBytes > range.endPosition) {
      return bad(log, position, `${batch.sizeBytes} bytes do not fit the file`);
    }
    if (accepts(batch)) return { error: null, batch };
    position += batch.sizeBytes;
  }
  return { error: "none" };
}

/** The batch whose header lies at `at`, or what is wrong with it. */
export function readHeader(
  bytes: Uint8Array,
  at: number,
  position: number,
): ScannedBatch | string {
  if (at + HEADER_SIZE > bytes.length) return "too few bytes for a header";
  const magic = magicOf(bytes, at);
  if (magic !== MAGIC) return `magic ${magic}`;
  const sizeBytes = batchSizeBytesOf(bytes, at);
  if (sizeBytes < HEADER_SIZE) return `size ${sizeBytes}`;
  const baseOffset = baseOffsetOf(bytes, at);
  const lastOffset = lastOffsetOf(bytes, at);
  if (baseOffset < 0 || lastOffset < baseOffset) {
    return `offsets ${baseOffset} to ${lastOffset}`;
  }
  return {
    position,
    sizeBytes,
    baseOffset,
    lastOffset,
    maxTimestampMs: maxTimestampOf(bytes, at),
  };
}

/** One that lies as a whole before the end, or what is wrong with it. */
export function wholeBatch(
  batch: ScannedBatch | string,
  endPosition: number,
): ScannedBatch | string {
  if (typeof batch === "string") return batch;
  const left = endPosition - batch.position;
  if (batch.sizeBytes <= left) return batch;
  return `a batch of ${batch.sizeBytes} bytes, of which ${left} are there`;
}

async function readChunk(
  log: LogFile,
  position: number,
  endPosition: number,
): Promise<Uint8Array> {
  const chunk = new Uint8Array(
    Math.min(CHUNK_SIZE_BYTES, endPosition - position),
  );
  return chunk.subarray(0, await log.read(chunk, position));
}

function bad(log: LogFile, position: number, detail: string): BadBatch {
  return {
    error: "corrupt-batch",
    position,
    detail: `corrupt batch at ${log.path}:${position}: ${detail}`,
  };
}
