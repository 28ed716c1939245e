/**
 * Walks over the batches of a .log file by their headers, for people: where the
 * broker's own scan stops at the first thing it cannot use, this says what lies
 * there and how much of it.
 */
import { HEADER_SIZE } from "../record/batch-format.ts";
import {
  readHeader,
  type ScannedBatch,
  wholeBatch,
} from "../storage/batch-scan.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";

/** Read at a time; most batches are far smaller. */
const CHUNK_SIZE_BYTES = 64 * 1024;

export interface WalkedBatch extends ScannedBatch {
  readonly kind: "batch";
  /** The bytes of the header, as they are. */
  readonly header: Uint8Array;
}

/** Where the batches end before the file does. */
export interface Damage {
  readonly kind: "damage";
  readonly position: number;
  /** From there to the end of the file. */
  readonly sizeBytes: number;
  readonly detail: string;
}

/** Every batch, in order; then what cannot be one, if there is such. */
export async function* walkBatches(
  file: ReadableFile,
): AsyncGenerator<WalkedBatch | Damage> {
  let chunk: Uint8Array = new Uint8Array(0);
  let chunkPosition = 0;
  let position = 0;
  while (position < file.sizeBytes) {
    if (position + HEADER_SIZE > chunkPosition + chunk.length) {
      chunk = await readRange(file, position, CHUNK_SIZE_BYTES);
      chunkPosition = position;
    }
    const at = position - chunkPosition;
    const batch = wholeBatch(readHeader(chunk, at, position), file.sizeBytes);
    if (typeof batch === "string") {
      const sizeBytes = file.sizeBytes - position;
      yield { kind: "damage", position, sizeBytes, detail: batch };
      return;
    }
    const header = chunk.slice(at, at + HEADER_SIZE);
    yield { kind: "batch", ...batch, header };
    position += batch.sizeBytes;
  }
}
