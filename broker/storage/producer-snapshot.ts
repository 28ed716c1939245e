/**
 * Producer state as it was at one offset, the one in the file's name.
 *
 *   .snapshot := version: int16 = 1
 *                crc:     uint32            // CRC-32C of everything behind it
 *                count:   int32
 *                { producerId:             int64
 *                  epoch:                  int16
 *                  lastSequence:           int32   // -1: no batch
 *                  lastOffset:             int64   // -1: no batch
 *                  offsetDelta:            int32
 *                  timestampMs:            int64
 *                  coordinatorEpoch:       int32
 *                  transactionFirstOffset: int64 } // -1: none
 *
 * DO NOT CHANGE: on disk, Kafka's own format (`ProducerSnapshot`). Of five
 * batches it keeps the last.
 */
import {
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
} from "../lib/bytes.ts";
import { crc32c } from "../lib/crc32c.ts";
import type { ProducerEntry } from "./producer-state.ts";

const VERSION = 1;
const CRC_AT = 2;
const COUNT_AT = 6;
const HEADER_SIZE = 10;
const ENTRY_SIZE = 46;

export function encodeProducerSnapshot(
  entries: Iterable<ProducerEntry>,
  count: number,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_SIZE + count * ENTRY_SIZE);
  writeInt16(bytes, 0, VERSION);
  writeInt32(bytes, COUNT_AT, count);
  let at = HEADER_SIZE;
  for (const entry of entries) {
    const last = entry.batches.at(-1);
    writeInt64(bytes, at, entry.producerId);
    writeInt16(bytes, at + 8, entry.epoch);
    writeInt32(bytes, at + 10, last?.lastSequence ?? -1);
    writeInt64(bytes, at + 14, last?.lastOffset ?? -1);
    writeInt32(bytes, at + 22, last?.offsetDelta ?? 0);
    writeInt64(bytes, at + 26, entry.timestampMs);
    writeInt32(bytes, at + 34, entry.coordinatorEpoch);
    writeInt64(bytes, at + 38, entry.transactionFirstOffset ?? -1);
    at += ENTRY_SIZE;
  }
  writeInt32(bytes, CRC_AT, crc32c(bytes.subarray(COUNT_AT)));
  return bytes;
}

/** Null where the bytes are not a whole snapshot of a version known here. */
export function decodeProducerSnapshot(
  bytes: Uint8Array,
): readonly ProducerEntry[] | null {
  if (bytes.length < HEADER_SIZE || readInt16(bytes, 0) !== VERSION)
    return null;
  const count = readInt32(bytes, COUNT_AT);
  if (bytes.length !== HEADER_SIZE + count * ENTRY_SIZE) return null;
  if (readUint32(bytes, CRC_AT) !== crc32c(bytes.subarray(COUNT_AT)))
    return null;
  const entries: ProducerEntry[] = [];
  for (let at = HEADER_SIZE; at < bytes.length; at += ENTRY_SIZE) {
    entries.push(decodeEntry(bytes, at));
  }
  return entries;
}

function decodeEntry(bytes: Uint8Array, at: number): ProducerEntry {
  const lastOffset = readInt64(bytes, at + 14);
  const timestampMs = readInt64(bytes, at + 26);
  const transactionFirstOffset = readInt64(bytes, at + 38);
  return {
    producerId: readInt64(bytes, at),
    epoch: readInt16(bytes, at + 8),
    batches:
      lastOffset < 0
        ? []
        : [
            {
              lastSequence: readInt32(bytes, at + 10),
              lastOffset,
              offsetDelta: readInt32(bytes, at + 22),
              timestampMs,
            },
          ],
    seenMs: timestampMs,
    timestampMs,
    coordinatorEpoch: readInt32(bytes, at + 34),
    transactionFirstOffset:
      transactionFirstOffset < 0 ? null : transactionFirstOffset,
  };
}
