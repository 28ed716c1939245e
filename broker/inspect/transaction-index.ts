/**
 * A segment's .txnindex: transactions that were aborted in it.
 *
 *   entry := version:          int16 = 0
 *            producerId:       int64
 *            firstOffset:      int64
 *            lastOffset:       int64   // of the marker that ended it
 *            lastStableOffset: int64
 *
 * Kafka's own format (`AbortedTxn`); entries are sorted by their last offset.
 */
import { readInt16, readInt64 } from "../lib/bytes.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";

const ENTRY_SIZE = 34;
const ENTRIES_PER_READ = 4096;

export interface AbortedTransaction {
  readonly version: number;
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
}

/** Each entry with its place; null stands for bytes at the end that are none. */
export async function* readTransactionIndex(
  file: ReadableFile,
): AsyncGenerator<{
  readonly position: number;
  readonly transaction: AbortedTransaction | null;
}> {
  for (let position = 0; position < file.sizeBytes;) {
    const sizeBytes = ENTRY_SIZE * ENTRIES_PER_READ;
    const block = await readRange(file, position, sizeBytes);
    if (block.length === 0) return;
    for (let at = 0; at < block.length; at += ENTRY_SIZE) {
      const isWhole = at + ENTRY_SIZE <= block.length;
      const transaction = isWhole ? decode(block, at) : null;
      yield { position: position + at, transaction };
    }
    position += block.length;
  }
}

function decode(bytes: Uint8Array, at: number): AbortedTransaction {
  return {
    version: readInt16(bytes, at),
    producerId: readInt64(bytes, at + 2),
    firstOffset: readInt64(bytes, at + 10),
    lastOffset: readInt64(bytes, at + 18),
    lastStableOffset: readInt64(bytes, at + 26),
  };
}
