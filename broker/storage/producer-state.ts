/**
 * What a partition remembers of each idempotent producer, so that a batch is
 * appended once however often it is sent.
 *
 * Of every producer id the epoch and the last five batches are known: a client
 * has at most five requests under way, so a repeated batch is among them. The
 * rules are Kafka's (`ProducerAppendInfo`, `ProducerStateEntry`):
 *
 *   producer unknown                        any sequence is accepted
 *   epoch below the known one               invalid-producer-epoch
 *   epoch above the known one               sequence must be 0
 *   same epoch, a known batch's sequences   duplicate: answered with its offsets
 *   same epoch, follows the last one        accepted; 0 follows 2^31 - 1
 *   same epoch, anything else               out-of-order-sequence
 *
 * Entries are never changed but replaced, so a failed append is undone by
 * putting the previous entry back.
 */

import {
  addToSequence,
  baseSequenceOf,
  isControl,
  isTransactional,
  producerEpochOf,
  producerIdOf,
} from "../record/batch.ts";
import { NO_PRODUCER_ID } from "../record/batch-format.ts";

const BATCHES_KEPT_MAX = 5;
const SEQUENCE_MAX = 0x7fffffff;
/** Below this count nobody looks for producers to forget. */
const EXPIRY_COUNT_MIN = 1024;

export interface SequencedBatch {
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** Last offset - base offset, which is also last sequence - first sequence. */
  readonly offsetDelta: number;
  readonly timestampMs: number;
}

export interface ProducerEntry {
  readonly producerId: number;
  readonly epoch: number;
  /** Oldest first, all of this epoch. */
  readonly batches: readonly SequencedBatch[];
  /** When it was last heard of; with the newest batch's timestamp, whichever is later. */
  readonly seenMs: number;
  readonly timestampMs: number;
  readonly coordinatorEpoch: number;
  readonly transactionFirstOffset: number | null;
}

/** The fields of a batch's header that concern its producer. */
export interface ProducedBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** -1 on a control batch. */
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
}

/** Where a batch that is sent again lies already. */
export interface Duplicate {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly timestampMs: number;
}

export type SequenceAnswer =
  | { readonly error: null; readonly duplicate: Duplicate | null }
  | {
      readonly error: "invalid-producer-epoch" | "out-of-order-sequence";
      readonly detail: string;
    };

const accepted: SequenceAnswer = { error: null, duplicate: null };

/** The producer of the batch at `at`, or null; its offsets as given, as the header may not have them yet. */
export function producerOf(
  bytes: Uint8Array,
  at: number,
  batch: {
    readonly baseOffset: number;
    readonly lastOffset: number;
    readonly maxTimestampMs: number;
  },
): ProducedBatch | null {
  const producerId = producerIdOf(bytes, at);
  if (producerId === NO_PRODUCER_ID) return null;
  return {
    producerId,
    producerEpoch: producerEpochOf(bytes, at),
    baseSequence: baseSequenceOf(bytes, at),
    // As they were produced: compaction may have taken some out.
    recordCount: batch.lastOffset - batch.baseOffset + 1,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    maxTimestampMs: batch.maxTimestampMs,
    isTransactional: isTransactional(bytes, at),
    isControl: isControl(bytes, at),
  };
}

export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();
  #expiryDueCount = EXPIRY_COUNT_MIN;

  constructor(entries: Iterable<ProducerEntry> = []) {
    for (const entry of entries) this.#entries.set(entry.producerId, entry);
  }

  get count(): number {
    return this.#entries.size;
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#entries.values();
  }

  get(producerId: number): ProducerEntry | null {
    return this.#entries.get(producerId) ?? null;
  }

  /** Judges a batch that a client sent; its offsets do not matter yet. */
  check(
    batch: Pick<
      ProducedBatch,
      "producerId" | "producerEpoch" | "baseSequence" | "recordCount"
    >,
  ): SequenceAnswer {
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined) return accepted;
    const { producerEpoch, baseSequence } = batch;
    if (producerEpoch < entry.epoch) {
      return {
        error: "invalid-producer-epoch",
        detail: `producer ${entry.producerId} has epoch ${entry.epoch}, got ${producerEpoch}`,
      };
    }
    const isNewEpoch = producerEpoch > entry.epoch;
    if (!isNewEpoch) {
      const duplicate = findDuplicate(entry, batch);
      if (duplicate !== null) return { error: null, duplicate };
    }
    const last = isNewEpoch ? undefined : entry.batches.at(-1);
    const expected =
      last === undefined ? 0 : addToSequence(last.lastSequence, 1);
    if (baseSequence === expected) return accepted;
    return {
      error: "out-of-order-sequence",
      detail: `producer ${entry.producerId} epoch ${producerEpoch} sent sequence ${baseSequence}, expected ${expected}`,
    };
  }

  /** Takes in a batch that is appended or was found in the log; answers the entry it replaced. */
  apply(batch: ProducedBatch, nowMs: number): ProducerEntry | null {
    const previous = this.#entries.get(batch.producerId) ?? null;
    const kept =
      previous !== null && previous.epoch === batch.producerEpoch
        ? previous.batches
        : [];
    this.#entries.set(batch.producerId, {
      producerId: batch.producerId,
      epoch: batch.producerEpoch,
      batches: batch.isControl ? kept : withBatch(kept, batch),
      seenMs: Math.max(nowMs, batch.maxTimestampMs),
      timestampMs: batch.maxTimestampMs,
      coordinatorEpoch: previous?.coordinatorEpoch ?? -1,
      transactionFirstOffset: transactionAfter(previous, batch),
    });
    return previous;
  }

  /** Undoes the latest `apply` of that producer. */
  restore(producerId: number, previous: ProducerEntry | null): void {
    if (previous === null) this.#entries.delete(producerId);
    else this.#entries.set(producerId, previous);
  }

  /**
   * Forgets producers without an open transaction that were silent for
   * `expirationMs` (Kafka's `producer.id.expiration.ms`). There is no timer: it
   * is done when the count has doubled since, and before a snapshot.
   */
  expire(nowMs: number, expirationMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.transactionFirstOffset !== null) continue;
      if (nowMs - entry.seenMs >= expirationMs) {
        this.#entries.delete(entry.producerId);
      }
    }
    this.#expiryDueCount = Math.max(EXPIRY_COUNT_MIN, this.count * 2);
  }

  get isExpiryDue(): boolean {
    return this.count >= this.#expiryDueCount;
  }
}

function sequenceBefore(sequence: number, count: number): number {
  const difference = sequence - count;
  return difference < 0 ? difference + SEQUENCE_MAX + 1 : difference;
}

function findDuplicate(
  entry: ProducerEntry,
  batch: Pick<ProducedBatch, "baseSequence" | "recordCount">,
): Duplicate | null {
  const lastSequence = addToSequence(batch.baseSequence, batch.recordCount - 1);
  for (const known of entry.batches) {
    const firstSequence = sequenceBefore(known.lastSequence, known.offsetDelta);
    if (
      known.lastSequence === lastSequence &&
      firstSequence === batch.baseSequence
    ) {
      return {
        baseOffset: known.lastOffset - known.offsetDelta,
        lastOffset: known.lastOffset,
        timestampMs: known.timestampMs,
      };
    }
  }
  return null;
}

function withBatch(
  kept: readonly SequencedBatch[],
  batch: ProducedBatch,
): readonly SequencedBatch[] {
  const added: SequencedBatch = {
    lastSequence: addToSequence(batch.baseSequence, batch.recordCount - 1),
    lastOffset: batch.lastOffset,
    offsetDelta: batch.lastOffset - batch.baseOffset,
    timestampMs: batch.maxTimestampMs,
  };
  return [...kept.slice(1 - BATCHES_KEPT_MAX), added];
}

function transactionAfter(
  previous: ProducerEntry | null,
  batch: ProducedBatch,
): number | null {
  if (batch.isControl || !batch.isTransactional) return null;
  return previous?.transactionFirstOffset ?? batch.baseOffset;
}
