/**
 * Holds a segment's .txnindex against its log: each entry is a transaction that
 * was aborted there, by that producer, at that marker; and each transaction
 * that the log shows to be aborted has its entry, as readers with
 * read_committed leave out only what the index names.
 *
 * Where records are missing (compaction, damage), what they said of a
 * transaction is missing too: less is asked of the index then. So it is of an
 * index that the next opening builds anew.
 */
import {
  baseOffsetOf,
  isControl,
  isTransactional,
  producerIdOf,
} from "../record/batch.ts";
import { controlContentOf } from "../storage/compaction/cleaned-transactions.ts";
import { joinPath, segmentFileName } from "../storage/layout.ts";
import { type JudgedBatch, lastOffsetOf } from "./batch-order.ts";
import {
  type AbortedTransaction,
  readTransactionIndex,
} from "./transaction-index.ts";
import type { VerifyContext } from "./verify-context.ts";

export interface TransactionIndexPlace {
  readonly partition: string;
  readonly baseOffset: number;
  /** Behind the segment's last batch. */
  readonly endOffset: number;
  /** Of the partition's files: a transaction may have begun below. */
  readonly logStartOffset: number;
  readonly hasIndex: boolean;
  /** An opening takes the index as it is. */
  readonly isTrusted: boolean;
  readonly mayBeSparse: boolean;
}

interface Abort {
  readonly producerId: number;
  /** Null where the log shows no data of it. */
  readonly firstOffset: number | null;
}

/** One per partition: to be shown every batch, and the end of every segment. */
export class TransactionCheck {
  /** By producer: where its transaction began that has not ended yet. */
  readonly #open = new Map<number, number>();
  /** Of this segment, by the offset of the marker. */
  readonly #aborts = new Map<number, Abort>();
  /** All batches so far are known. */
  #isKnown = true;

  add(batch: JudgedBatch): void {
    if (batch.mend !== null) this.hole();
    const { header } = batch;
    if (!isTransactional(header, 0) || isControl(header, 0)) return;
    const producerId = producerIdOf(header, 0);
    if (this.#open.has(producerId)) return;
    this.#open.set(producerId, baseOffsetOf(header, 0));
  }

  /** The same batch once more if it is a control batch, with its record. */
  addControl(batch: JudgedBatch, bytes: Uint8Array): void {
    const content = controlContentOf(bytes, 0);
    if (content !== "abort" && content !== "commit") return;
    const producerId = producerIdOf(bytes, 0);
    const firstOffset = this.#open.get(producerId) ?? null;
    this.#open.delete(producerId);
    if (content === "commit") return;
    this.#aborts.set(lastOffsetOf(batch), { producerId, firstOffset });
  }

  /** Batches that nobody can read: from here on the index is believed. */
  hole(): void {
    this.#isKnown = false;
  }

  async endSegment(
    context: VerifyContext,
    place: TransactionIndexPlace,
  ): Promise<void> {
    const name = segmentFileName(place.baseOffset, "transactionIndex");
    const path = joinPath(place.partition, name);
    const wrong = place.hasIndex
      ? await context.withFile(path, (file) => this.#wrongIn(file, place))
      : this.#missing(place);
    this.#aborts.clear();
    if (wrong === null) return;
    const { position, detail } = wrong;
    await context.find("wrong-transaction-index", path, detail, { position });
  }

  async #wrongIn(
    file: Parameters<typeof readTransactionIndex>[0],
    place: TransactionIndexPlace,
  ): Promise<{ readonly position: number; readonly detail: string } | null> {
    let lastOffset = -1;
    for await (const { position, transaction } of readTransactionIndex(file)) {
      const detail =
        transaction === null
          ? `${file.sizeBytes - position} bytes of an entry`
          : (wrongEntry(transaction, place, lastOffset) ??
            this.#unlikeLog(transaction, place));
      if (detail !== null) return { position, detail };
      lastOffset = transaction?.lastOffset ?? lastOffset;
    }
    const missing = this.#missing(place);
    return missing && { ...missing, position: file.sizeBytes };
  }

  /** Takes the transaction off the list of those that the log shows. */
  #unlikeLog(
    { producerId, firstOffset, lastOffset }: AbortedTransaction,
    { mayBeSparse, logStartOffset }: TransactionIndexPlace,
  ): string | null {
    if (!this.#isKnown) return null;
    const abort = this.#aborts.get(lastOffset);
    if (abort?.producerId !== producerId) {
      return `the log has no marker of producer ${producerId} at ${lastOffset} that aborts`;
    }
    this.#aborts.delete(lastOffset);
    if (mayBeSparse || firstOffset < logStartOffset) return null;
    if (abort.firstOffset === firstOffset) return null;
    return `a transaction of producer ${producerId} from ${firstOffset}; the log has it from ${abort.firstOffset ?? "nowhere"}`;
  }

  #missing({
    isTrusted,
    mayBeSparse,
  }: TransactionIndexPlace): { position: number; detail: string } | null {
    if (!this.#isKnown || !isTrusted || mayBeSparse) return null;
    for (const [lastOffset, { producerId, firstOffset }] of this.#aborts) {
      if (firstOffset === null) continue;
      const detail = `the transaction of producer ${producerId} from ${firstOffset} to ${lastOffset} is not in it`;
      return { position: 0, detail };
    }
    return null;
  }
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
