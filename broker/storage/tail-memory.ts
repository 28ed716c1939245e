/**
 * The memory in which the newest batches of all logs lie, and those on their way
 * to a file: a ring of large chunks, made when first needed and then used over
 * and over.
 *
 *   [ oldest chunk ][ ... ][ newest: batch batch batch | free ]
 *
 * Batches are copied in when they are appended, and written to the file from
 * here. Keeping the buffers they arrived in would cost more than the copy of
 * 16 KB in 2 us: each is collected only by a full collection of the heap, and a
 * buffer keeps all 64 KB that one read of a socket brought. Measured: 27 full
 * collections for 20,000 batches of 16 KB, and three quarters of the broker's
 * CPU time; none since.
 *
 * When the ring is full its oldest chunk is taken again, with all batches in it.
 * Bytes that are still to be written, or that a reader still sends, must not
 * change under them: a chunk that is held is left to its holders, and a new one
 * takes its place.
 */
import { assert } from "../lib/assert.ts";

/** Whoever has batches in a chunk is told when it is taken for others. */
export interface TailOwner {
  drop(chunk: TailChunk): void;
}

export class TailChunk {
  readonly bytes: Uint8Array;
  /** In the ring, so that its owners will be told when it no longer is. */
  isInRing = true;
  #holdCount = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  get isHeld(): boolean {
    return this.#holdCount > 0;
  }

  /** The bytes stay as they are until `release` was called as often. */
  hold(): void {
    this.#holdCount++;
  }

  release(): void {
    assert(this.#holdCount > 0, "a chunk of the tail was released twice");
    this.#holdCount--;
  }
}

/** Where a batch's bytes were put. */
export interface TailPlace {
  readonly chunk: TailChunk;
  readonly start: number;
}

/** A chunk of the ring, and whose batches are in it: each owner once for a run of them. */
interface Filling {
  readonly chunk: TailChunk;
  readonly owners: TailOwner[];
  usedSizeBytes: number;
}

export class TailMemory {
  readonly #chunkSizeBytes: number;
  readonly #chunkCountMax: number;
  readonly #ring: Filling[] = [];

  constructor(chunkSizeBytes: number, chunkCountMax: number) {
    this.#chunkSizeBytes = chunkSizeBytes;
    this.#chunkCountMax = chunkCountMax;
  }

  /** Chunks that there are; those left to their last readers not counted. */
  get sizeBytes(): number {
    return this.#ring.length * this.#chunkSizeBytes;
  }

  /**
   * Room for a batch, held for the caller until it releases the chunk. Null for
   * more than a chunk takes: it would push out everyone else's.
   */
  reserve(owner: TailOwner, sizeBytes: number): TailPlace | null {
    if (sizeBytes > this.#chunkSizeBytes) return null;
    let newest = this.#ring.at(-1);
    if (
      newest === undefined ||
      newest.usedSizeBytes + sizeBytes > this.#chunkSizeBytes
    ) {
      newest = this.#nextChunk();
    }
    const start = newest.usedSizeBytes;
    newest.usedSizeBytes += sizeBytes;
    if (newest.owners.at(-1) !== owner) newest.owners.push(owner);
    newest.chunk.hold();
    return { chunk: newest.chunk, start };
  }

  #nextChunk(): Filling {
    let chunk: TailChunk | null = null;
    if (this.#ring.length === this.#chunkCountMax) {
      const oldest = this.#ring.shift();
      assert(oldest !== undefined, "a ring that is full has an oldest chunk");
      for (const owner of oldest.owners) owner.drop(oldest.chunk);
      if (oldest.chunk.isHeld) oldest.chunk.isInRing = false;
      else chunk = oldest.chunk;
    }
    chunk ??= new TailChunk(this.#chunkSizeBytes);
    const filling = { chunk, owners: [], usedSizeBytes: 0 };
    this.#ring.push(filling);
    return filling;
  }
}
