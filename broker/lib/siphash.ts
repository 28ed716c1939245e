/**
 * SipHash-2-4 with 128 bits: a keyed hash for short inputs that strangers chose.
 *
 * Whoever does not know the key cannot find two inputs with the same hash, so
 * 128 bits may stand for the input itself. In JavaScript it takes half the time
 * of a call into OpenSSL for any of its digests.
 *
 * 64-bit words are pairs of 32-bit halves, `h` and `l`: a BigInt is fifty times
 * slower. The specification is Aumasson and Bernstein's (2012).
 */
import { assert } from "./assert.ts";

export const SIPHASH_KEY_SIZE = 16;
/** Of the hash, in 32-bit words. */
export const SIPHASH_WORDS = 4;

/** Where a hash is in its course: what follows when its rounds are done. */
const MIXING = 0;
const FIRST_HALF = 1;
const SECOND_HALF = 2;

export class SipHash {
  readonly #k0l: number;
  readonly #k0h: number;
  readonly #k1l: number;
  readonly #k1h: number;

  /** `key`: 16 bytes that nobody else knows. */
  constructor(key: Uint8Array) {
    assert(key.length === SIPHASH_KEY_SIZE, "a key of SipHash has 16 bytes");
    this.#k0l = readWord(key, 0);
    this.#k0h = readWord(key, 4);
    this.#k1l = readWord(key, 8);
    this.#k1h = readWord(key, 12);
  }

  /** Writes the hash's four words, the first byte in the lowest bits of the first. */
  hashInto(target: Uint32Array, bytes: Uint8Array): void {
    let v0h = this.#k0h ^ 0x736f6d65;
    let v0l = this.#k0l ^ 0x70736575;
    let v1h = this.#k1h ^ 0x646f7261;
    let v1l = this.#k1l ^ 0x6e646f6d ^ 0xee;
    let v2h = this.#k0h ^ 0x6c796765;
    let v2l = this.#k0l ^ 0x6e657261;
    let v3h = this.#k1h ^ 0x74656462;
    let v3l = this.#k1l ^ 0x79746573;

    // One copy of the round serves all stages, so that the state stays in
    // registers: as a function of its own it would cost twice the time.
    let stage = MIXING;
    let at = 0;
    for (;;) {
      let wordL = 0;
      let wordH = 0;
      let rounds = 4;
      if (stage === MIXING) {
        rounds = 2;
        if (at + 8 <= bytes.length) {
          wordL = readWord(bytes, at);
          wordH = readWord(bytes, at + 4);
        } else {
          wordL = readRest(bytes, at, 0);
          wordH = readRest(bytes, at, 4) | ((bytes.length & 0xff) << 24);
        }
        v3h ^= wordH;
        v3l ^= wordL;
      } else if (stage === FIRST_HALF) v2l ^= 0xee;
      else v1l ^= 0xdd;

      for (let round = 0; round < rounds; round++) {
        let sum = (v0l >>> 0) + (v1l >>> 0);
        v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v0l = sum | 0;
        let half = v1h;
        v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
        v1l = ((v1l << 13) | (half >>> 19)) ^ v0l;
        half = v0h;
        v0h = v0l;
        v0l = half;
        sum = (v2l >>> 0) + (v3l >>> 0);
        v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v2l = sum | 0;
        half = v3h;
        v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
        v3l = ((v3l << 16) | (half >>> 16)) ^ v2l;
        sum = (v0l >>> 0) + (v3l >>> 0);
        v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v0l = sum | 0;
        half = v3h;
        v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
        v3l = ((v3l << 21) | (half >>> 11)) ^ v0l;
        sum = (v2l >>> 0) + (v1l >>> 0);
        v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
        v2l = sum | 0;
        half = v1h;
        v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
        v1l = ((v1l << 17) | (half >>> 15)) ^ v2l;
        half = v2h;
        v2h = v2l;
        v2l = half;
      }

      if (stage === MIXING) {
        v0h ^= wordH;
        v0l ^= wordL;
        // The last word holds the rest, which may be empty, and the length.
        if (at + 8 > bytes.length) stage = FIRST_HALF;
        at += 8;
        continue;
      }
      const first = stage === FIRST_HALF ? 0 : 2;
      target[first] = v0l ^ v1l ^ v2l ^ v3l;
      target[first + 1] = v0h ^ v1h ^ v2h ^ v3h;
      if (stage === SECOND_HALF) return;
      stage = SECOND_HALF;
    }
  }
}

/** Little-endian. */
function readWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}

/** Up to four bytes of a rest of up to seven, from its `skip`-th on. */
function readRest(bytes: Uint8Array, at: number, skip: number): number {
  let word = 0;
  for (let index = 0; index < 4; index++) {
    const position = at + skip + index;
    if (position >= bytes.length) break;
    word |= (bytes[position] ?? 0) << (8 * index);
  }
  return word;
}
