/**
 * A batch with some of its records taken out, as compaction leaves it.
 *
 * What the header says of the batch's place stays: base offset, last offset and
 * producer fields, so that offsets keep their records and a producer its last
 * sequence, whatever was taken out. Records are copied as they lie; only where
 * the batch gets a delete horizon (KIP-534) their timestamps are written anew,
 * as the horizon takes the place of what they count from:
 *
 *   baseTimestamp := delete horizon, in ms       // attributes say so, in bit 6
 *   timestampDelta := the record's timestamp - delete horizon
 */
import { assert } from "../lib/assert.ts";
import { writeInt16, writeInt32, writeInt64 } from "../lib/bytes.ts";
import {
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "../lib/varint.ts";
import { attributesOf, computeCrc, isLogAppendTime } from "./batch.ts";
import {
  ATTRIBUTES_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  Compression,
  COMPRESSION_MASK,
  CRC_AT,
  DELETE_HORIZON_BIT,
  HEADER_SIZE,
  LENGTH_PREFIX_SIZE,
  MAX_TIMESTAMP_AT,
  NO_TIMESTAMP,
  RECORDS_COUNT_AT,
  type CompressionName,
} from "./batch-format.ts";
import { compress } from "./compression.ts";
import type { RecordReader, RecordSpan, StoredRecord } from "./record.ts";
import { RecordError } from "./record-error.ts";

/** A record that stays. */
interface KeptRecord extends RecordSpan {
  readonly timestampMs: number;
}

/** The records of one batch that stay, in their order. */
export class KeptRecords {
  readonly #records: KeptRecord[] = [];
  #sizeBytes = 0;
  #hasTombstone = false;

  get count(): number {
    return this.#records.length;
  }

  /** As they are stored, inflated. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** One of them takes its key away. */
  get hasTombstone(): boolean {
    return this.#hasTombstone;
  }

  all(): readonly KeptRecord[] {
    return this.#records;
  }

  /** Keeps the record that `reader.next` gave last. */
  add(reader: RecordReader, record: StoredRecord): void {
    const { span } = reader;
    this.#records.push({ ...span, timestampMs: record.timestampMs });
    this.#sizeBytes += span.end - span.start;
    if (record.value === null) this.#hasTombstone = true;
  }
}

export interface RebuildOptions {
  readonly compression: CompressionName;
  /** As the codec counts; null for its own default. */
  readonly level: number | null;
  /** A delete horizon to set; null leaves the batch's own, if it has one. */
  readonly deleteHorizonMs: number | null;
}

/** The batch at `at` with these of its records, of which `records` are the bytes. */
export function rebuildBatch(
  batch: { readonly bytes: Uint8Array; readonly at: number },
  records: Uint8Array,
  kept: KeptRecords,
  options: RebuildOptions,
): Uint8Array | RecordError {
  assert(kept.count > 0, "without records a batch is but its header");
  const { bytes, at } = batch;
  const { deleteHorizonMs, compression, level } = options;
  const plain =
    deleteHorizonMs === null
      ? copyRecords(records, kept)
      : shiftRecords(records, kept, deleteHorizonMs);
  const stored = compress(compression, plain, level);
  if (stored instanceof RecordError) return stored;
  const rebuilt = new Uint8Array(HEADER_SIZE + stored.length);
  rebuilt.set(bytes.subarray(at, at + HEADER_SIZE));
  rebuilt.set(stored, HEADER_SIZE);
  const attributes =
    (attributesOf(bytes, at) & ~COMPRESSION_MASK) |
    Compression[compression] |
    (deleteHorizonMs === null ? 0 : DELETE_HORIZON_BIT);
  if (deleteHorizonMs !== null) {
    writeInt64(rebuilt, BASE_TIMESTAMP_AT, deleteHorizonMs);
  }
  // Of the broker's time there is but one, and it stays.
  if (!isLogAppendTime(bytes, at)) {
    writeInt64(rebuilt, MAX_TIMESTAMP_AT, greatestTimestamp(kept));
  }
  return finish(rebuilt, attributes, kept.count);
}

/**
 * The batch's header alone, without records: it holds a producer's last
 * sequence, or the last offset of what was compacted.
 */
export function emptyBatch(bytes: Uint8Array, at: number): Uint8Array {
  const empty = bytes.slice(at, at + HEADER_SIZE);
  // As Kafka has it: nothing is compressed, and no tombstone waits.
  const attributes =
    attributesOf(bytes, at) & ~(COMPRESSION_MASK | DELETE_HORIZON_BIT);
  writeInt64(empty, BASE_TIMESTAMP_AT, NO_TIMESTAMP);
  return finish(empty, attributes, 0);
}

function finish(
  batch: Uint8Array,
  attributes: number,
  recordsCount: number,
): Uint8Array {
  writeInt32(batch, BATCH_LENGTH_AT, batch.length - LENGTH_PREFIX_SIZE);
  writeInt16(batch, ATTRIBUTES_AT, attributes);
  writeInt32(batch, RECORDS_COUNT_AT, recordsCount);
  writeInt32(batch, CRC_AT, computeCrc(batch, 0));
  return batch;
}

function copyRecords(records: Uint8Array, kept: KeptRecords): Uint8Array {
  const plain = new Uint8Array(kept.sizeBytes);
  let position = 0;
  for (const { start, end } of kept.all()) {
    plain.set(records.subarray(start, end), position);
    position += end - start;
  }
  return plain;
}

/** The records with timestamps that count from another base. */
function shiftRecords(
  records: Uint8Array,
  kept: KeptRecords,
  baseTimestampMs: number,
): Uint8Array {
  let sizeBytes = 0;
  for (const record of kept.all()) {
    const bodySize = shiftedSize(record, baseTimestampMs);
    sizeBytes += sizeOfVarint(bodySize) + bodySize;
  }
  const plain = new Uint8Array(sizeBytes);
  let position = 0;
  for (const record of kept.all()) {
    const { timestampMs, timestampEnd, end } = record;
    const bodySize = shiftedSize(record, baseTimestampMs);
    position = writeVarint(plain, position, bodySize);
    // A record's attributes: none are defined.
    plain[position++] = 0;
    position = writeVarlong(plain, position, timestampMs - baseTimestampMs);
    plain.set(records.subarray(timestampEnd, end), position);
    position += end - timestampEnd;
  }
  return plain;
}

function shiftedSize(record: KeptRecord, baseTimestampMs: number): number {
  const { timestampMs, timestampEnd, end } = record;
  return 1 + sizeOfVarlong(timestampMs - baseTimestampMs) + end - timestampEnd;
}

function greatestTimestamp(kept: KeptRecords): number {
  let greatest = NO_TIMESTAMP;
  for (const { timestampMs } of kept.all()) {
    greatest = Math.max(greatest, timestampMs);
  }
  return greatest;
}
