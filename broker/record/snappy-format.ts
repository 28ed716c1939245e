/**
 * Snappy as Kafka's clients write it: in the framing of the Java library
 * snappy-java ("xerial"), or as one raw block (librdkafka's older versions,
 * several others). Ours writes the framing, as the Java client does.
 *
 *   stream := 82 53 4e 41 50 50 59 00   // "\x82SNAPPY\0"
 *             version:    int32         // 1
 *             compatible: int32         // 1: readers from this version on
 *             block*
 *   block  := size: int32, raw          // inflates to at most 32 KB when ours
 *   raw    := inflatedSize: varint, elements
 *
 * The numbers of the framing are big-endian. A raw block says how large it
 * inflates, so a bomb is seen before anything is allocated for it.
 */
import { readInt32, writeInt32 } from "../lib/bytes.ts";
import { readUnsignedVarint } from "../lib/varint.ts";
import { Chunks } from "./chunks.ts";
import { corrupt, tooLarge, type RecordError } from "./record-error.ts";

const STREAM_MAGIC = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const;
const STREAM_VERSION = 1;
const STREAM_HEADER_SIZE = 16;
/** snappy-java's own default. */
const BLOCK_SIZE_MAX = 32 * 1024;
/** An element takes two bytes at least and gives 64 at most. */
const INFLATION_MAX = 32;

export interface SnappyBlocks {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  /** Throws on bad input. */
  readonly uncompress: (bytes: Uint8Array) => Uint8Array;
}

export function writeSnappy(
  bytes: Uint8Array,
  blocks: SnappyBlocks,
): Uint8Array {
  const output = new Chunks(Infinity);
  const header = new Uint8Array(STREAM_HEADER_SIZE);
  header.set(STREAM_MAGIC);
  writeInt32(header, 8, STREAM_VERSION);
  writeInt32(header, 12, STREAM_VERSION);
  output.push(header);
  for (let start = 0; start < bytes.length; start += BLOCK_SIZE_MAX) {
    const block = blocks.compress(
      bytes.subarray(start, start + BLOCK_SIZE_MAX),
    );
    const size = new Uint8Array(4);
    writeInt32(size, 0, block.length);
    output.push(size);
    output.push(block);
  }
  return output.join();
}

export function readSnappy(
  bytes: Uint8Array,
  sizeBytesMax: number,
  blocks: SnappyBlocks,
): Uint8Array | RecordError {
  const output = new Chunks(sizeBytesMax);
  if (!isFramed(bytes)) {
    return readBlock(bytes, output, blocks) ?? output.join();
  }
  let position = STREAM_HEADER_SIZE;
  while (position < bytes.length) {
    const start = position + 4;
    if (start > bytes.length) return corrupt("snappy: cut in a block's size");
    const sizeBytes = readInt32(bytes, position);
    if (sizeBytes < 0 || sizeBytes > bytes.length - start) {
      return corrupt(`snappy: block of ${sizeBytes} bytes at ${position}`);
    }
    position = start + sizeBytes;
    const error = readBlock(bytes.subarray(start, position), output, blocks);
    if (error !== null) return error;
  }
  return output.join();
}

function isFramed(bytes: Uint8Array): boolean {
  return (
    bytes.length >= STREAM_HEADER_SIZE &&
    STREAM_MAGIC.every((byte, index) => bytes[index] === byte)
  );
}

function readBlock(
  block: Uint8Array,
  output: Chunks,
  blocks: SnappyBlocks,
): RecordError | null {
  const cursor = { bytes: block, position: 0, end: block.length };
  const sizeBytes = readUnsignedVarint(cursor);
  if (sizeBytes === null) return corrupt("snappy: no size before a block");
  if (sizeBytes > block.length * INFLATION_MAX) {
    return corrupt(`snappy: ${block.length} bytes cannot give ${sizeBytes}`);
  }
  if (sizeBytes > output.sizeBytesLeft) return tooLarge(output.sizeBytesMax);
  try {
    output.push(blocks.uncompress(block));
    return null;
  } catch (cause) {
    return corrupt("snappy: the block does not inflate", cause);
  }
}
