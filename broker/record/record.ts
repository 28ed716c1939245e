/**
 * The records of a batch, read one at a time as views of its bytes.
 *
 *   record  := size: varint             // of what follows
 *              attributes: int8         // unused
 *              timestampDelta: varlong  // from the batch's base timestamp, in ms
 *              offsetDelta: varint      // from the batch's base offset
 *              key: varint size, bytes  // size -1: null
 *              value: varint size, bytes
 *              headers: varint count, header*
 *   header  := key: varint size, UTF-8  value: varint size, bytes   // value's size -1: null
 *
 * Whoever wrote them is a stranger, and the broker has not looked at them
 * either: each size is held against the bytes left, each count too, and offsets
 * must rise within the batch's range. What does not hold is a `RecordError`,
 * handed back in the record's place.
 */
import { readVarint, readVarlong, type Cursor } from "../lib/varint.ts";
import {
  baseOffsetOf,
  baseTimestampOf,
  compressionOf,
  isLogAppendTime,
  lastOffsetDeltaOf,
  magicOf,
  maxTimestampOf,
  recordsCountOf,
  recordsOf,
  wholeBatchSizeBytes,
} from "./batch.ts";
import { compressionNameOf, MAGIC } from "./batch-format.ts";
import { decompress } from "./compression.ts";
import { corrupt, RecordError } from "./record-error.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What a producer says of a record. */
export interface NewRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  /** In ms since the epoch. */
  readonly timestampMs: number;
}

/** A record in its partition. Key and values are views: whoever keeps them copies them. */
export interface StoredRecord extends NewRecord {
  readonly offset: number;
}

/** Size, attributes, two deltas, two sizes and a count: a byte each. */
export const RECORD_SIZE_MIN = 7;
const HEADER_FIELD_SIZE_MIN = 2;

const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * The records of the batch at `at`, inflated to at most `sizeBytesMax`. The
 * batch's CRC is the caller's to check.
 */
export function openRecords(
  bytes: Uint8Array,
  at: number,
  limits: { readonly sizeBytesMax: number },
): RecordReader | RecordError {
  if (wholeBatchSizeBytes(bytes, at) === null) {
    return corrupt(`no whole batch at ${at} of ${bytes.length} bytes`);
  }
  if (magicOf(bytes, at) !== MAGIC) {
    return corrupt(`magic ${magicOf(bytes, at)}, expected ${MAGIC}`);
  }
  const name = compressionNameOf(compressionOf(bytes, at));
  if (name === null) {
    return new RecordError(
      "unsupported-compression",
      `codec ${compressionOf(bytes, at)}`,
    );
  }
  const records = decompress(name, recordsOf(bytes, at), limits);
  if (records instanceof RecordError) return records;
  const count = recordsCountOf(bytes, at);
  if (count < 0 || count > records.length / RECORD_SIZE_MIN) {
    return corrupt(`${count} records in ${records.length} bytes`);
  }
  return new RecordReader(records, {
    count,
    baseOffset: baseOffsetOf(bytes, at),
    lastOffsetDelta: lastOffsetDeltaOf(bytes, at),
    baseTimestampMs: baseTimestampOf(bytes, at),
    appendTimeMs: isLogAppendTime(bytes, at) ? maxTimestampOf(bytes, at) : null,
  });
}

interface BatchFacts {
  readonly count: number;
  readonly baseOffset: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  /** Stands for every record's own timestamp where it is not null. */
  readonly appendTimeMs: number | null;
}

/** Where a record lies in its batch's records, inflated. */
export interface RecordSpan {
  readonly start: number;
  /** Behind the timestamp's delta: the rest does not depend on the batch's base timestamp. */
  readonly timestampEnd: number;
  readonly end: number;
}

export class RecordReader {
  readonly #bytes: Buffer;
  readonly #batch: BatchFacts;

  // Moves with each record.
  readonly #cursor: { -readonly [Field in keyof Cursor]: Cursor[Field] };
  #count = 0;
  #lastOffsetDelta = -1;
  #start = 0;
  #timestampEnd = 0;
  #error: RecordError | null = null;

  /** Use `openRecords`. */
  constructor(records: Uint8Array, batch: BatchFacts) {
    // A Buffer of the same memory, as only it decodes text fast.
    this.#bytes = Buffer.from(
      records.buffer,
      records.byteOffset,
      records.byteLength,
    );
    this.#batch = batch;
    this.#cursor = { bytes: this.#bytes, position: 0, end: records.length };
  }

  /** All records as they are stored, inflated: what spans are positions in. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Of the record that `next` gave last. */
  get span(): RecordSpan {
    return {
      start: this.#start,
      timestampEnd: this.#timestampEnd,
      end: this.#cursor.position,
    };
  }

  /** The next record; null at the end; what is wrong, now and at each further call. */
  next(): StoredRecord | RecordError | null {
    if (this.#error !== null) return this.#error;
    const next =
      this.#count < this.#batch.count ? this.#readRecord() : this.#atEnd();
    if (next instanceof RecordError) this.#error = next;
    return next;
  }

  #atEnd(): RecordError | null {
    const left = this.#bytes.length - this.#cursor.position;
    if (left === 0) return null;
    return corrupt(`${left} bytes behind the last of ${this.#count} records`);
  }

  #readRecord(): StoredRecord | RecordError {
    const cursor = this.#cursor;
    cursor.end = this.#bytes.length;
    this.#start = cursor.position;
    const sizeBytes = readVarint(cursor);
    const start = cursor.position;
    if (sizeBytes === null || sizeBytes < 0 || sizeBytes > cursor.end - start) {
      return this.#corrupt("its size");
    }
    // No field may reach behind its record.
    cursor.end = start + sizeBytes;
    cursor.position = start + 1;
    const timestampDelta = readVarlong(cursor);
    if (timestampDelta === null) return this.#corrupt("its timestamp");
    this.#timestampEnd = cursor.position;
    const offsetDelta = readVarint(cursor);
    const batch = this.#batch;
    const isRising =
      offsetDelta !== null &&
      offsetDelta > this.#lastOffsetDelta &&
      offsetDelta <= batch.lastOffsetDelta;
    if (!isRising) return this.#corrupt("its offset");
    const key = this.#readBytes();
    if (key === undefined) return this.#corrupt("its key");
    const value = this.#readBytes();
    if (value === undefined) return this.#corrupt("its value");
    const headers = this.#readHeaders();
    if (headers === undefined || cursor.position !== cursor.end) {
      return this.#corrupt("its headers");
    }
    const timestampMs =
      batch.appendTimeMs ?? batch.baseTimestampMs + timestampDelta;
    if (!Number.isSafeInteger(timestampMs)) {
      return this.#corrupt("its timestamp");
    }
    this.#count++;
    this.#lastOffsetDelta = offsetDelta;
    const offset = batch.baseOffset + offsetDelta;
    return { offset, timestampMs, key, value, headers };
  }

  /** Null as written; undefined where they do not fit the record. */
  #readBytes(): Uint8Array | null | undefined {
    const sizeBytes = readVarint(this.#cursor);
    if (sizeBytes === null) return undefined;
    // Kafka takes any negative size for null.
    if (sizeBytes < 0) return null;
    const start = this.#cursor.position;
    const end = start + sizeBytes;
    if (end > this.#cursor.end) return undefined;
    this.#cursor.position = end;
    return this.#bytes.subarray(start, end);
  }

  #readHeaders(): readonly RecordHeader[] | undefined {
    const count = readVarint(this.#cursor);
    if (count === 0) return NO_HEADERS;
    const left = this.#cursor.end - this.#cursor.position;
    if (count === null || count < 0 || count > left / HEADER_FIELD_SIZE_MIN) {
      return undefined;
    }
    const headers: RecordHeader[] = [];
    for (let index = 0; index < count; index++) {
      const key = this.#readText();
      const value = key === undefined ? undefined : this.#readBytes();
      if (key === undefined || value === undefined) return undefined;
      headers.push({ key, value });
    }
    return headers;
  }

  /** Invalid UTF-8 becomes U+FFFD, as in Kafka; a key is never null. */
  #readText(): string | undefined {
    const sizeBytes = readVarint(this.#cursor);
    const start = this.#cursor.position;
    if (sizeBytes === null || sizeBytes < 0) return undefined;
    const end = start + sizeBytes;
    if (end > this.#cursor.end) return undefined;
    this.#cursor.position = end;
    return this.#bytes.toString("utf8", start, end);
  }

  #corrupt(what: string): RecordError {
    const { baseOffset, count } = this.#batch;
    return corrupt(
      `record ${this.#count} of ${count} in the batch at offset ${baseOffset}: ${what} does not hold`,
    );
  }
}
