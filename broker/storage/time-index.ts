/**
 * Maps timestamps to offsets for one segment, sparsely.
 *
 *   entry := timestampMs:    int64    // greatest timestamp of the segment so far
 *            relativeOffset: uint32   // last offset of the batch that has it - the segment's base offset
 *
 * DO NOT CHANGE: on disk, Kafka's own format. It says: every record with a
 * greater timestamp has a greater offset. Timestamps grow strictly; an entry
 * that would not is left out. A sealed segment ends with the entry of its
 * greatest timestamp, which Kafka's retention goes by.
 */
import { assert } from "../lib/assert.ts";
import { readInt64, readUint32, writeInt32, writeInt64 } from "../lib/bytes.ts";
import type { FileCache } from "./file-cache.ts";
import { SparseIndex } from "./sparse-index.ts";
import type { EntryFormat, IndexBlockCache } from "./sparse-index.ts";

export const TIME_INDEX_ENTRY_SIZE = 12;

const format: EntryFormat = {
  entrySizeBytes: TIME_INDEX_ENTRY_SIZE,
  keyAt: readInt64,
};

export interface IndexedTimestamp {
  /** -1 where the index holds no timestamp so small. */
  readonly timestampMs: number;
  readonly offset: number;
}

export class TimeIndex {
  readonly #baseOffset: number;
  readonly #entries: SparseIndex;
  #lastTimestampMs: number;

  /** `lastTimestampMs`: of the last entry that the file holds; -1 for none. */
  constructor(
    at: { readonly path: string; readonly baseOffset: number },
    files: FileCache,
    blocks: IndexBlockCache,
    written: { readonly entryCount: number; readonly lastTimestampMs: number },
  ) {
    this.#baseOffset = at.baseOffset;
    this.#lastTimestampMs = written.lastTimestampMs;
    this.#entries = new SparseIndex(at.path, files, blocks, {
      format,
      entryCount: written.entryCount,
    });
  }

  get entries(): SparseIndex {
    return this.#entries;
  }

  maybeAppend(timestampMs: number, offset: number): void {
    if (timestampMs <= this.#lastTimestampMs) return;
    assert(offset >= this.#baseOffset, "offset lies before its segment");
    this.#lastTimestampMs = timestampMs;
    const entry = this.#entries.append();
    writeInt64(entry.bytes, entry.position, timestampMs);
    writeInt32(entry.bytes, entry.position + 8, offset - this.#baseOffset);
  }

  /** The last entry with a timestamp at most this: everything younger lies behind its offset. */
  async lookup(timestampMs: number): Promise<IndexedTimestamp> {
    return this.#timestampOf(await this.#entries.find(timestampMs));
  }

  async last(): Promise<IndexedTimestamp> {
    return this.#timestampOf(await this.#entries.last());
  }

  /**
   * To be called before the first append to a file that is there: gives its
   * last entry. One behind the last batch that is in the offset index,
   * `lastIndexedOffset`, was put there by a close. It does not follow from the
   * log, so it is taken back; the next close adds what is the greatest then.
   * Null: no batch is in the offset index. Throws as `SparseIndex.find`.
   */
  async resume(lastIndexedOffset: number | null): Promise<IndexedTimestamp> {
    const greatest = await this.last();
    let last = greatest;
    const isOfClose =
      last.timestampMs >= 0 &&
      (lastIndexedOffset === null || last.offset > lastIndexedOffset);
    if (isOfClose) {
      this.#entries.takeBackLast();
      last = await this.last();
    }
    this.#lastTimestampMs = last.timestampMs;
    return greatest;
  }

  #timestampOf(entry: Uint8Array | null): IndexedTimestamp {
    if (entry === null) return { timestampMs: -1, offset: this.#baseOffset };
    return {
      timestampMs: readInt64(entry, 0),
      offset: this.#baseOffset + readUint32(entry, 8),
    };
  }
}
