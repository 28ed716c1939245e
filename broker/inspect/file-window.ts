/**
 * A window that moves forward over a file of any size. Memory is what one read
 * takes, so whoever wants more at a time than that goes over it in pieces.
 */
import { EMPTY_BYTES } from "../lib/bytes.ts";
import { type InspectedFile, readRange } from "./inspected-file.ts";

const CHUNK_SIZE_BYTES = 1024 * 1024;

export class FileWindow {
  readonly file: InspectedFile;

  #bytes: Uint8Array = EMPTY_BYTES;
  #position = 0;

  constructor(file: InspectedFile) {
    this.file = file;
  }

  /** The bytes of this range that are at hand without reading: all of it, or null. */
  peek(position: number, sizeBytes: number): Uint8Array | null {
    const at = position - this.#position;
    if (at < 0 || at + sizeBytes > this.#bytes.length) return null;
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  /** The range, fewer bytes where the file ends; a view until the next call. */
  async read(position: number, sizeBytes: number): Promise<Uint8Array> {
    const known = this.peek(position, sizeBytes);
    if (known !== null) return known;
    const wanted = Math.max(sizeBytes, CHUNK_SIZE_BYTES);
    this.#bytes = await readRange(this.file, position, wanted);
    this.#position = position;
    return this.#bytes.subarray(0, sizeBytes);
  }

  /** The range piece by piece, for what may be as large as the file. */
  async *pieces(
    position: number,
    sizeBytes: number,
  ): AsyncGenerator<Uint8Array> {
    let at = position;
    const end = Math.min(position + sizeBytes, this.file.sizeBytes);
    while (at < end) {
      const piece = await this.read(at, Math.min(CHUNK_SIZE_BYTES, end - at));
      if (piece.length === 0) return;
      yield piece;
      at += piece.length;
    }
  }
}
