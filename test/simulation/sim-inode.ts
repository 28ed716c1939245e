/**
 * The content of one file, twice: as every process sees it (the page cache),
 * and as it surely is on the disk. Between the two lies what was written or cut
 * since the last sync; after a power cut any part of that may be there.
 *
 *   current   0 ......... dirtyFrom .... sizeBytes
 *   durable   0 ......... dirtyFrom ....... durableSizeBytes
 *
 * Files only grow at their end and are cut there, so below `dirtyFrom` both
 * are the same.
 */
import type { SeededRandom } from "../support/seeded-random.ts";

/** What a disk writes whole or not at all. */
const SECTOR_SIZE_BYTES = 512;

/** A sync under way: what it will have made durable. */
export interface PendingSync {
  readonly bytes: Uint8Array;
  readonly fromPosition: number;
  /** Of two syncs that overlap, the one that began later knows more. */
  readonly order: number;
  /** Cuts since lower it: from there on the file differs from what the sync wrote. */
  sameUpTo: number;
}

/** A mapped part that was not given back yet. */
export interface SimWindow {
  readonly end: number;
  /** False once the process that has it is dead. */
  readonly isHeld: () => boolean;
}

export class SimInode {
  readonly windows = new Set<SimWindow>();
  /** For the trace, and to tell files of one name apart. */
  readonly number: number;
  #bytes = new Uint8Array(256);
  #sizeBytes = 0;
  #durable = new Uint8Array(0);
  #dirtyFrom = 0;
  readonly #syncs = new Set<PendingSync>();
  #syncCount = 0;
  #endedSync = 0;

  constructor(number: number) {
    this.number = number;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(part: Uint8Array): void {
    const end = this.#sizeBytes + part.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#sizeBytes));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes >= this.#sizeBytes) return;
    this.#sizeBytes = sizeBytes;
    this.#dirtyFrom = Math.min(this.#dirtyFrom, sizeBytes);
    for (const sync of this.#syncs) {
      sync.sameUpTo = Math.min(sync.sameUpTo, sizeBytes);
    }
  }

  read(target: Uint8Array, position: number): number {
    const end = Math.min(this.#sizeBytes, position + target.length);
    if (end <= position) return 0;
    target.set(this.#bytes.subarray(position, end));
    return end - position;
  }

  /** A copy of the whole file. */
  content(): Uint8Array {
    return this.#bytes.slice(0, this.#sizeBytes);
  }

  beginSync(): PendingSync {
    const sync = {
      bytes: this.#bytes.slice(this.#dirtyFrom, this.#sizeBytes),
      fromPosition: this.#dirtyFrom,
      order: ++this.#syncCount,
      sameUpTo: this.#sizeBytes,
    };
    this.#syncs.add(sync);
    return sync;
  }

  endSync(sync: PendingSync): void {
    if (!this.#syncs.delete(sync) || sync.order < this.#endedSync) return;
    this.#endedSync = sync.order;
    const { bytes, fromPosition } = sync;
    const durable = new Uint8Array(fromPosition + bytes.length);
    durable.set(this.#durable.subarray(0, fromPosition));
    durable.set(bytes, fromPosition);
    this.#durable = durable;
    this.#dirtyFrom = Math.min(sync.sameUpTo, this.#sizeBytes);
  }

  /** The sync failed: the system may have let go of the pages that it could not write. */
  failSync(sync: PendingSync, dropsPages: boolean): void {
    if (!this.#syncs.delete(sync) || !dropsPages) return;
    const sizeBytes = Math.min(sync.sameUpTo, this.#sizeBytes);
    for (let position = sync.fromPosition; position < sizeBytes;) {
      this.#bytes[position] = this.#durable[position] ?? 0;
      position += 1;
    }
  }

  /** What a power cut leaves: of what was not synced any sectors, and any size between the two. */
  loseUnsynced(random: SeededRandom): void {
    const [low, high] = [this.#sizeBytes, this.#durable.length].sort(
      (a, b) => a - b,
    ) as [number, number];
    const sizes = [this.#durable.length, this.#sizeBytes, 0];
    sizes[2] = low + random.integer(high - low + 1);
    const sizeBytes = sizes[random.integer(3)] ?? low;
    // All, none, or each sector by itself.
    const keptShare = [0, 1, random.fraction()][random.integer(3)] ?? 0;
    const bytes = new Uint8Array(Math.max(sizeBytes, 256));
    bytes.set(this.#durable.subarray(0, sizeBytes));
    const from = Math.min(this.#dirtyFrom, sizeBytes);
    for (let position = from; position < sizeBytes;) {
      const sector = Math.floor(position / SECTOR_SIZE_BYTES) + 1;
      const end = Math.min(sector * SECTOR_SIZE_BYTES, sizeBytes);
      if (random.fraction() < keptShare) {
        const written = Math.min(end, this.#sizeBytes);
        if (written > position) {
          bytes.set(this.#bytes.subarray(position, written), position);
        }
      }
      position = end;
    }
    this.#bytes = bytes;
    this.#sizeBytes = sizeBytes;
    this.#durable = bytes.slice(0, sizeBytes);
    this.#dirtyFrom = sizeBytes;
    this.#syncs.clear();
  }

  /** A copy in another world; what is durable stays so. */
  clone(): SimInode {
    const copy = new SimInode(this.number);
    copy.#bytes = this.#bytes.slice();
    copy.#sizeBytes = this.#sizeBytes;
    copy.#durable = this.#durable.slice();
    copy.#dirtyFrom = this.#dirtyFrom;
    return copy;
  }
}
