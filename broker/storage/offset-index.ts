/**
 * Maps offsets to positions for one segment, sparsely.
 *
 *   entry := relativeOffset: uint32   // last offset of a batch - the segment's base offset
 *            position:       uint32   // of that batch in the .log file
 *
 * DO NOT CHANGE: on disk, Kafka's own format. Entries are sorted by both
 * fields. Kafka's tools check that the offset is the batch's *last* one.
 */
import { assert } from "../lib/assert.ts";
import { readUint32, writeInt32 } from "../lib/bytes.ts";
import type { FileCache } from "./file-cache.ts";
import { SparseIndex } from "./sparse-index.ts";
import type { EntryFormat, IndexBlockCache } from "./sparse-index.ts";

export const OFFSET_INDEX_ENTRY_SIZE = 8;
/** Kafka reads relative offsets as signed. */
export const RELATIVE_OFFSET_MAX = 0x7fffffff;

const format: EntryFormat = {
  entrySizeBytes: OFFSET_INDEX_ENTRY_SIZE,
  keyAt: readUint32,
};

export interface IndexedPosition {
  readonly offset: number;
  readonly position: number;
}

export class OffsetIndex {
  readonly #baseOffset: number;
  readonly #entries: SparseIndex;
  #lastRelativeOffset = -1;

  constructor(
    at: { readonly path: string; readonly baseOffset: number },
    files: FileCache,
    blocks: IndexBlockCache,
    entryCount: number,
  ) {
    this.#baseOffset = at.baseOffset;
    this.#entries = new SparseIndex(at.path, files, blocks, {
      format,
      entryCount,
    });
  }

  get entries(): SparseIndex {
    return this.#entries;
  }

  append(lastOffset: number, position: number): void {
    const relative = lastOffset - this.#baseOffset;
    assert(
      relative <= RELATIVE_OFFSET_MAX,
      "offset is too far for its segment",
    );
    assert(relative > this.#lastRelativeOffset, "offset index goes back");
    this.#lastRelativeOffset = relative;
    const entry = this.#entries.append();
    writeInt32(entry.bytes, entry.position, relative);
    writeInt32(entry.bytes, entry.position + 4, position);
  }

  /** A place at or before the batch with that offset to scan from: at worst the segment's start. */
  async lookup(offset: number): Promise<IndexedPosition> {
    const relative = Math.min(offset - this.#baseOffset, RELATIVE_OFFSET_MAX);
    return this.#positionOf(await this.#entries.find(relative));
  }

  /** The last entry; the segment's start of an empty index. */
  async last(): Promise<IndexedPosition> {
    return this.#positionOf(await this.#entries.last());
  }

  /** The next indexed batch behind a position, or null. */
  async nextBehind(position: number): Promise<IndexedPosition | null> {
    const positionAt = (bytes: Uint8Array, at: number) =>
      readUint32(bytes, at + 4);
    const entry = await this.#entries.firstAbove(position, positionAt);
    return entry === null ? null : this.#positionOf(entry);
  }

  #positionOf(entry: Uint8Array | null): IndexedPosition {
    if (entry === null) return { offset: this.#baseOffset, position: 0 };
    return {
      offset: this.#baseOffset + readUint32(entry, 0),
      position: readUint32(entry, 4),
    };
  }
}
