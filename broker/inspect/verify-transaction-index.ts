/** Holds a segment's .txnindex against the segment's offsets, as far as it says anything of them. */
import { joinPath, segmentFileName } from "../storage/layout.ts";
import {
  type AbortedTransaction,
  readTransactionIndex,
} from "./transaction-index.ts";
import type { VerifyContext } from "./verify-context.ts";

export async function verifyTransactionIndex(
  context: VerifyContext,
  partition: string,
  segment: { readonly baseOffset: number; readonly endOffset: number },
): Promise<void> {
  const name = segmentFileName(segment.baseOffset, "transactionIndex");
  const path = joinPath(partition, name);
  await context.withFile(path, async (file) => {
    let lastOffset = -1;
    for await (const { position, transaction } of readTransactionIndex(file)) {
      const wrong =
        transaction === null
          ? `${file.sizeBytes - position} bytes of an entry`
          : wrongEntry(transaction, segment, lastOffset);
      if (wrong !== null) {
        await context.find("wrong-transaction-index", path, wrong, {
          position,
        });
        return;
      }
      lastOffset = transaction?.lastOffset ?? lastOffset;
    }
  });
}

function wrongEntry(
  { version, firstOffset, lastOffset }: AbortedTransaction,
  segment: { readonly baseOffset: number; readonly endOffset: number },
  before: number,
): string | null {
  if (version !== 0) return `version ${version}`;
  const { baseOffset, endOffset } = segment;
  const isInSegment = lastOffset >= baseOffset && lastOffset < endOffset;
  if (isInSegment && firstOffset <= lastOffset && lastOffset > before) {
    return null;
  }
  return `a transaction from ${firstOffset} to ${lastOffset}, behind one to ${before}, in a segment of ${baseOffset} to ${endOffset - 1}`;
}
