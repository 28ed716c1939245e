/**
 * Tells the batches of a .log file whose CRC holds from what lies between them,
 * whatever happened to the file: where the opener stops at the first byte that
 * it cannot use, this goes on to the next batch that can be believed. How that
 * is found, see storage/batch-search.ts.
 */
import { partitionLeaderEpochOf, recordsCountOf } from "../record/batch.ts";
import { HEADER_SIZE } from "../record/batch-format.ts";
import type { ScannedBatch } from "../storage/batch-scan.ts";
import {
  BatchSearch,
  findCrcFault,
  type OffsetBounds,
  wholeBatchAt,
} from "../storage/batch-search.ts";
import { FileWindow, type ReadableFile } from "../storage/file-window.ts";

/** Handed on at a time: less than that and waiting costs more than the work. */
const PIECES_PER_YIELD = 256;

export interface SoundBatch extends ScannedBatch {
  readonly kind: "batch";
  readonly leaderEpoch: number;
  readonly recordCount: number;
  /** A copy of the header, as it lies in the file. */
  readonly header: Uint8Array;
}

/** Bytes that are no batch, or one that is not what was written. */
export interface Hole {
  readonly kind: "hole";
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
}

/** All of the file, in order and without gaps, a few pieces at a time. */
export async function* findSoundBatches(
  file: ReadableFile,
  bounds: OffsetBounds,
): AsyncGenerator<readonly (SoundBatch | Hole)[]> {
  const window = new FileWindow(file);
  const search = new BatchSearch(window, bounds);
  const { baseOffset } = bounds;
  let pieces: (SoundBatch | Hole)[] = [];
  let position = 0;
  while (position < file.sizeBytes) {
    const batch = await soundBatchAt(window, position);
    if (typeof batch !== "string") {
      pieces.push(batch);
      position += batch.sizeBytes;
    } else {
      const damage = await search.damageFrom(position, batch, baseOffset);
      for (const { sizeBytes, detail } of damage) {
        pieces.push({ kind: "hole", position, sizeBytes, detail });
        position += sizeBytes;
      }
    }
    if (pieces.length >= PIECES_PER_YIELD) {
      yield pieces;
      pieces = [];
    }
  }
  if (pieces.length > 0) yield pieces;
}

/** The batch there, or why there is none that can be believed. */
async function soundBatchAt(
  window: FileWindow,
  position: number,
): Promise<SoundBatch | string> {
  const batch = await wholeBatchAt(window, position);
  if (typeof batch === "string") return batch;
  const header = (await window.read(position, HEADER_SIZE)).slice();
  const fault = await findCrcFault(window, batch);
  if (fault !== null) return fault;
  return {
    kind: "batch",
    ...batch,
    leaderEpoch: partitionLeaderEpochOf(header, 0),
    recordCount: recordsCountOf(header, 0),
    header,
  };
}
