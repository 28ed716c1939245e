/**
 * The newest batches of each log, in memory, so that consumers that keep up
 * are answered without a file or an index.
 *
 * One budget for all logs of a data directory: when it is spent, the batch that
 * was added first, whichever log's it is, leaves first. A small view of a large
 * buffer is copied, so that no more than twice the budget is ever held. What a
 * closed log leaves ages out like the rest.
 */
import { assert } from "../lib/assert.ts";
import type { Segment } from "./segment.ts";

export interface TailBatch {
  readonly segment: Segment;
  readonly position: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
}

/** A queue that gives up its front without moving the rest each time. */
class Fifo<Item> {
  #items: Item[] = [];
  #front = 0;

  get count(): number {
    return this.#items.length - this.#front;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  at(index: number): Item | undefined {
    return this.#items[this.#front + index];
  }

  shift(): Item | undefined {
    const item = this.#items[this.#front];
    if (item === undefined) return undefined;
    this.#front++;
    if (this.#front > 32 && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
    return item;
  }
}

export class TailBudget {
  readonly sizeBytesMax: number;
  #sizeBytes = 0;
  /** One entry for each batch that was added, oldest first. */
  readonly #owners = new Fifo<TailCache>();

  constructor(sizeBytesMax: number) {
    this.sizeBytesMax = sizeBytesMax;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  take(owner: TailCache, sizeBytes: number): void {
    this.#owners.push(owner);
    this.#sizeBytes += sizeBytes;
    while (this.#sizeBytes > this.sizeBytesMax) {
      const oldest = this.#owners.shift();
      assert(oldest !== undefined, "the budget was spent by nobody");
      this.#sizeBytes -= oldest.dropOldest();
    }
  }
}

export class TailCache {
  readonly #budget: TailBudget;
  readonly #batches = new Fifo<TailBatch>();

  constructor(budget: TailBudget) {
    this.#budget = budget;
  }

  /** Batches must come in the order of their offsets. */
  add(batch: TailBatch): void {
    const { bytes } = batch;
    // It would push out everyone else's. The gap it leaves is seen when reading.
    if (bytes.length > this.#budget.sizeBytesMax / 8) return;
    const isSmallPart = bytes.length * 2 < bytes.buffer.byteLength;
    this.#batches.push(
      // Not `slice`, which copies nothing if the view is a `Buffer`.
      isSmallPart ? { ...batch, bytes: new Uint8Array(bytes) } : batch,
    );
    this.#budget.take(this, bytes.length);
  }

  /**
   * Batches from the one that holds `offset` on, one behind the other in one
   * segment, of at most `sizeBytesMax` but always the first. Null when the
   * offset is older than what is kept.
   */
  read(offset: number, sizeBytesMax: number): readonly TailBatch[] | null {
    let index = this.#find(offset);
    const first = this.#batches.at(index);
    if (first === undefined || offset < first.baseOffset) return null;
    const found = [first];
    let position = first.position + first.bytes.length;
    let sizeBytes = first.bytes.length;
    while (sizeBytes < sizeBytesMax) {
      const batch = this.#batches.at(++index);
      if (batch === undefined || batch.segment !== first.segment) break;
      if (batch.position !== position) break;
      found.push(batch);
      position += batch.bytes.length;
      sizeBytes += batch.bytes.length;
    }
    return found;
  }

  /** The budget asks for the oldest batch back; answers its size. */
  dropOldest(): number {
    return this.#batches.shift()?.bytes.length ?? 0;
  }

  /** The index of the first batch whose last offset is not below the offset. */
  #find(offset: number): number {
    let low = 0;
    let high = this.#batches.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches.at(middle)?.lastOffset ?? -1) < offset) {
        low = middle + 1;
      } else high = middle;
    }
    return low;
  }
}
