/**
 * Walks over frames that carry their own length and checksum, and says where
 * the first one is that does not hold. What a frame is about is its owner's: the
 * format is a few numbers, so that a walk can be done by another thread, on a
 * file, without anything of the broker in it.
 *
 *   frame := { first number, length, magic, CRC-32C of all behind it, delta, ... }
 *
 * Frames also carry the numbers `first` to `first + delta`, which ascend. The
 * checksum does not cover the first: a frame that counts wrong is found by its
 * neighbours. Gaps are no fault, as frames may have been taken out.
 *
 * Sans I/O: `wants` says which bytes come next, `take` is given them.
 */
import { readInt32, readInt64, readUint32 } from "./bytes.ts";
import { crc32c } from "./crc32c.ts";

export interface FrameFormat {
  readonly headerSizeBytes: number;
  /** Of an int32 that counts what follows its own end at `lengthEndAt`. */
  readonly lengthAt: number;
  readonly lengthEndAt: number;
  /** Of a byte that is always the same. */
  readonly magicAt: number;
  readonly magic: number;
  /** Of the uint32 that is the CRC-32C of everything behind it. */
  readonly checksumAt: number;
  /** Of the int64 that is the first number, and of the int32 that leads to the last. */
  readonly firstNumberAt: number;
  readonly lastDeltaAt: number;
}

export interface FrameRange {
  /** A frame starts there. */
  readonly position: number;
  /** Exclusive; a frame ends there. */
  readonly endPosition: number;
  /** No number is below. */
  readonly startNumber: number;
  /** Every number is below. */
  readonly endNumber: number;
}

export interface BadFrame {
  readonly position: number;
  /** Where the next frame starts, if the length is to be believed; null where it cannot be. */
  readonly endPosition: number | null;
  readonly detail: string;
}

const CHUNK_SIZE_BYTES = 1024 * 1024;

interface Frame {
  readonly position: number;
  readonly first: number;
  readonly last: number;
  /** The number behind the last one before it. */
  readonly expected: number;
}

export class FrameWalk {
  readonly #format: FrameFormat;
  readonly #range: FrameRange;
  #position: number;
  /** Of the frame at the position, once its header was seen. */
  #frameSizeBytes: number;
  #before: Frame | null = null;
  #bad: BadFrame | null = null;

  constructor(format: FrameFormat, range: FrameRange) {
    this.#format = format;
    this.#range = range;
    this.#position = range.position;
    this.#frameSizeBytes = format.headerSizeBytes;
  }

  /** The range that `take` is to be given; null when the walk has ended. */
  get wants(): {
    readonly position: number;
    readonly sizeBytes: number;
  } | null {
    const left = this.#range.endPosition - this.#position;
    if (this.#bad !== null || left <= 0) return null;
    const wanted = Math.max(this.#frameSizeBytes, CHUNK_SIZE_BYTES);
    return { position: this.#position, sizeBytes: Math.min(wanted, left) };
  }

  /** The first frame that does not hold; null where all do, as far as the walk has come. */
  get bad(): BadFrame | null {
    return this.#bad;
  }

  /** The bytes that were wanted; fewer where the file ends before. */
  take(bytes: Uint8Array): void {
    const { headerSizeBytes, lengthAt, lengthEndAt } = this.#format;
    let at = 0;
    while (this.#position < this.#range.endPosition) {
      const left = bytes.length - at;
      if (left < headerSizeBytes) break;
      const sizeBytes = lengthEndAt + readInt32(bytes, at + lengthAt);
      const end = this.#position + sizeBytes;
      if (sizeBytes < headerSizeBytes || end > this.#range.endPosition) {
        this.#fail(null, `a length of ${sizeBytes} bytes`);
        return;
      }
      this.#frameSizeBytes = sizeBytes;
      if (left < sizeBytes) break;
      if (!this.#check(bytes, at, sizeBytes)) return;
      at += sizeBytes;
      this.#position = end;
      this.#frameSizeBytes = headerSizeBytes;
    }
    // Asked for again it would come again: the file, or the range, ends inside a frame.
    if (at === 0 && bytes.length < this.#frameSizeBytes) {
      this.#fail(
        null,
        `${bytes.length} bytes, expected ${this.#frameSizeBytes}`,
      );
    }
  }

  #check(bytes: Uint8Array, at: number, sizeBytes: number): boolean {
    const { magicAt, magic, checksumAt } = this.#format;
    const position = this.#position;
    const endPosition = position + sizeBytes;
    if (bytes[at + magicAt] !== magic) {
      this.#fail(endPosition, `magic ${bytes[at + magicAt] ?? ""}`);
      return false;
    }
    const expected = readUint32(bytes, at + checksumAt);
    const covered = bytes.subarray(at + checksumAt + 4, at + sizeBytes);
    const found = crc32c(covered);
    if (found !== expected) {
      const detail = `crc ${hex(found)}, expected ${hex(expected)}`;
      this.#fail(endPosition, detail);
      return false;
    }
    return this.#checkNumbers(bytes, at, endPosition);
  }

  #checkNumbers(bytes: Uint8Array, at: number, endPosition: number): boolean {
    const { firstNumberAt, lastDeltaAt } = this.#format;
    const { startNumber, endNumber } = this.#range;
    const position = this.#position;
    const first = readInt64(bytes, at + firstNumberAt);
    const delta = readInt32(bytes, at + lastDeltaAt);
    const last = first + delta;
    const before = this.#before;
    const expected = before === null ? startNumber : before.last + 1;
    const isInside = first >= startNumber && delta >= 0 && last < endNumber;
    if (isInside && first >= expected) {
      this.#before = { position, first, last, expected };
      return true;
    }
    const detail = `numbers ${first} to ${last}, expected ${expected}`;
    if (!isInside || before === null || before.first === before.expected) {
      this.#fail(endPosition, detail);
      return false;
    }
    // One of the two counts wrong. It is the one before, if this one is where
    // that should have led to; else nobody knows.
    const led = before.expected + (before.last - before.first) + 1;
    const isBefore = first === led;
    this.#bad = {
      position: before.position,
      endPosition: isBefore ? position : endPosition,
      detail: isBefore
        ? `numbers ${before.first} to ${before.last}, expected ${before.expected}`
        : detail,
    };
    return false;
  }

  #fail(endPosition: number | null, detail: string): void {
    this.#bad = { position: this.#position, endPosition, detail };
  }
}

/** A walk with reads that are waited for, a chunk at a time. Rejects as they do. */
export async function walkFrames(
  read: (target: Uint8Array, position: number) => Promise<number>,
  format: FrameFormat,
  range: FrameRange,
): Promise<BadFrame | null> {
  const walk = new FrameWalk(format, range);
  for (let wants = walk.wants; wants !== null; wants = walk.wants) {
    const bytes = new Uint8Array(wants.sizeBytes);
    const sizeRead = await read(bytes, wants.position);
    walk.take(bytes.subarray(0, sizeRead));
  }
  return walk.bad;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
