/**
 * Builds record batches: for clients that produce, for machines that persist,
 * for tests. Records are written straight into one growing buffer; a batch that
 * is not compressed is that buffer, not a copy of it.
 */
import { assert } from "../lib/assert.ts";
import { writeInt16, writeInt32, writeInt64 } from "../lib/bytes.ts";
import {
  sizeOfVarint,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from "../lib/varint.ts";
import { computeCrc } from "./batch.ts";
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  Compression,
  CONTROL_BIT,
  CRC_AT,
  HEADER_SIZE,
  LAST_OFFSET_DELTA_AT,
  LENGTH_PREFIX_SIZE,
  MAGIC,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  PARTITION_LEADER_EPOCH_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORDS_COUNT_AT,
  TRANSACTIONAL_BIT,
  type CompressionName,
} from "./batch-format.ts";
import { compress } from "./compression.ts";
import type { NewRecord } from "./record.ts";
import { RecordError } from "./record-error.ts";

export interface BatchProducer {
  readonly id: number;
  readonly epoch: number;
  /** Of the first record; `NO_SEQUENCE` in a control batch. */
  readonly baseSequence: number;
}

/** What a header says besides its records. A producer leaves offset and epoch to the broker. */
export interface BatchOptions {
  readonly baseOffset?: number;
  readonly partitionLeaderEpoch?: number;
  readonly producer?: BatchProducer | null;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

const NO_PRODUCER: BatchProducer = {
  id: NO_PRODUCER_ID,
  epoch: NO_PRODUCER_EPOCH,
  baseSequence: NO_SEQUENCE,
};

const EMPTY = Buffer.alloc(0);
const CAPACITY_MIN = 512;

/** A batch of these records, not compressed. There is at least one record. */
export function buildBatch(
  records: readonly NewRecord[],
  options: BatchOptions = {},
): Uint8Array {
  const builder = new BatchBuilder();
  for (const record of records) builder.append(record);
  return builder.build(options);
}

export class BatchBuilder {
  #bytes: Buffer = EMPTY;
  #sizeBytes = HEADER_SIZE;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;

  get recordsCount(): number {
    return this.#count;
  }

  /** The batch so far with its header, before compression. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What `sizeBytes` would be with one more record. */
  sizeBytesWith(record: NewRecord): number {
    const bodySize = this.#bodySizeOf(record);
    return this.#sizeBytes + sizeOfVarint(bodySize) + bodySize;
  }

  append(record: NewRecord): void {
    const { key, value, headers, timestampMs } = record;
    const bodySize = this.#bodySizeOf(record);
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    }
    const bytes = this.#reserve(sizeOfVarint(bodySize) + bodySize);
    let position = writeVarint(bytes, this.#sizeBytes, bodySize);
    bytes[position++] = 0;
    const timestampDelta = timestampMs - this.#baseTimestampMs;
    position = writeVarlong(bytes, position, timestampDelta);
    position = writeVarint(bytes, position, this.#count);
    position = writeBytes(bytes, position, key);
    position = writeBytes(bytes, position, value);
    position = writeVarint(bytes, position, headers.length);
    for (const header of headers) {
      const keySize = Buffer.byteLength(header.key);
      position = writeVarint(bytes, position, keySize);
      position += bytes.write(header.key, position);
      position = writeBytes(bytes, position, header.value);
    }
    this.#sizeBytes = position;
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, timestampMs);
    this.#count++;
  }

  /** The batch; the builder is empty after it. */
  build(options: BatchOptions = {}): Uint8Array {
    assert(this.#count > 0, "a batch has at least one record");
    const batch = this.#bytes.subarray(0, this.#sizeBytes);
    this.#writeHeader(batch, options, "none");
    this.#reset();
    return batch;
  }

  /** The same, compressed. The error is `compress`'s; the records stay in the builder then. */
  buildCompressed(
    compression: CompressionName,
    options: BatchOptions = {},
  ): Uint8Array | RecordError {
    if (compression === "none") return this.build(options);
    assert(this.#count > 0, "a batch has at least one record");
    const records = compress(
      compression,
      this.#bytes.subarray(HEADER_SIZE, this.#sizeBytes),
    );
    if (records instanceof RecordError) return records;
    const batch = new Uint8Array(HEADER_SIZE + records.length);
    batch.set(records, HEADER_SIZE);
    this.#writeHeader(batch, options, compression);
    this.#reset();
    return batch;
  }

  #writeHeader(
    batch: Uint8Array,
    options: BatchOptions,
    compression: CompressionName,
  ): void {
    const producer = options.producer ?? NO_PRODUCER;
    const attributes =
      Compression[compression] |
      (options.isTransactional === true ? TRANSACTIONAL_BIT : 0) |
      (options.isControl === true ? CONTROL_BIT : 0);
    writeInt64(batch, BASE_OFFSET_AT, options.baseOffset ?? 0);
    writeInt32(batch, BATCH_LENGTH_AT, batch.length - LENGTH_PREFIX_SIZE);
    writeInt32(
      batch,
      PARTITION_LEADER_EPOCH_AT,
      options.partitionLeaderEpoch ?? NO_LEADER_EPOCH,
    );
    batch[MAGIC_AT] = MAGIC;
    writeInt16(batch, ATTRIBUTES_AT, attributes);
    writeInt32(batch, LAST_OFFSET_DELTA_AT, this.#count - 1);
    writeInt64(batch, BASE_TIMESTAMP_AT, this.#baseTimestampMs);
    writeInt64(batch, MAX_TIMESTAMP_AT, this.#maxTimestampMs);
    writeInt64(batch, PRODUCER_ID_AT, producer.id);
    writeInt16(batch, PRODUCER_EPOCH_AT, producer.epoch);
    writeInt32(batch, BASE_SEQUENCE_AT, producer.baseSequence);
    writeInt32(batch, RECORDS_COUNT_AT, this.#count);
    writeInt32(batch, CRC_AT, computeCrc(batch, 0));
  }

  #bodySizeOf(record: NewRecord): number {
    const { key, value, headers, timestampMs } = record;
    const timestampDelta =
      this.#count === 0 ? 0 : timestampMs - this.#baseTimestampMs;
    let size =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(this.#count) +
      sizeOfBytes(key) +
      sizeOfBytes(value) +
      sizeOfVarint(headers.length);
    for (const header of headers) {
      const keySize = Buffer.byteLength(header.key);
      size += sizeOfVarint(keySize) + keySize + sizeOfBytes(header.value);
    }
    return size;
  }

  /** The buffer, with room for so many bytes more. */
  #reserve(sizeBytes: number): Buffer {
    const needed = this.#sizeBytes + sizeBytes;
    if (needed > this.#bytes.length) {
      const capacity = Math.max(needed, 2 * this.#bytes.length, CAPACITY_MIN);
      const larger = Buffer.allocUnsafe(capacity);
      larger.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = larger;
    }
    return this.#bytes;
  }

  #reset(): void {
    this.#bytes = EMPTY;
    this.#sizeBytes = HEADER_SIZE;
    this.#count = 0;
  }
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  if (bytes === null) return 1;
  return sizeOfVarint(bytes.length) + bytes.length;
}

/** A null has the size -1. */
function writeBytes(
  target: Uint8Array,
  position: number,
  bytes: Uint8Array | null,
): number {
  if (bytes === null) return writeVarint(target, position, -1);
  const start = writeVarint(target, position, bytes.length);
  target.set(bytes, start);
  return start + bytes.length;
}
