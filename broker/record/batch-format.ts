/**
 * The record batch, magic 2: what is produced, stored and fetched, byte for byte.
 *
 *   position  size  field
 *          0     8  baseOffset            // set by the broker
 *          8     4  batchLength           // bytes behind this field
 *         12     4  partitionLeaderEpoch  // set by the broker
 *         16     1  magic                 // 2
 *         17     4  crc                   // CRC-32C of everything behind this field
 *         21     2  attributes            // see below
 *         23     4  lastOffsetDelta       // last record's offset - baseOffset
 *         27     8  baseTimestamp         // ms; the first record's, or the delete horizon
 *         35     8  maxTimestamp          // ms; or when appended, as attributes say
 *         43     8  producerId            // -1: none
 *         51     2  producerEpoch         // -1: none
 *         53     4  baseSequence          // -1: none
 *         57     4  recordsCount
 *         61     -  records               // compressed as one block, or as they are
 *
 *   attributes := bits 0-2  compression   // none, gzip, snappy, lz4, zstd
 *                 bit  3    timestamp type // 0 the producer's, 1 the broker's
 *                 bit  4    transactional
 *                 bit  5    control        // the record is a transaction marker
 *                 bit  6    delete horizon in baseTimestamp (KIP-534, compacted logs)
 *                 bits 7-15 unused
 *
 * All numbers are big-endian. The CRC leaves out what the broker sets on append
 * (base offset, leader epoch), so that appending does not have to recompute it.
 *
 * DO NOT CHANGE: on disk.
 */
import type { FrameFormat } from "../lib/checked-frames.ts";

export const BASE_OFFSET_AT = 0;
export const BATCH_LENGTH_AT = 8;
export const PARTITION_LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORDS_COUNT_AT = 57;

/** A whole header; the records begin here. */
export const HEADER_SIZE = 61;
/** What `batchLength` does not count: base offset and the length itself. */
export const LENGTH_PREFIX_SIZE = 12;
/** Enough of a header, in any format version, to know the size and the magic. */
export const MAGIC_END = 17;

export const MAGIC = 2;

/** Batches as frames that can be checked without knowing more of them. */
export const batchFrames: FrameFormat = {
  headerSizeBytes: HEADER_SIZE,
  lengthAt: BATCH_LENGTH_AT,
  lengthEndAt: LENGTH_PREFIX_SIZE,
  magicAt: MAGIC_AT,
  magic: MAGIC,
  checksumAt: CRC_AT,
  firstNumberAt: BASE_OFFSET_AT,
  lastDeltaAt: LAST_OFFSET_DELTA_AT,
};

export const COMPRESSION_MASK = 0x07;
export const LOG_APPEND_TIME_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;
export const DELETE_HORIZON_BIT = 0x40;
/** Bits that no version of the format uses. */
export const UNUSED_BITS_MASK = 0xff80;

/** The compression's number in the attributes. */
export const Compression = {
  none: 0,
  gzip: 1,
  snappy: 2,
  lz4: 3,
  zstd: 4,
} as const;

export type CompressionName = keyof typeof Compression;

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_SEQUENCE = -1;
export const NO_LEADER_EPOCH = -1;
export const NO_TIMESTAMP = -1;

/** By its number; null for 5 to 7, which mean nothing. */
export function compressionNameOf(compression: number): CompressionName | null {
  switch (compression) {
    case Compression.none:
      return "none";
    case Compression.gzip:
      return "gzip";
    case Compression.snappy:
      return "snappy";
    case Compression.lz4:
      return "lz4";
    case Compression.zstd:
      return "zstd";
    default:
      return null;
  }
}
