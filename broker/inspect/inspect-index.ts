/**
 * What an .index or a .timeindex file holds: entry by entry, each with the
 * header of the batch it stands for, and whether the two agree.
 *
 * Entries are sorted as the log is, so one walk over the log's headers serves
 * them all. Kafka preallocates the indexes of a segment that still grows: zeros
 * behind the last entry are room, and no entries.
 */
import { readInt64, readUint32 } from "../lib/bytes.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "../storage/offset-index.ts";
import { TIME_INDEX_ENTRY_SIZE } from "../storage/time-index.ts";
import { type Damage, walkBatches, type WalkedBatch } from "./batch-walk.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";

const ENTRIES_PER_READ = 4096;

/** What the log has where an entry points to; null where no log was given. */
interface Pointed {
  /** The batch's header; null where no batch is. */
  readonly batch: WalkedBatch | null;
}

export interface InspectedOffsetEntry {
  readonly kind: "offset-entry";
  readonly slot: number;
  readonly offset: number;
  readonly position: number;
  readonly target: Pointed | null;
  readonly problem: string | null;
}

export interface InspectedTimeEntry {
  readonly kind: "time-entry";
  readonly slot: number;
  readonly timestampMs: number;
  readonly offset: number;
  readonly target: Pointed | null;
  readonly problem: string | null;
}

/** Bytes behind the last entry: room that Kafka reserved, or a torn entry. */
export interface IndexTail {
  readonly kind: "tail";
  readonly position: number;
  readonly sizeBytes: number;
  readonly isPadding: boolean;
}

interface IndexPlace {
  /** Of the segment: the number in the file's name. */
  readonly baseOffset: number;
  /** The segment's .log file; null to look at the index alone. */
  readonly log: ReadableFile | null;
}

export async function* inspectOffsetIndex(
  file: ReadableFile,
  { baseOffset, log }: IndexPlace,
): AsyncGenerator<InspectedOffsetEntry | IndexTail> {
  const batches = log === null ? null : new BatchSearch(log);
  let last: { readonly offset: number; readonly position: number } | null =
    null;
  for await (const entry of readEntries(file, OFFSET_INDEX_ENTRY_SIZE)) {
    if (entry.kind === "tail") {
      yield entry;
      return;
    }
    const { slot, bytes } = entry;
    const offset = baseOffset + readUint32(bytes, 0);
    const position = readUint32(bytes, 4);
    const batch =
      (await batches?.firstThat((one) => one.position >= position)) ?? null;
    const found = batch?.position === position ? batch : null;
    const isSorted =
      last === null || (offset > last.offset && position > last.position);
    yield {
      kind: "offset-entry",
      slot,
      offset,
      position,
      target: batches === null ? null : { batch: found },
      problem: isSorted
        ? batches && problemOfOffset(offset, found)
        : "is not greater than the entry before it",
    };
    last = { offset, position };
  }
}

export async function* inspectTimeIndex(
  file: ReadableFile,
  { baseOffset, log }: IndexPlace,
): AsyncGenerator<InspectedTimeEntry | IndexTail> {
  const batches = log === null ? null : new BatchSearch(log);
  let last: { readonly offset: number; readonly timestampMs: number } | null =
    null;
  for await (const entry of readEntries(file, TIME_INDEX_ENTRY_SIZE)) {
    if (entry.kind === "tail") {
      yield entry;
      return;
    }
    const { slot, bytes } = entry;
    const timestampMs = readInt64(bytes, 0);
    const offset = baseOffset + readUint32(bytes, 8);
    const batch =
      (await batches?.firstThat((one) => one.lastOffset >= offset)) ?? null;
    const isSorted =
      last === null ||
      (timestampMs > last.timestampMs && offset >= last.offset);
    yield {
      kind: "time-entry",
      slot,
      timestampMs,
      offset,
      target: batches === null ? null : { batch },
      problem: isSorted
        ? batches && problemOfTime(timestampMs, batch)
        : "is not greater than the entry before it",
    };
    last = { offset, timestampMs };
  }
}

/** Kafka's tools ask for the batch's *last* offset, exactly. */
function problemOfOffset(
  offset: number,
  batch: WalkedBatch | null,
): string | null {
  if (batch === null) return "no batch starts at this position";
  if (batch.lastOffset === offset) return null;
  return `the batch there ends at offset ${batch.lastOffset}`;
}

function problemOfTime(
  timestampMs: number,
  batch: WalkedBatch | null,
): string | null {
  if (batch === null) return "no batch holds this offset";
  if (batch.maxTimestampMs === timestampMs) return null;
  return `the batch's greatest timestamp is ${batch.maxTimestampMs}`;
}

interface RawEntry {
  readonly kind: "entry";
  readonly slot: number;
  readonly bytes: Uint8Array;
}

async function* readEntries(
  file: ReadableFile,
  width: number,
): AsyncGenerator<RawEntry | IndexTail> {
  const entryCount = Math.floor(file.sizeBytes / width);
  let slot = 0;
  while (slot < entryCount) {
    const wanted = Math.min(ENTRIES_PER_READ, entryCount - slot);
    const block = await readRange(file, slot * width, wanted * width);
    for (let at = 0; at + width <= block.length; at += width) {
      const bytes = block.subarray(at, at + width);
      // The first entry may well be all zeros: the first record of a segment at position 0.
      if (slot > 0 && bytes.every((byte) => byte === 0)) {
        yield tailAt(file, slot * width, true);
        return;
      }
      yield { kind: "entry", slot, bytes };
      slot++;
    }
    if (block.length < wanted * width) return;
  }
  const rest = file.sizeBytes - entryCount * width;
  if (rest > 0) yield tailAt(file, entryCount * width, false);
}

function tailAt(
  file: ReadableFile,
  position: number,
  isPadding: boolean,
): IndexTail {
  const sizeBytes = file.sizeBytes - position;
  return { kind: "tail", position, sizeBytes, isPadding };
}

/** Goes over a log's headers once, for conditions that never go back. */
class BatchSearch {
  readonly #walk: AsyncGenerator<WalkedBatch | Damage>;
  #current: WalkedBatch | null = null;
  #isAtEnd = false;

  constructor(log: ReadableFile) {
    this.#walk = walkBatches(log);
  }

  /** The first batch from the present one on that is accepted; null if none is. */
  async firstThat(
    accepts: (batch: WalkedBatch) => boolean,
  ): Promise<WalkedBatch | null> {
    while (this.#current === null || !accepts(this.#current)) {
      if (this.#isAtEnd) return null;
      const { value, done } = await this.#walk.next();
      if (done === true || value.kind === "damage") {
        this.#isAtEnd = true;
        this.#current = null;
        return null;
      }
      this.#current = value;
    }
    return this.#current;
  }
}
