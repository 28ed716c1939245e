/**
 * A window that moves forward over a file of any size. Memory is what one read
 * takes, so whoever wants more at a time than that goes over it in pieces.
 */
import { EMPTY_BYTES } from "../lib/bytes.ts";

const CHUNK_SIZE_BYTES = 1024 * 1024;

/** As little as reading a file needs: one of the broker's disk will do, and so will any other. */
export interface ReadableFile {
  readonly sizeBytes: number;
  /** Fills `target` from a position on, as far as the file goes; answers how many bytes. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** The range, or as much of it as the file has. */
export async function readRange(
  file: ReadableFile,
  position: number,
  sizeBytes: number,
): Promise<Uint8Array> {
  const left = Math.max(0, file.sizeBytes - position);
  const bytes = new Uint8Array(Math.min(sizeBytes, left));
  return bytes.subarray(0, await file.read(bytes, position));
}

export class FileWindow {
  readonly file: ReadableFile;

  #bytes: Uint8Array = EMPTY_BYTES;
  #position = 0;

  constructor(file: ReadableFile) {
    this.file = file;
  }

  /** The bytes of this range that are at hand without reading: all of it, or null. */
  peek(position: number, sizeBytes: number): Uint8Array | null {
    const at = position - this.#position;
    if (at < 0 || at + sizeBytes > this.#bytes.length) return null;
    return this.#bytes.subarray(at, at + sizeBytes);
  }

  /** The range, fewer bytes where the file ends. What was answered before stays as it is. */
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
