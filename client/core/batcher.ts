/**
 * The batches of one partition, from the first record to the acknowledgement:
 * one that is open, those that are ready, those in flight.
 *
 * Order is kept by three rules. Batches leave in the order of their records. A
 * batch that failed goes back to its place, and is sent again only when nothing
 * is in flight. More than one batch is in flight only with an identity, as then
 * the broker refuses what comes out of order:
 *
 *   send 1, send 2; 1 is lost; 2 is refused (`out-of-order-sequence`); both come
 *   back here; send 1, wait, send 2.
 */
import type { NewRecord } from "../../broker/record/record.ts";
import type { TopicPartition } from "../client.ts";
import {
  type Delivery,
  ProducerBatch,
  type SequencedIdentity,
} from "./producer-batch.ts";

export class PartitionBatcher {
  readonly id: TopicPartition;
  readonly #batchSizeBytesMax: number;
  #open: ProducerBatch | null = null;
  /** In order of their records. */
  readonly #ready: ProducerBatch[] = [];
  readonly #inFlight = new Set<ProducerBatch>();
  #nextOrdinal = 0;
  /** Null before the first batch, and after a gap in the sequences. */
  identity: SequencedIdentity | null = null;
  /** Backing off until then, on the monotonic clock. */
  notBeforeMs = 0;

  constructor(id: TopicPartition, batchSizeBytesMax: number) {
    this.id = id;
    this.#batchSizeBytesMax = batchSizeBytesMax;
  }

  get isIdle(): boolean {
    return (
      this.#open === null &&
      this.#ready.length === 0 &&
      this.#inFlight.size === 0
    );
  }

  /** When the first that waits here has waited too long. */
  get deadlineMs(): number {
    return (this.#ready[0] ?? this.#open)?.deadlineMs ?? Infinity;
  }

  /** `isSealed` where a batch became full, `opened` where this record began one. */
  append(
    record: NewRecord,
    delivery: Delivery,
  ): { readonly isSealed: boolean; readonly opened: ProducerBatch | null } {
    let isSealed = false;
    let batch = this.#open;
    if (
      batch !== null &&
      batch.sizeBytesWith(record) > this.#batchSizeBytesMax
    ) {
      this.#seal(batch);
      isSealed = true;
      batch = null;
    }
    const isNew = batch === null;
    batch ??= new ProducerBatch(this.#nextOrdinal);
    this.#open = batch;
    batch.append(record, delivery);
    this.#nextOrdinal += 1;
    if (batch.sizeBytes >= this.#batchSizeBytesMax) {
      this.#seal(batch);
      isSealed = true;
    }
    return { isSealed, opened: isNew ? batch : null };
  }

  /** The open batch has waited long enough for company. */
  due(): void {
    if (this.#open !== null) this.#open.isDue = true;
  }

  /**
   * The batch to send now, taken out, or null. An open batch that is due is
   * sealed only when it can leave: until then it may still grow.
   */
  take(inFlightMax: number): ProducerBatch | null {
    const first = this.#ready[0] ?? (this.#open?.isDue ? this.#open : null);
    if (first === null || first === undefined) return null;
    if (!this.#mayLeave(first, inFlightMax)) return null;
    if (first === this.#open) this.#seal(first);
    this.#ready.shift();
    this.#inFlight.add(first);
    return first;
  }

  /** It was not acknowledged and is to be sent again, in its place. */
  putBack(batch: ProducerBatch): void {
    this.#inFlight.delete(batch);
    const at = this.#ready.findIndex(({ ordinal }) => ordinal > batch.ordinal);
    this.#ready.splice(at < 0 ? this.#ready.length : at, 0, batch);
  }

  /** It is settled. */
  remove(batch: ProducerBatch): void {
    this.#inFlight.delete(batch);
  }

  /** True where an earlier batch has yet to arrive: an answer about order says nothing then. */
  hasEarlier(batch: ProducerBatch): boolean {
    const isEarlier = ({ ordinal }: ProducerBatch): boolean =>
      ordinal < batch.ordinal;
    return this.#ready.some(isEarlier) || [...this.#inFlight].some(isEarlier);
  }

  /** Takes out the ready batches whose time is over, or all of them. */
  expired(nowMs: number): readonly ProducerBatch[] {
    if (this.#open !== null && this.#open.deadlineMs <= nowMs) {
      this.#seal(this.#open);
    }
    const late = this.#ready.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    for (const batch of late) {
      this.#ready.splice(this.#ready.indexOf(batch), 1);
    }
    return late;
  }

  #seal(batch: ProducerBatch): void {
    this.#open = null;
    this.#ready.push(batch);
  }

  #mayLeave(batch: ProducerBatch, inFlightMax: number): boolean {
    if (this.#inFlight.size === 0) return true;
    if (this.#inFlight.size >= inFlightMax || batch.attempts > 0) return false;
    // Sequences under two identities say nothing about each other's order.
    for (const other of this.#inFlight) {
      if (other.attempts > 0) return false;
      if ((other.stamp?.identity ?? null) !== this.identity) return false;
    }
    return true;
  }
}
