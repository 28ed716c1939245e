/**
 * A machine's records as record batches, and back.
 *
 * A decision is one batch, so that a log has all of its records or none. A
 * snapshot is several, each small enough to be built and read at one go.
 */
import { concatBytes } from "../lib/bytes.ts";
import {
  baseOffsetOf,
  crcHolds,
  isControl,
  isTransactional,
  lastOffsetOf,
  wholeBatchSizeBytes,
} from "../record/batch.ts";
import { BatchBuilder } from "../record/batch-builder.ts";
import { openRecords, type StoredRecord } from "../record/record.ts";
import { RecordError } from "../record/record-error.ts";
import type { RecordCodec } from "./machine.ts";

const SNAPSHOT_BATCH_SIZE_BYTES = 256 * 1024;

/** Our batches are not compressed; one that Kafka wrote may be. */
const INFLATED_SIZE_BYTES_MAX = 256 * 1024 * 1024;

/** The batch of one decision. The log sets its base offset. */
export function encodeBatch<Record>(
  records: readonly Record[],
  codec: RecordCodec<Record>,
  timestampMs: number,
): Uint8Array {
  const builder = new BatchBuilder();
  for (const record of records) {
    const { key, value } = codec.encode(record);
    builder.append({ key, value, headers: [], timestampMs });
  }
  return builder.build();
}

/** Batches with offsets from 0 on. Empty for a state without records. */
export function encodeSnapshot<Record>(
  records: Iterable<Record>,
  codec: RecordCodec<Record>,
  timestampMs: number,
): Uint8Array {
  const batches: Uint8Array[] = [];
  const builder = new BatchBuilder();
  let baseOffset = 0;
  const finishBatch = (): void => {
    const { recordsCount } = builder;
    if (recordsCount === 0) return;
    batches.push(builder.build({ baseOffset, partitionLeaderEpoch: 0 }));
    baseOffset += recordsCount;
  };
  for (const record of records) {
    const { key, value } = codec.encode(record);
    builder.append({ key, value, headers: [], timestampMs });
    if (builder.sizeBytes >= SNAPSHOT_BATCH_SIZE_BYTES) finishBatch();
  }
  finishBatch();
  return concatBytes(batches);
}

export type BatchesRead =
  | {
      readonly error: null;
      /** Behind the last whole batch; `fromOffset` where there is none. */
      readonly endOffset: number;
      /** Bytes of a batch that is cut at the end. */
      readonly restSizeBytes: number;
    }
  | { readonly error: "corrupt-batch"; readonly detail: string };

/**
 * Shows every record from `fromOffset` on, in order, until `visit` answers what
 * is wrong with one. Each batch's CRC is checked before its first record is
 * shown. Passed over are control batches, and the offsets of transactions in a
 * log that Kafka wrote: without their markers nobody knows whether they hold.
 */
export function readBatches(
  bytes: Uint8Array,
  fromOffset: number,
  visit: (record: StoredRecord) => string | null,
): BatchesRead {
  let endOffset = fromOffset;
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) {
      return { error: null, endOffset, restSizeBytes: bytes.length - at };
    }
    const baseOffset = baseOffsetOf(bytes, at);
    if (!crcHolds(bytes, at)) {
      return corrupt(`the batch at offset ${baseOffset} has a wrong CRC`);
    }
    if (!isControl(bytes, at) && !isTransactional(bytes, at)) {
      const fault = readBatch(bytes, at, fromOffset, visit);
      if (fault !== null) return corrupt(fault);
    }
    endOffset = Math.max(endOffset, lastOffsetOf(bytes, at) + 1);
    at += sizeBytes;
  }
}

function readBatch(
  bytes: Uint8Array,
  at: number,
  fromOffset: number,
  visit: (record: StoredRecord) => string | null,
): string | null {
  const limits = { sizeBytesMax: INFLATED_SIZE_BYTES_MAX };
  const records = openRecords(bytes, at, limits);
  if (records instanceof RecordError) return records.message;
  for (;;) {
    const record = records.next();
    if (record === null) return null;
    if (record instanceof RecordError) return record.message;
    if (record.offset < fromOffset) continue;
    const fault = visit(record);
    if (fault !== null) return fault;
  }
}

function corrupt(detail: string): BatchesRead {
  return { error: "corrupt-batch", detail };
}
