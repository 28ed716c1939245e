/**
 * Answers reads of one partition with bytes as they lie on the disk.
 *
 * 1. The newest batches come from memory, at once.
 * 2. Else: offset -> segment -> index -> position, then batch headers from there
 *    to the batch that holds the offset.
 * 3. The answer begins with that whole batch, and goes on to the limit, which
 *    may cut a later batch: walking every header of a MB of tiny batches would
 *    cost more than sending them. It ends with the segment.
 *
 * What lay in the file when it was opened is checked before it is read for the
 * first time (read-check.ts); an answer ends where damage begins, and where
 * nobody has looked yet. No record is looked at, and nothing behind the end that
 * was asked for leaves.
 */
import { giveBackMemory } from "../lib/bytes.ts";
import { payloadOf } from "../lib/payload.ts";
import type { Payload } from "../lib/payload.ts";
import { DiskError } from "../platform/disk.ts";
import type { DiskFile } from "../platform/disk.ts";
import { locateBatch } from "./batch-location.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import type { LogFile } from "./log-file.ts";
import type { LogEnd, LogWriter } from "./log-writer.ts";
import type { Finding } from "./recovery-report.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { StorageError, readFault } from "./storage-error.ts";
import { tailPayload } from "./tail-cache.ts";
import type { TailBatch } from "./tail-cache.ts";

export interface ReadRequest {
  readonly offset: number;
  readonly sizeBytesMax: number;
  /** Answers the first batch even if it is larger than the limit; else nothing, then. */
  readonly minOneBatch: boolean;
  /** Where to stop: at the high watermark, the last stable offset, or the written end. */
  readonly limit: "high-watermark" | "stable" | "end";
  /** How bytes leave a file: a mapped window, a read stream, or a read into memory. */
  readonly transfer: "mapped" | "stream" | "plain";
}

/** The log's offsets at the moment of the read. */
export interface LogMarks {
  readonly startOffset: number;
  readonly highWatermark: number;
  readonly stableOffset: number;
}

export type ReadResult =
  | ({
      readonly error: null;
      /** The reader releases it. */
      readonly payload: Payload;
    } & LogMarks)
  | ({ readonly error: "offset-out-of-range" } & LogMarks)
  | { readonly error: "corrupt-batch"; readonly detail: string }
  | { readonly error: "storage-offline" };

/** A stretch of one segment's file, on a batch's border at its start. */
interface Range {
  readonly log: LogFile;
  readonly position: number;
  readonly sizeBytes: number;
}

export class LogReader {
  readonly #segments: SegmentList;
  readonly #writer: LogWriter;
  readonly #onDamage: (finding: Finding) => void;

  constructor(
    segments: SegmentList,
    writer: LogWriter,
    onDamage: (finding: Finding) => void,
  ) {
    this.#segments = segments;
    this.#writer = writer;
    this.#onDamage = onDamage;
  }

  /** The offset lies in the log. A promise only where a file is asked. Rejects with a `StorageError`. */
  read(
    request: ReadRequest,
    end: LogEnd,
    marks: () => LogMarks,
  ): ReadResult | Promise<ReadResult> {
    if (request.offset >= end.offset || request.sizeBytesMax < 0) {
      return { error: null, payload: payloadOf([]), ...marks() };
    }
    const { offset, sizeBytesMax } = request;
    const batches = this.#writer.tail.read(offset, sizeBytesMax);
    if (batches !== null) {
      const payload = tailPayload(batches, sizeOf(batches, request, end));
      return { error: null, payload, ...marks() };
    }
    return this.#segments.gate.read(() => this.#readFile(request, end, marks));
  }

  async #readFile(
    request: ReadRequest,
    logEnd: LogEnd,
    marksNow: () => LogMarks,
  ): Promise<ReadResult> {
    // Of the same moment as the end.
    const marks = marksNow();
    let path = "";
    try {
      let segment: Segment | null = this.#segments.floor(request.offset);
      while (
        segment !== null &&
        segment.baseOffset <= logEnd.segment.baseOffset
      ) {
        path = segment.log.path;
        const endPosition =
          segment === logEnd.segment ? logEnd.position : segment.sizeBytes;
        const next = this.#segments.after(segment);
        const endOffset = next?.baseOffset ?? logEnd.offset;
        const end = { position: endPosition, offset: endOffset };
        const { offset } = request;
        const found = await locateBatch(segment, offset, end, this.#onDamage);
        if (found.error === "corrupt-batch") {
          return { error: "corrupt-batch", detail: found.detail };
        }
        if (found.error === null) {
          const { batch, goodEndPosition } = found;
          const range = rangeOf(segment.log, batch, goodEndPosition, request);
          const payload = await openPayload(range, request.transfer);
          return { error: null, payload, ...marks };
        }
        // Compaction may have taken the segment's last offsets.
        segment = this.#segments.after(segment);
      }
    } catch (error) {
      // Its segment went while it was read, with the beginning of the log.
      const now = marksNow();
      if (request.offset < now.startOffset) {
        return { error: "offset-out-of-range", ...now };
      }
      throw readFault(path, error);
    }
    return { error: null, payload: payloadOf([]), ...marks };
  }
}

function rangeOf(
  log: LogFile,
  first: ScannedBatch,
  endPosition: number,
  request: ReadRequest,
): Range {
  const limit = limitOf(first.sizeBytes, request);
  const sizeBytes = Math.min(limit, endPosition - first.position);
  return { log, position: first.position, sizeBytes };
}

/** How many bytes may leave, given the first batch's size. */
function limitOf(firstSizeBytes: number, request: ReadRequest): number {
  if (firstSizeBytes <= request.sizeBytesMax) return request.sizeBytesMax;
  return request.minOneBatch ? firstSizeBytes : 0;
}

/** How many bytes of the batches may leave: to the limit, and to the end. */
function sizeOf(
  batches: readonly TailBatch[],
  request: ReadRequest,
  end: LogEnd,
): number {
  let sizeBytes = 0;
  for (const batch of batches) {
    if (batch.baseOffset >= end.offset) break;
    sizeBytes += batch.sizeBytes;
  }
  return Math.min(sizeBytes, limitOf(batches[0]?.sizeBytes ?? 0, request));
}

async function openPayload(
  range: Range,
  transfer: ReadRequest["transfer"],
): Promise<Payload> {
  if (range.sizeBytes === 0) return payloadOf([]);
  if (transfer === "stream") return streamed(range);
  const mapped = transfer === "mapped" ? await mappedPayload(range) : null;
  return mapped ?? (await plainPayload(range));
}

/** Null where the file cannot be mapped so far. */
async function mappedPayload(range: Range): Promise<Payload | null> {
  const { log, position, sizeBytes } = range;
  const lease = log.leaseIfOpen() ?? (await log.lease());
  try {
    const window = lease.file.map(position, sizeBytes);
    if (window === null) return null;
    // In memory before the connection's write touches it: a page fault there
    // would stop the event loop for as long as the disk takes.
    if (!(await isWarm(lease.file, range))) {
      window.release();
      return null;
    }
    // The window outlives the handle, so the lease can go now.
    return {
      sizeBytes,
      parts: [window.bytes],
      release: () => {
        window.release();
      },
    };
  } finally {
    lease.release();
  }
}

/** A range that cannot be read is left to the plain read, which says why. */
async function isWarm(file: DiskFile, range: Range): Promise<boolean> {
  try {
    return await file.warm(range.position, range.sizeBytes);
  } catch (error) {
    if (error instanceof DiskError) return false;
    throw error;
  }
}

async function plainPayload(range: Range): Promise<Payload> {
  const { log, position, sizeBytes } = range;
  const bytes = new Uint8Array(sizeBytes);
  const sizeRead = await log.read(bytes, position);
  if (sizeRead < sizeBytes) {
    throw new StorageError(
      "corrupt-file",
      log.path,
      `ends at ${position + sizeRead}, expected ${position + sizeBytes} bytes or more`,
    );
  }
  const release = () => giveBackMemory(bytes);
  return { sizeBytes, parts: [bytes], release };
}

/** The file stays leased until the payload has left. */
async function streamed(range: Range): Promise<Payload> {
  const { log, position, sizeBytes } = range;
  const lease = await log.lease();
  const read = () => lease.file.stream(position, sizeBytes);
  return {
    sizeBytes,
    parts: [{ sizeBytes, read }],
    release: () => {
      lease.release();
    },
  };
}
