/**
 * Holds an index against its log while somebody walks over the log: entry by
 * entry, in step with the batches, both files read once.
 *
 * What is right is not only what our own rule would write: Kafka's entries may
 * be denser or sparser, and it reserves room in an index that still grows. An
 * entry must be true, and entries must be sorted; of a time index that is
 * complete, the last entry must be the segment's greatest timestamp.
 */
import { EMPTY_BYTES, readInt64, readUint32 } from "../lib/bytes.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "../storage/offset-index.ts";
import { TIME_INDEX_ENTRY_SIZE } from "../storage/time-index.ts";
import { type JudgedPiece, lastOffsetOf } from "./batch-order.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";

const ENTRIES_PER_READ = 4096;

/** The first entry that does not hold. */
export interface WrongEntry {
  readonly position: number;
  readonly detail: string;
}

export interface IndexCheck {
  /** The next batches of the log, and the holes between them. */
  walk(pieces: readonly JudgedPiece[]): Promise<void>;
  /** The log has ended. `isComplete`: nothing more will be added to the index, or needs to be. */
  end(isComplete: boolean): Promise<WrongEntry | null>;
}

export class OffsetIndexCheck implements IndexCheck {
  readonly #entries: EntryReader;
  readonly #baseOffset: number;
  #wrong: WrongEntry | null = null;
  #last = { offset: -1, position: -1 };

  constructor(file: ReadableFile, baseOffset: number) {
    this.#entries = new EntryReader(file, OFFSET_INDEX_ENTRY_SIZE);
    this.#baseOffset = baseOffset;
  }

  async walk(pieces: readonly JudgedPiece[]): Promise<void> {
    for (const piece of pieces) {
      const end = piece.position + piece.sizeBytes;
      for (;;) {
        const bytes = this.#entries.peek() ?? (await this.#entries.load());
        if (bytes === null || readUint32(bytes, 4) >= end) break;
        this.#check(bytes, piece);
        this.#entries.next();
      }
    }
  }

  async end(isComplete: boolean): Promise<WrongEntry | null> {
    const bytes = this.#entries.peek() ?? (await this.#entries.load());
    if (bytes !== null) {
      const position = readUint32(bytes, 4);
      this.#fail(`it points to ${position}, behind the log's end`);
    }
    this.#wrong ??= await this.#entries.wrongTail(isComplete);
    return this.#wrong;
  }

  #check(bytes: Uint8Array, piece: JudgedPiece): void {
    const offset = this.#baseOffset + readUint32(bytes, 0);
    const position = readUint32(bytes, 4);
    const last = this.#last;
    if (offset <= last.offset || position <= last.position) {
      this.#fail(
        `offset ${offset} at ${position} behind ${last.offset} at ${last.position}`,
      );
    }
    this.#last = { offset, position };
    // What lay in a hole is not known any more.
    if (piece.kind === "hole") return;
    if (piece.position !== position) {
      this.#fail(`no batch starts at ${position}`);
    } else if (lastOffsetOf(piece) !== offset) {
      this.#fail(
        `offset ${offset}, but the batch at ${position} ends with ${lastOffsetOf(piece)}`,
      );
    }
  }

  #fail(detail: string): void {
    this.#wrong ??= { position: this.#entries.position, detail };
  }
}

export class TimeIndexCheck implements IndexCheck {
  readonly #entries: EntryReader;
  readonly #baseOffset: number;
  #wrong: WrongEntry | null = null;
  #last = { timestampMs: -1, offset: -1 };
  /** Of the log so far. */
  #greatestMs = -1;
  #hasHoles = false;

  constructor(file: ReadableFile, baseOffset: number) {
    this.#entries = new EntryReader(file, TIME_INDEX_ENTRY_SIZE);
    this.#baseOffset = baseOffset;
  }

  async walk(pieces: readonly JudgedPiece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.kind === "hole") {
        this.#hasHoles = true;
        continue;
      }
      const lastOffset = lastOffsetOf(piece);
      const isNew = piece.maxTimestampMs > this.#greatestMs;
      if (isNew) this.#greatestMs = piece.maxTimestampMs;
      for (;;) {
        const bytes = this.#entries.peek() ?? (await this.#entries.load());
        if (bytes === null || this.#offsetOf(bytes) > lastOffset) break;
        const firstOffset = lastOffset - (piece.lastOffset - piece.baseOffset);
        this.#check(bytes, { firstOffset, isNew, ...piece });
        this.#entries.next();
      }
    }
  }

  async end(isComplete: boolean): Promise<WrongEntry | null> {
    const bytes = this.#entries.peek() ?? (await this.#entries.load());
    if (bytes !== null && !this.#hasHoles) {
      this.#fail(`offset ${this.#offsetOf(bytes)} lies behind the log's end`);
    }
    this.#wrong ??= await this.#entries.wrongTail(isComplete);
    const { timestampMs } = this.#last;
    if (isComplete && !this.#hasHoles && timestampMs !== this.#greatestMs) {
      this.#fail(
        `the last entry says ${timestampMs}, the log's greatest timestamp is ${this.#greatestMs}`,
      );
    }
    return this.#wrong;
  }

  #offsetOf(bytes: Uint8Array): number {
    return this.#baseOffset + readUint32(bytes, 8);
  }

  #check(
    bytes: Uint8Array,
    batch: {
      readonly firstOffset: number;
      readonly maxTimestampMs: number;
      readonly isNew: boolean;
    },
  ): void {
    const timestampMs = readInt64(bytes, 0);
    const offset = this.#offsetOf(bytes);
    if (timestampMs <= this.#last.timestampMs || offset < this.#last.offset) {
      this.#fail(
        `${timestampMs} at offset ${offset} behind ${this.#last.timestampMs} at ${this.#last.offset}`,
      );
    }
    this.#last = { timestampMs, offset };
    if (offset < batch.firstOffset) {
      // In a gap: of a batch that a hole has, or that is not there.
      if (!this.#hasHoles) this.#fail(`no batch holds offset ${offset}`);
      return;
    }
    if (batch.maxTimestampMs !== timestampMs) {
      this.#fail(
        `${timestampMs}, but the batch with offset ${offset} has ${batch.maxTimestampMs}`,
      );
    } else if (!batch.isNew) {
      this.#fail(`${timestampMs} at offset ${offset} is not the greatest yet`);
    }
  }

  #fail(detail: string): void {
    this.#wrong ??= { position: this.#entries.position, detail };
  }
}

/** Entries one by one, up to the zeros that Kafka reserves or a torn end. */
class EntryReader {
  readonly #file: ReadableFile;
  readonly #width: number;
  #block: Uint8Array = EMPTY_BYTES;
  /** Of the block, in the file. */
  #blockPosition = 0;
  #at = 0;
  #isAtZeros = false;

  constructor(file: ReadableFile, width: number) {
    this.#file = file;
    this.#width = width;
  }

  /** Of the present entry, in the file. */
  get position(): number {
    return this.#blockPosition + this.#at;
  }

  /** The present entry, if it is at hand. */
  peek(): Uint8Array | null {
    const end = this.#at + this.#width;
    if (this.#isAtZeros || end > this.#block.length) return null;
    const entry = this.#block.subarray(this.#at, end);
    if (!isZero(entry) || this.#isFirstEntry()) return entry;
    this.#isAtZeros = true;
    return null;
  }

  /** All zeros is an entry only as the first one: timestamp 0, or the segment's first record. */
  #isFirstEntry(): boolean {
    if (this.position > 0) return false;
    const second = this.#block.subarray(this.#width, 2 * this.#width);
    return second.length === 0 || !isZero(second);
  }

  /** The present entry, read if need be; null behind the last. */
  async load(): Promise<Uint8Array | null> {
    if (this.#isAtZeros) return null;
    this.#blockPosition = this.position;
    const sizeBytes = ENTRIES_PER_READ * this.#width;
    this.#block = await readRange(this.#file, this.#blockPosition, sizeBytes);
    this.#at = 0;
    return this.peek();
  }

  next(): void {
    this.#at += this.#width;
  }

  /** What lies behind the last entry and should not. */
  async wrongTail(isComplete: boolean): Promise<WrongEntry | null> {
    const { position } = this;
    const sizeBytes = this.#file.sizeBytes - position;
    if (sizeBytes <= 0) return null;
    if (!this.#isAtZeros) {
      // Entries that nobody asked for any more were complained of already.
      if (sizeBytes >= this.#width) return null;
      return { position, detail: `${sizeBytes} bytes of an entry` };
    }
    if (isComplete) {
      return { position, detail: `${sizeBytes} bytes of zeros at the end` };
    }
    for (let at = position; at < this.#file.sizeBytes;) {
      const block = await readRange(this.#file, at, zeros.length);
      if (!isZero(block)) {
        return { position, detail: "zeros between entries" };
      }
      if (block.length === 0) break;
      at += block.length;
    }
    return null;
  }
}

/** Kafka reserves 20 MB of them for each partition. */
const zeros = new Uint8Array(256 * 1024);

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}
