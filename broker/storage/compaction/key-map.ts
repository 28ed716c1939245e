/**
 * The newest offset of each key in the part of a log that is being compacted,
 * in memory that does not grow.
 *
 *   slot := hash: 4 x uint32, SipHash of the key
 *           offset + 1: 2 x uint32, high half first   // 0: the slot is free
 *
 * Open addressing: a key lies in the first free slot from the one its hash
 * names. Keys themselves are not kept. Two keys with the same 128 bits would be
 * taken for one, and the older lost; the hash is keyed at random, so nobody can
 * make such a pair, and by chance it does not happen. (Kafka's
 * `SkimpyOffsetMap` does the same with MD5, for which pairs can be made.)
 *
 * When the map is full, what does not fit is left for the next pass: see
 * `endOffset`.
 */
import { assert } from "../../lib/assert.ts";
import { SIPHASH_WORDS, type SipHash } from "../../lib/siphash.ts";

const WORDS_PER_SLOT = SIPHASH_WORDS + 2;
export const KEY_MAP_SLOT_SIZE_BYTES = WORDS_PER_SLOT * 4;
/** Kafka's `log.cleaner.io.buffer.load.factor`: fuller, and probing takes long. */
const LOAD_FACTOR = 0.9;

export class KeyMap {
  readonly #hash: SipHash;
  readonly #slots: Uint32Array;
  readonly #slotCount: number;
  readonly #keyCountMax: number;
  readonly #hashed = new Uint32Array(SIPHASH_WORDS);
  #keyCount = 0;
  #endOffset: number;

  /**
   * `sizeBytesMax` is the budget, `recordCountMax` how many keys there can be:
   * no more is allocated than the smaller of the two asks for. `startOffset` is
   * where the part begins that is mapped.
   */
  constructor(
    hash: SipHash,
    limits: { readonly sizeBytesMax: number; readonly recordCountMax: number },
    startOffset: number,
  ) {
    const affordable = Math.floor(
      limits.sizeBytesMax / KEY_MAP_SLOT_SIZE_BYTES,
    );
    const useful = Math.ceil(limits.recordCountMax / LOAD_FACTOR) + 1;
    this.#hash = hash;
    this.#slotCount = Math.max(2, Math.min(affordable, useful));
    this.#keyCountMax = Math.max(1, Math.floor(this.#slotCount * LOAD_FACTOR));
    this.#slots = new Uint32Array(this.#slotCount * WORDS_PER_SLOT);
    this.#endOffset = startOffset;
  }

  get keyCount(): number {
    return this.#keyCount;
  }

  get sizeBytes(): number {
    return this.#slots.byteLength;
  }

  /** Every key in the part up to here is in the map; exclusive. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** What lies before the offset has been put, as far as it has a key. */
  advanceTo(endOffset: number): void {
    this.#endOffset = Math.max(this.#endOffset, endOffset);
  }

  /** False when there is no room: then this offset is where the map ends. */
  put(key: Uint8Array, offset: number): boolean {
    assert(offset >= this.#endOffset, "offsets are put in their order");
    const at = this.#find(key);
    if (this.#isFree(at)) {
      if (this.#keyCount >= this.#keyCountMax) return false;
      this.#slots.set(this.#hashed, at);
      this.#keyCount++;
    }
    const stored = offset + 1;
    this.#slots[at + SIPHASH_WORDS] = Math.floor(stored / 2 ** 32);
    this.#slots[at + SIPHASH_WORDS + 1] = stored >>> 0;
    this.#endOffset = stored;
    return true;
  }

  /** The newest offset of the key; -1 where it is not in the part. */
  get(key: Uint8Array): number {
    return this.#offsetAt(this.#find(key));
  }

  /** The key's slot, or the free one that it would get. One is always free. */
  #find(key: Uint8Array): number {
    const hashed = this.#hashed;
    const slots = this.#slots;
    this.#hash.hashInto(hashed, key);
    let slot = (hashed[0] ?? 0) % this.#slotCount;
    for (;;) {
      const at = slot * WORDS_PER_SLOT;
      if (
        this.#isFree(at) ||
        (slots[at] === hashed[0] &&
          slots[at + 1] === hashed[1] &&
          slots[at + 2] === hashed[2] &&
          slots[at + 3] === hashed[3])
      ) {
        return at;
      }
      slot = slot + 1 === this.#slotCount ? 0 : slot + 1;
    }
  }

  #isFree(at: number): boolean {
    return this.#offsetAt(at) === -1;
  }

  #offsetAt(at: number): number {
    const high = this.#slots[at + SIPHASH_WORDS] ?? 0;
    const low = this.#slots[at + SIPHASH_WORDS + 1] ?? 0;
    return high * 2 ** 32 + low - 1;
  }
}
