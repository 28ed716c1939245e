/**
 * How much of a segment's indexes can be believed when the segment holds the
 * recovery checkpoint: entries of batches below it are on the disk, and what
 * follows them may be anything (a killed Kafka leaves megabytes of zeros).
 *
 * So the entries are walked from the first on, as long as they ascend, lie in
 * the log file, and point below the checkpoint.
 */
import { readInt64, readUint32 } from "../lib/bytes.ts";
import type { DiskFile } from "../platform/disk.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "./offset-index.ts";
import { TIME_INDEX_ENTRY_SIZE } from "./time-index.ts";

export interface OffsetIndexPrefix {
  readonly entryCount: number;
  /** Of the last entry: of the batch that it points to, relative to the segment's base. */
  readonly lastRelativeOffset: number;
  readonly lastPosition: number;
}

/** Newest last, so that whoever does not believe an entry can go back. Throws `DiskError`. */
export async function readOffsetIndexPrefix(
  file: DiskFile,
  limits: {
    /** Exclusive. */
    readonly endRelativeOffset: number;
    readonly logSizeBytes: number;
  },
): Promise<readonly OffsetIndexPrefix[]> {
  const bytes = await readAll(file);
  const prefixes: OffsetIndexPrefix[] = [];
  let lastRelativeOffset = -1;
  let lastPosition = 0;
  const width = OFFSET_INDEX_ENTRY_SIZE;
  for (let at = 0; at + width <= bytes.length; at += width) {
    const relativeOffset = readUint32(bytes, at);
    const position = readUint32(bytes, at + 4);
    const isBelievable =
      relativeOffset > lastRelativeOffset &&
      relativeOffset < limits.endRelativeOffset &&
      position > lastPosition &&
      position < limits.logSizeBytes;
    if (!isBelievable) break;
    lastRelativeOffset = relativeOffset;
    lastPosition = position;
    const entryCount = at / width + 1;
    if (prefixes.length === KEPT_COUNT_MAX) prefixes.shift();
    prefixes.push({ entryCount, lastRelativeOffset, lastPosition });
  }
  return prefixes;
}

/** To go back further is to read the segment from its start. */
const KEPT_COUNT_MAX = 8;

/** How many entries of the time index speak of offsets up to this one. Throws `DiskError`. */
export async function readTimeIndexPrefix(
  file: DiskFile,
  lastRelativeOffset: number,
): Promise<number> {
  const bytes = await readAll(file);
  let lastTimestampMs = -1;
  let offsetBefore = -1;
  let entryCount = 0;
  const width = TIME_INDEX_ENTRY_SIZE;
  for (let at = 0; at + width <= bytes.length; at += width) {
    const timestampMs = readInt64(bytes, at);
    const relativeOffset = readUint32(bytes, at + 8);
    const isBelievable =
      timestampMs > lastTimestampMs &&
      relativeOffset >= offsetBefore &&
      relativeOffset <= lastRelativeOffset;
    if (!isBelievable) break;
    lastTimestampMs = timestampMs;
    offsetBefore = relativeOffset;
    entryCount++;
  }
  return entryCount;
}

async function readAll(file: DiskFile): Promise<Uint8Array> {
  const bytes = new Uint8Array(file.sizeBytes);
  return bytes.subarray(0, await file.read(bytes, 0));
}
