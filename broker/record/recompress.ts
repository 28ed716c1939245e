/**
 * The same batch with its records compressed another way: for topics whose
 * `compression.type` is not `producer`. Records are inflated and deflated, not
 * looked at: offsets, timestamps and producer fields stay.
 */
import { writeInt16, writeInt32 } from "../lib/bytes.ts";
import { attributesOf, compressionOf, computeCrc, recordsOf } from "./batch.ts";
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  Compression,
  COMPRESSION_MASK,
  CRC_AT,
  compressionNameOf,
  HEADER_SIZE,
  LENGTH_PREFIX_SIZE,
  type CompressionName,
} from "./batch-format.ts";
import { compress, decompress } from "./compression.ts";
import { RecordError } from "./record-error.ts";

export interface RecompressOptions {
  /** As the codec counts; null for its own default. */
  readonly level: number | null;
  /** What the records may inflate to. */
  readonly sizeBytesMax: number;
}

/** `batch` itself where it is compressed that way already. Its header must hold. */
export function recompress(
  batch: Uint8Array,
  name: CompressionName,
  { level, sizeBytesMax }: RecompressOptions,
): Uint8Array | RecordError {
  const present = compressionNameOf(compressionOf(batch, 0));
  if (present === null) {
    return new RecordError("unsupported-compression", "an unknown codec");
  }
  if (present === name) return batch;
  const records = decompress(present, recordsOf(batch, 0), { sizeBytesMax });
  if (records instanceof RecordError) return records;
  const compressed = compress(name, records, level);
  if (compressed instanceof RecordError) return compressed;
  const bytes = new Uint8Array(HEADER_SIZE + compressed.length);
  bytes.set(batch.subarray(0, HEADER_SIZE));
  bytes.set(compressed, HEADER_SIZE);
  writeInt32(bytes, BATCH_LENGTH_AT, bytes.length - LENGTH_PREFIX_SIZE);
  const attributes =
    (attributesOf(batch, 0) & ~COMPRESSION_MASK) | Compression[name];
  writeInt16(bytes, ATTRIBUTES_AT, attributes);
  writeInt32(bytes, CRC_AT, computeCrc(bytes, 0));
  return bytes;
}
