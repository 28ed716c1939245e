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
import { joinPath, segmentFileName } from "../storage/layout.ts";
import { readRange } from "./inspected-file.ts";
import type { VerifyContext } from "./verify-context.ts";

const ENTRY_SIZE = 34;
const ENTRIES_PER_READ = 4096;

export async function verifyTransactionIndex(
  context: VerifyContext,
  partition: string,
  segment: { readonly baseOffset: number; readonly endOffset: number },
): Promise<void> {
  const name = segmentFileName(segment.baseOffset, "transactionIndex");
  const path = joinPath(partition, name);
  await context.withFile(path, async (file) => {
    let lastOffset = -1;
    for (let position = 0; position < file.sizeBytes;) {
      const sizeBytes = ENTRY_SIZE * ENTRIES_PER_READ;
      const block = await readRange(file, position, sizeBytes);
      for (let at = 0; at < block.length; at += ENTRY_SIZE) {
        const wrong = wrongEntry(block, at, segment, lastOffset);
        if (wrong !== null) {
          const place = { position: position + at };
          await context.find("wrong-transaction-index", path, wrong, place);
          return;
        }
        lastOffset = readInt64(block, at + 18);
      }
      if (block.length === 0) return;
      position += block.length;
    }
  });
}

function wrongEntry(
  bytes: Uint8Array,
  at: number,
  segment: { readonly baseOffset: number; readonly endOffset: number },
  before: number,
): string | null {
  if (at + ENTRY_SIZE > bytes.length) {
    return `${bytes.length - at} bytes of an entry`;
  }
  const version = readInt16(bytes, at);
  if (version !== 0) return `version ${version}`;
  const firstOffset = readInt64(bytes, at + 10);
  const lastOffset = readInt64(bytes, at + 18);
  const { baseOffset, endOffset } = segment;
  const isInSegment = lastOffset >= baseOffset && lastOffset < endOffset;
  if (isInSegment && firstOffset <= lastOffset && lastOffset > before) {
    return null;
  }
  return `a transaction from ${firstOffset} to ${lastOffset}, behind one to ${before}, in a segment of ${baseOffset} to ${endOffset - 1}`;
}
