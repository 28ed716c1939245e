/**
 * The newest batches of one log, in memory, so that consumers that keep up are
 * answered without a file or an index. The memory is shared by all logs of a
 * data directory: the batch that was added first, whichever log's it is, leaves
 * first. What a closed log leaves ages out like the rest.
 */
import type { Payload } from "../lib/payload.ts";
import type {
  TailChunk,
  TailMemory,
  TailOwner,
  TailPlace,
} from "./tail-memory.ts";

/** Told apart by identity only. */
type TailSegment = object;

/** What the tail must know of a batch that has been written. */
export interface WrittenTailBatch {
  readonly position: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly bytes: Uint8Array;
  /** Null: too large to be kept. */
  readonly place: TailPlace | null;
}

/** A batch's bytes as the log has them for itself; whoever asked releases the chunk. */
export interface OwnBytes {
  readonly bytes: Uint8Array;
  readonly place: TailPlace | null;
}

export interface TailBatch {
  readonly segment: TailSegment;
  readonly position: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly sizeBytes: number;
  readonly place: TailPlace;
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

  shift(): void {
    this.#front++;
    if (this.#front > 32 && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front);
      this.#front = 0;
    }
  }
}

export class TailCache implements TailOwner {
  readonly #memory: TailMemory;
  readonly #batches = new Fifo<TailBatch>();

  constructor(memory: TailMemory) {
    this.#memory = memory;
  }

  /** Copies the bytes to where they will be written, and read, from. */
  copy(bytes: Uint8Array): OwnBytes {
    const place = this.#memory.reserve(this, bytes.length);
    if (place === null) return { bytes: bytes.slice(), place };
    const { chunk, start } = place;
    const own = chunk.bytes.subarray(start, start + bytes.length);
    own.set(bytes);
    return { bytes: own, place };
  }

  /** Readers find the batch from now on. Batches must come in the order of their offsets. */
  add(segment: TailSegment, batch: WrittenTailBatch): void {
    const { place } = batch;
    // The gap that a large one leaves, or one whose chunk is others' by now, is
    // seen when reading.
    if (place === null || !place.chunk.isInRing) return;
    this.#batches.push({
      segment,
      position: batch.position,
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      sizeBytes: batch.bytes.length,
      place,
    });
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
    let position = first.position + first.sizeBytes;
    let sizeBytes = first.sizeBytes;
    while (sizeBytes < sizeBytesMax) {
      const batch = this.#batches.at(++index);
      if (batch === undefined || batch.segment !== first.segment) break;
      if (batch.position !== position) break;
      found.push(batch);
      position += batch.sizeBytes;
      sizeBytes += batch.sizeBytes;
    }
    return found;
  }

  /** The chunk is needed for others; it has the oldest batches, or none that were added. */
  drop(chunk: TailChunk): void {
    while (this.#batches.at(0)?.place.chunk === chunk) this.#batches.shift();
  }

  /** Compaction rewrites what lies below: it is to be read from the files. */
  forgetBelow(offset: number): void {
    while ((this.#batches.at(0)?.lastOffset ?? offset) < offset) {
      this.#batches.shift();
    }
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

/** Views of the batches' first `sizeBytes` bytes, held until the payload is released. */
export function tailPayload(
  batches: readonly TailBatch[],
  sizeBytes: number,
): Payload {
  const parts: Uint8Array[] = [];
  const held: TailChunk[] = [];
  let left = sizeBytes;
  let index = 0;
  while (left > 0) {
    const first = batches[index];
    if (first === undefined) break;
    // Batches that lie one behind the other go out as one part.
    const { chunk, start } = first.place;
    let end = start;
    let next: TailBatch | undefined = first;
    while (next?.place.chunk === chunk && next.place.start === end) {
      end += next.sizeBytes;
      next = batches[++index];
    }
    const part = chunk.bytes.subarray(start, Math.min(end, start + left));
    parts.push(part);
    chunk.hold();
    held.push(chunk);
    left -= part.length;
  }
  return {
    sizeBytes: sizeBytes - left,
    parts,
    release: () => {
      for (const chunk of held) chunk.release();
    },
  };
}
