/**
 * What is known of transactions while a log is compacted from its start on
 * (Kafka's `CleanedTransactionMetadata`):
 *
 *   batch                                    may go
 *   data of a transaction that was aborted   at once
 *   any other data                           by its records
 *   marker, and data of its transaction was  not yet
 *     met in this pass
 *   marker, and none was met                 when its delete horizon has passed
 *   control batch without a record           at once
 *   control batch of another kind            never
 *
 * So a marker outlives its data by a pass and by `delete.retention.ms`: a reader
 * that saw some of the data will find how it ended.
 */
import { assert } from "../../lib/assert.ts";
import {
  baseOffsetOf,
  isControl,
  isTransactional,
  lastOffsetOf,
  producerIdOf,
} from "../../record/batch.ts";
import {
  parseMarker,
  type TransactionMarker,
} from "../../record/control-record.ts";
import { openRecords } from "../../record/record.ts";
import { RecordError } from "../../record/record-error.ts";

/** A marker inflates to next to nothing. */
const CONTROL_SIZE_BYTES_MAX = 64 * 1024;

/** What a control batch holds: one marker, nothing any more, or what is not ours to know. */
export type ControlContent = TransactionMarker["type"] | "empty" | "other";

/** Null for batches of data. */
export function controlContentOf(
  bytes: Uint8Array,
  at: number,
): ControlContent | null {
  if (!isControl(bytes, at)) return null;
  const limits = { sizeBytesMax: CONTROL_SIZE_BYTES_MAX };
  const reader = openRecords(bytes, at, limits);
  if (reader instanceof RecordError) return "other";
  const record = reader.next();
  if (record === null) return "empty";
  const marker = record instanceof RecordError ? record : parseMarker(record);
  return marker === null || marker instanceof RecordError
    ? "other"
    : marker.type;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The marker's. */
  readonly lastOffset: number;
}

/** Finds the transactions of a log that were aborted: to be shown every batch, in order. */
export class AbortedTransactions {
  readonly #firstOffsets = new Map<number, number>();
  readonly #aborted: AbortedTransaction[] = [];

  /** In the order of their markers. */
  get found(): readonly AbortedTransaction[] {
    return this.#aborted;
  }

  /** Whether a transaction began below the offset that did not end yet. */
  isOpenBelow(offset: number): boolean {
    for (const first of this.#firstOffsets.values()) {
      if (first < offset) return true;
    }
    return false;
  }

  add(bytes: Uint8Array, at: number): void {
    const producerId = producerIdOf(bytes, at);
    const control = controlContentOf(bytes, at);
    if (control === null) {
      if (!isTransactional(bytes, at)) return;
      if (!this.#firstOffsets.has(producerId)) {
        this.#firstOffsets.set(producerId, baseOffsetOf(bytes, at));
      }
      return;
    }
    if (control !== "abort" && control !== "commit") return;
    const firstOffset = this.#firstOffsets.get(producerId);
    this.#firstOffsets.delete(producerId);
    if (firstOffset === undefined || control === "commit") return;
    const lastOffset = lastOffsetOf(bytes, at);
    this.#aborted.push({ producerId, firstOffset, lastOffset });
  }
}

export class CleanedTransactions {
  /** By producer, in the order of their offsets; null until somebody looked. */
  #aborted: Map<number, AbortedTransaction[]> | null = null;
  /** Producers of which data was met since their last marker. */
  readonly #withData = new Set<number>();

  /** Before the first data of a transaction is seen, `learn` is due. */
  needsAborted(bytes: Uint8Array, at: number): boolean {
    if (this.#aborted !== null) return false;
    return isTransactional(bytes, at) && !isControl(bytes, at);
  }

  /** All transactions of the log that were aborted. */
  learn(transactions: readonly AbortedTransaction[]): void {
    this.#aborted = new Map();
    for (const transaction of transactions) {
      const known = this.#aborted.get(transaction.producerId);
      if (known !== undefined) known.push(transaction);
      else this.#aborted.set(transaction.producerId, [transaction]);
    }
  }

  /** Whether the batch, which is no control batch, belongs to an aborted transaction. */
  seeData(bytes: Uint8Array, at: number): boolean {
    if (!isTransactional(bytes, at)) return false;
    assert(this.#aborted !== null, "which transactions were aborted is known");
    const producerId = producerIdOf(bytes, at);
    this.#withData.add(producerId);
    const offset = lastOffsetOf(bytes, at);
    const aborted = this.#aborted.get(producerId) ?? [];
    // Those that ended before are of no more use: batches come in order.
    while (aborted[0] !== undefined && aborted[0].lastOffset < offset) {
      aborted.shift();
    }
    return aborted[0] !== undefined && aborted[0].firstOffset <= offset;
  }

  /** Whether nobody needs the control batch any more: no data of its transaction is left. */
  seeControl(bytes: Uint8Array, at: number, content: ControlContent): boolean {
    if (content === "empty") return true;
    if (content === "other") return false;
    return !this.#withData.delete(producerIdOf(bytes, at));
  }
}
