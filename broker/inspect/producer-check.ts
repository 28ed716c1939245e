/**
 * Holds producer snapshots against the log: what each says of a producer must
 * be what the batches below its offset say. A producer that a snapshot does not
 * name may have been forgotten; one whose batches are gone is believed.
 */
import {
  ProducerState,
  type ProducerEntry,
  producerOf,
} from "../storage/producer-state.ts";
import { type JudgedBatch, lastOffsetOf } from "./batch-order.ts";

export interface ReadSnapshot {
  readonly offset: number;
  readonly entries: readonly ProducerEntry[];
}

export class ProducerCheck {
  readonly #snapshots: ReadSnapshot[];
  readonly #wrong = new Map<number, string>();
  readonly #log = new ProducerState();
  #isKnown: boolean;
  #nextOffset: number | null = null;

  /** `isDense`: no batch of the log was compacted away, so each can be looked for. */
  constructor(snapshots: readonly ReadSnapshot[], isDense: boolean) {
    this.#snapshots = [...snapshots];
    this.#isKnown = isDense;
  }

  add(batch: JudgedBatch): void {
    const baseOffset = batch.mend?.baseOffset ?? batch.baseOffset;
    // What a repair took out is missing as well.
    this.#nextOffset ??= baseOffset;
    if (baseOffset > this.#nextOffset) this.#isKnown = false;
    this.#compareUpTo(baseOffset);
    const lastOffset = lastOffsetOf(batch);
    this.#nextOffset = lastOffset + 1;
    const { maxTimestampMs } = batch;
    const at = { baseOffset, lastOffset, maxTimestampMs };
    const producer = producerOf(batch.header, 0, at);
    if (producer !== null) this.#log.apply(producer, maxTimestampMs);
  }

  /** A part of the log is not known: from here on nothing is compared. */
  hole(): void {
    this.#isKnown = false;
  }

  /** By snapshot offset, what is wrong. */
  end(): ReadonlyMap<number, string> {
    this.#compareUpTo(Number.POSITIVE_INFINITY);
    return this.#wrong;
  }

  #compareUpTo(offset: number): void {
    for (;;) {
      const [snapshot] = this.#snapshots;
      if (snapshot === undefined || snapshot.offset > offset) return;
      this.#snapshots.shift();
      const wrong = this.#compare(snapshot);
      if (wrong !== null) this.#wrong.set(snapshot.offset, wrong);
    }
  }

  #compare({ offset, entries }: ReadSnapshot): string | null {
    for (const entry of entries) {
      const { producerId } = entry;
      const last = entry.batches.at(-1);
      const first = entry.transactionFirstOffset ?? -1;
      if ((last?.lastOffset ?? -1) >= offset || first >= offset) {
        return `producer ${producerId} at an offset behind the snapshot`;
      }
      const isKnown = this.#isKnown && offset <= (this.#nextOffset ?? 0);
      const known = isKnown ? this.#log.get(producerId) : null;
      const logged = known?.batches.at(-1);
      if (known === null || logged === undefined || last === undefined)
        continue;
      const isSame =
        entry.epoch === known.epoch &&
        last.lastSequence === logged.lastSequence &&
        last.lastOffset === logged.lastOffset;
      if (!isSame) {
        return `producer ${producerId} at sequence ${last.lastSequence}, offset ${last.lastOffset}, epoch ${entry.epoch}; the log has ${logged.lastSequence}, ${logged.lastOffset}, ${known.epoch}`;
      }
    }
    return null;
  }
}
