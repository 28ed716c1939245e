/**
 * Reads sealed segments batch by batch for compaction, each with its CRC
 * checked: a batch that is rewritten gets a new CRC, and damage must not get a
 * good one with it. Offsets must rise, from segment to segment too.
 */
import { crcHolds } from "../../record/batch.ts";
import { HEADER_SIZE } from "../../record/batch-format.ts";
import { EMPTY_BYTES } from "../../lib/bytes.ts";
import { readHeader } from "../batch-scan.ts";
import type { ScannedBatch } from "../batch-scan.ts";
import type { LogFile } from "../log-file.ts";
import { StorageError } from "../storage-error.ts";
import type { Pace } from "./pace.ts";

const CHUNK_SIZE_BYTES = 256 * 1024;

export interface WalkedBatch extends ScannedBatch {
  /** The batch lies at `at`; the bytes stay as they are. */
  readonly bytes: Uint8Array;
  readonly at: number;
}

export class BatchWalk {
  readonly #pace: Pace;
  /** Offsets below it cannot follow. */
  #nextOffset = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /**
   * Whole batches from a position on, where one must start. Segments come in
   * their order. Throws `DiskError`, `CompactionStopped`, and `corrupt-file`
   * where a batch does not hold.
   */
  async *over(
    log: LogFile,
    startPosition: number,
  ): AsyncGenerator<WalkedBatch, void, void> {
    const endPosition = log.sizeBytes;
    let chunk: Uint8Array = EMPTY_BYTES;
    let chunkPosition = startPosition;
    let position = startPosition;
    const left = (): number => chunkPosition + chunk.length - position;
    const load = async (sizeBytes: number): Promise<void> => {
      const wanted = Math.max(sizeBytes, CHUNK_SIZE_BYTES);
      const next = new Uint8Array(Math.min(wanted, endPosition - position));
      chunk = next.subarray(0, await log.read(next, position));
      chunkPosition = position;
      this.#pace.note(chunk.length);
    };
    while (position < endPosition) {
      if (left() < HEADER_SIZE) await load(HEADER_SIZE);
      const batch = readHeader(chunk, position - chunkPosition, position);
      if (typeof batch === "string") throw corrupt(log, position, batch);
      const fault = this.#faultOf(batch, endPosition);
      if (fault !== null) throw corrupt(log, position, fault);
      if (left() < batch.sizeBytes) await load(batch.sizeBytes);
      const at = position - chunkPosition;
      if (!crcHolds(chunk, at)) throw corrupt(log, position, "a wrong crc");
      this.#nextOffset = batch.lastOffset + 1;
      yield { ...batch, bytes: chunk, at };
      position += batch.sizeBytes;
      if (this.#pace.isDue) await this.#pace.pause();
    }
  }

  #faultOf(batch: ScannedBatch, endPosition: number): string | null {
    if (batch.position + batch.sizeBytes > endPosition) {
      return `${batch.sizeBytes} bytes do not fit the file`;
    }
    return batch.baseOffset < this.#nextOffset
      ? `offset ${batch.baseOffset}, expected ${this.#nextOffset} or more`
      : null;
  }
}

function corrupt(log: LogFile, position: number, detail: string): StorageError {
  return new StorageError(
    "corrupt-file",
    log.path,
    `corrupt batch at ${log.path}:${position}: ${detail}`,
  );
}
