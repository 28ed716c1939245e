/**
 * The memory in which the newest batches of all logs lie: a ring of large
 * chunks, made when first needed and then used over and over.
 *
 *   [ oldest chunk ][ ... ][ newest: batch batch batch | free ]
 *
 * Batches are copied in. Keeping the buffers they arrived in would cost more
 * than the copy of 16 KB in 2 us: each is collected only by a full collection of
 * the heap, and a buffer keeps all 64 KB that one read of a socket brought.
 * Measured: 27 full collections for 20,000 batches of 16 KB, and three quarters
 * of the broker's CPU time; none since.
 *
 * When the ring is full its oldest chunk is taken again, with all batches in it.
 * Bytes that a reader still sends must not change under it: a chunk with
 * readers is left to them, and a new one takes its place.
 */
import { assert } from "../lib/assert.ts";

/** Told, for each of its batches, that the oldest is gone. */
export interface TailOwner {
  dropOldest(): void;
}

export class TailChunk {
  readonly bytes: Uint8Array;
  #readerCount = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  get isRead(): boolean {
    return this.#readerCount > 0;
  }

  /** The bytes stay as they are until the function that this answers is called. */
  hold(): () => void {
    this.#readerCount++;
    let isHeld = true;
    return () => {
      assert(isHeld, "a chunk of the tail was released twice");
      isHeld = false;
      this.#readerCount--;
    };
  }
}

/** Where a batch's bytes were put. */
export interface TailPlace {
  readonly chunk: TailChunk;
  readonly start: number;
}

/** Chunks of the ring, newest last, each with the owner of each of its batches in order. */
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

  /** Copies the bytes in. Null for more than a chunk takes: it would push out everyone else's. */
  add(owner: TailOwner, bytes: Uint8Array): TailPlace | null {
    if (bytes.length > this.#chunkSizeBytes) return null;
    let newest = this.#ring.at(-1);
    if (
      newest === undefined ||
      newest.usedSizeBytes + bytes.length > this.#chunkSizeBytes
    ) {
      newest = this.#nextChunk();
    }
    const start = newest.usedSizeBytes;
    newest.chunk.bytes.set(bytes, start);
    newest.usedSizeBytes += bytes.length;
    newest.owners.push(owner);
    return { chunk: newest.chunk, start };
  }

  #nextChunk(): Filling {
    let chunk: TailChunk | null = null;
    if (this.#ring.length === this.#chunkCountMax) {
      const oldest = this.#ring.shift();
      for (const owner of oldest?.owners ?? []) owner.dropOldest();
      if (oldest?.chunk.isRead === false) chunk = oldest.chunk;
    }
    chunk ??= new TailChunk(this.#chunkSizeBytes);
    const filling = { chunk, owners: [], usedSizeBytes: 0 };
    this.#ring.push(filling);
    return filling;
  }
}
