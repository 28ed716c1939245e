/**
 * Randomness that a seed decides: the same seed gives the same run.
 *
 * The generator is mulberry32: 32 bits of state, good enough to spread test
 * cases, no use for anything secret.
 */
import type { Random } from "../../broker/platform/random.ts";

export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, not including, `end`. */
  integer(end: number): number {
    return Math.floor(this.fraction() * end);
  }

  bytes(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    for (let index = 0; index < sizeBytes; index += 1) {
      bytes[index] = this.integer(256);
    }
    return bytes;
  }
}
