/**
 * Sorted entries of one width in a file that grows by `write`: what offset and
 * time index have in common.
 *
 *   file := { entry }     // sorted by key, no header, no checksum
 *
 * New entries gather in memory and go out many at a time; a look-up sees them
 * at once. The file is searched by halves, in blocks of 512 entries that a
 * shared cache keeps: the blocks at the top of the search stay in memory, so a
 * look-up mostly reads one block or none. Nothing is mapped: a block is read on
 * the thread pool, and no page fault can stop the event loop.
 *
 * After a crash the file is not searched but rebuilt from the log, so losing
 * the gathered entries loses nothing.
 */
import { LRUCache } from "lru-cache";
import { assert } from "../lib/assert.ts";
import { EMPTY_BYTES } from "../lib/bytes.ts";
import { CachedFile } from "./cached-file.ts";
import type { FileCache } from "./file-cache.ts";
import { StorageError } from "./storage-error.ts";

const ENTRIES_PER_BLOCK = 512;
/** Gathered entries that are worth a `write`. */
const FLUSH_ENTRY_COUNT = 128;
/** Keys of the cache: an index's number times this, plus the block's. */
const BLOCKS_PER_INDEX_MAX = 2 ** 24;

/** Blocks of all indexes of a data directory. */
export class IndexBlockCache {
  readonly #blockCountMax: number;
  /** Made with the first block, as it takes room for all of them. */
  #blocks: LRUCache<number, Uint8Array> | null = null;
  #indexCount = 0;

  constructor(blockCountMax = 1024) {
    this.#blockCountMax = blockCountMax;
  }

  /** Distinguishes an index from all others that use this cache. */
  newIndexNumber(): number {
    return this.#indexCount++;
  }

  get(indexNumber: number, block: number): Uint8Array | undefined {
    return this.#blocks?.get(indexNumber * BLOCKS_PER_INDEX_MAX + block);
  }

  set(indexNumber: number, block: number, bytes: Uint8Array): void {
    this.#blocks ??= new LRUCache({ max: this.#blockCountMax });
    this.#blocks.set(indexNumber * BLOCKS_PER_INDEX_MAX + block, bytes);
  }

  delete(indexNumber: number, block: number): void {
    this.#blocks?.delete(indexNumber * BLOCKS_PER_INDEX_MAX + block);
  }
}

export interface EntryFormat {
  readonly entrySizeBytes: number;
  /** The sort key of the entry at this position. */
  readonly keyAt: (bytes: Uint8Array, position: number) => number;
}

export class SparseIndex {
  readonly file: CachedFile;
  readonly #blocks: IndexBlockCache;
  readonly #format: EntryFormat;
  readonly #number: number;

  /** Entries in the file. */
  #writtenCount: number;
  /** Entries that are not in the file yet, and room for more. */
  #gathered = EMPTY_BYTES;
  #gatheredCount = 0;
  #flushing: Promise<void> | null = null;

  /** `entryCount`: what the file is known to hold; 0 where it may not exist. */
  constructor(
    path: string,
    files: FileCache,
    blocks: IndexBlockCache,
    options: { readonly format: EntryFormat; readonly entryCount: number },
  ) {
    this.file = new CachedFile(path, files);
    this.#blocks = blocks;
    this.#format = options.format;
    this.#writtenCount = options.entryCount;
    this.#number = blocks.newIndexNumber();
  }

  get path(): string {
    return this.file.path;
  }

  get entryCount(): number {
    return this.#writtenCount + this.#gatheredCount;
  }

  /** All entries are in memory: whatever the file holds is none of them. */
  get isUnwritten(): boolean {
    return this.#writtenCount === 0;
  }

  /** Enough gathered for a `flush` to be worth its call. */
  get isFlushDue(): boolean {
    return this.#gatheredCount >= FLUSH_ENTRY_COUNT;
  }

  /** A place for one more entry, to be filled by the caller at once. Keys must not go back. */
  append(): { readonly bytes: Uint8Array; readonly position: number } {
    const width = this.#format.entrySizeBytes;
    const position = this.#gatheredCount * width;
    if (position + width > this.#gathered.length) {
      const grown = new Uint8Array(Math.max(8 * width, position * 2));
      grown.set(this.#gathered);
      this.#gathered = grown;
    }
    this.#gatheredCount++;
    return { bytes: this.#gathered, position };
  }

  /**
   * Forgets the last entry of the file, where the next flush cuts it off. Not
   * beside a look-up, nor with entries that are gathered.
   */
  takeBackLast(): void {
    assert(
      this.#gatheredCount === 0 && this.#writtenCount > 0,
      `${this.path} has no last entry in its file`,
    );
    this.#writtenCount -= 1;
    // Its block may have been a whole one, and is none any more.
    const block = Math.floor(this.#writtenCount / ENTRIES_PER_BLOCK);
    this.#blocks.delete(this.#number, block);
  }

  /**
   * Writes what was gathered. After a failure the entries are still gathered,
   * and the next flush first cuts off what this one left. Throws `DiskError`.
   */
  async flush(): Promise<void> {
    // One at a time: the writer's, and that of the recovery checkpoint.
    while (this.#flushing !== null) await this.#flushing.catch(() => {});
    if (this.#gatheredCount === 0) return;
    this.#flushing = this.#flush(this.#gatheredCount);
    try {
      await this.#flushing;
    } finally {
      this.#flushing = null;
    }
  }

  async #flush(count: number): Promise<void> {
    const width = this.#format.entrySizeBytes;
    const lease = await this.file.lease("append");
    try {
      const { file } = lease;
      if (file.sizeBytes > this.#writtenCount * width) {
        await file.truncate(this.#writtenCount * width);
      }
      await file.append([this.#gathered.slice(0, count * width)]);
    } finally {
      lease.release();
    }
    this.#writtenCount += count;
    // More may have been gathered while the write ran.
    const rest = this.#gatheredCount - count;
    this.#gathered =
      rest === 0
        ? EMPTY_BYTES
        : this.#gathered.slice(count * width, (count + rest) * width);
    this.#gatheredCount = rest;
  }

  /** Cuts off what the file holds behind its known entries. Throws `DiskError`. */
  async truncate(): Promise<void> {
    const lease = await this.file.lease("append");
    try {
      await lease.file.truncate(
        this.#writtenCount * this.#format.entrySizeBytes,
      );
    } finally {
      lease.release();
    }
  }

  /** Throws `DiskError`. */
  async sync(): Promise<void> {
    if (this.#writtenCount === 0) return;
    const lease = await this.file.lease("any");
    try {
      await lease.file.sync();
    } finally {
      lease.release();
    }
  }

  /** The last entry whose key is at most `key`, or null. Throws `DiskError`, `corrupt-file`. */
  async find(key: number): Promise<Uint8Array | null> {
    const { keyAt } = this.#format;
    if (this.#gatheredCount > 0 && keyAt(this.#gathered, 0) <= key) {
      return this.#findIn(this.#gathered, this.#gatheredCount, key);
    }
    if (this.#writtenCount === 0) return null;
    let low = 0;
    let high = Math.floor((this.#writtenCount - 1) / ENTRIES_PER_BLOCK);
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const block = await this.#block(middle);
      if (keyAt(block, 0) <= key) low = middle;
      else high = middle - 1;
    }
    const block = await this.#block(low);
    return this.#findIn(block, block.length / this.#format.entrySizeBytes, key);
  }

  /** The last entry, or null of an empty index. Throws as `find`. */
  last(): Promise<Uint8Array | null> {
    return this.find(Number.MAX_SAFE_INTEGER);
  }

  /** The first entry for which `valueAt` gives more than that; its values must ascend as keys do. */
  async firstAbove(
    value: number,
    valueAt: (bytes: Uint8Array, position: number) => number,
  ): Promise<Uint8Array | null> {
    const count = this.entryCount;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (valueAt(await this.#entryAt(middle), 0) > value) high = middle;
      else low = middle + 1;
    }
    return low < count ? this.#entryAt(low) : null;
  }

  async #entryAt(slot: number): Promise<Uint8Array> {
    const width = this.#format.entrySizeBytes;
    const isWritten = slot < this.#writtenCount;
    const bytes = isWritten
      ? await this.#block(Math.floor(slot / ENTRIES_PER_BLOCK))
      : this.#gathered;
    const first = isWritten
      ? slot % ENTRIES_PER_BLOCK
      : slot - this.#writtenCount;
    return bytes.subarray(first * width, (first + 1) * width);
  }

  #findIn(bytes: Uint8Array, count: number, key: number): Uint8Array | null {
    const { keyAt, entrySizeBytes } = this.#format;
    let low = -1;
    let high = count - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (keyAt(bytes, middle * entrySizeBytes) <= key) low = middle;
      else high = middle - 1;
    }
    if (low < 0) return null;
    return bytes.subarray(low * entrySizeBytes, (low + 1) * entrySizeBytes);
  }

  async #block(block: number): Promise<Uint8Array> {
    const cached = this.#blocks.get(this.#number, block);
    if (cached !== undefined) return cached;
    const width = this.#format.entrySizeBytes;
    const first = block * ENTRIES_PER_BLOCK;
    const count = Math.min(ENTRIES_PER_BLOCK, this.#writtenCount - first);
    assert(count > 0, `block ${block} lies past the end of ${this.path}`);
    const bytes = new Uint8Array(count * width);
    // Not to append: that would create the file anew if it has just been removed.
    const lease = await this.file.lease("any");
    try {
      const sizeRead = await lease.file.read(bytes, first * width);
      if (sizeRead < bytes.length) {
        throw new StorageError(
          "corrupt-file",
          this.path,
          `ends ${bytes.length - sizeRead} bytes before entry ${first + count}`,
        );
      }
    } finally {
      lease.release();
    }
    // The last block of a growing file will hold more: only whole ones are kept.
    if (count === ENTRIES_PER_BLOCK) {
      this.#blocks.set(this.#number, block, bytes);
    }
    return bytes;
  }
}
