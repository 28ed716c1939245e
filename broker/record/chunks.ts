/** The pieces of an output whose size is not known before, up to a limit. */
import { concatBytes } from "../lib/bytes.ts";

export class Chunks {
  readonly sizeBytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(sizeBytesMax: number) {
    this.sizeBytesMax = sizeBytesMax;
  }

  get sizeBytesLeft(): number {
    return this.sizeBytesMax - this.#sizeBytes;
  }

  /** False, and nothing taken, where the limit would be passed. */
  push(chunk: Uint8Array): boolean {
    if (chunk.length > this.sizeBytesLeft) return false;
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.length;
    return true;
  }

  /** One array of all; a single piece is handed on as it is. */
  join(): Uint8Array {
    const [first] = this.#chunks;
    if (first !== undefined && this.#chunks.length === 1) return first;
    return concatBytes(this.#chunks);
  }
}
