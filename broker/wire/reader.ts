/**
 * Reads the values of Kafka's wire format from bytes that a stranger sent.
 *
 * Every read checks its end, and a count is refused before anything is
 * allocated for it: when the bytes left could not hold so many elements, or
 * when the message holds more in all than `elementsMax`. Whatever is malformed
 * throws a `WireError`; nothing else is ever thrown for bad input.
 *
 *   string  := int16 size, bytes          compact: varint size + 1
 *   bytes   := int32 size, bytes          compact: varint size + 1
 *   array   := int32 count, elements      compact: varint count + 1
 *
 * Null is size -1, or 0 when compact. Invalid UTF-8 becomes U+FFFD, as in
 * Kafka. Views share memory with what is read.
 */
import { readInt16, readInt32, readInt8 } from "../lib/bytes.ts";
import { readUnsignedVarint, type Cursor } from "../lib/varint.ts";
import { WireError, type WireErrorReason } from "./wire-error.ts";

/** Kafka's own limit for a string, in bytes: `Short.MAX_VALUE`. */
export const STRING_SIZE_MAX = 0x7fff;

/** Seven bits a byte. */
const VARINT_SIZE_MAX = 5;

/** More than any client sends, and little enough that their objects fit in memory. */
const ELEMENTS_MAX = 1_000_000;

export class Reader implements Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** The same memory: only a Buffer decodes text and doubles fast. */
  readonly #buffer: Buffer;

  position: number;
  #elementsLeft: number;

  constructor(bytes: Uint8Array, position = 0, elementsMax = ELEMENTS_MAX) {
    this.bytes = bytes;
    this.position = position;
    this.end = bytes.length;
    this.#buffer = Buffer.from(
      bytes.buffer,
      bytes.byteOffset,
      bytes.byteLength,
    );
    this.#elementsLeft = elementsMax;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Checks that `sizeBytes` more are there, goes past them, and answers where they begin. */
  take(sizeBytes: number): number {
    const start = this.position;
    if (sizeBytes > this.end - start) {
      throw this.#error("truncated", `${sizeBytes} bytes needed`);
    }
    this.position = start + sizeBytes;
    return start;
  }

  int8(): number {
    return readInt8(this.bytes, this.take(1));
  }

  unsignedVarint(): number {
    // Nearly all of them are one byte.
    if (this.position < this.end) {
      const byte = this.bytes[this.position]!;
      if (byte < 0x80) {
        this.position++;
        return byte;
      }
    }
    const start = this.position;
    const value = readUnsignedVarint(this);
    if (value !== null) return value;
    throw this.position - start < VARINT_SIZE_MAX
      ? this.#error("truncated", "unfinished varint")
      : this.#error("varint-too-long", "varint of more than 32 bits");
  }

  string(isNullable: boolean): string | null {
    return this.#text(readInt16(this.bytes, this.take(2)), isNullable);
  }

  compactString(isNullable: boolean): string | null {
    return this.#text(this.unsignedVarint() - 1, isNullable);
  }

  byteView(isNullable: boolean): Uint8Array | null {
    return this.#view(readInt32(this.bytes, this.take(4)), isNullable);
  }

  compactByteView(isNullable: boolean): Uint8Array | null {
    return this.#view(this.unsignedVarint() - 1, isNullable);
  }

  /** The count of an array whose elements take `leastSize` bytes or more each; -1 for null. */
  count(isNullable: boolean, leastSize: number): number {
    const count = readInt32(this.bytes, this.take(4));
    return this.#checkCount(count, isNullable, leastSize);
  }

  compactCount(isNullable: boolean, leastSize: number): number {
    return this.#checkCount(this.unsignedVarint() - 1, isNullable, leastSize);
  }

  float64(position: number): number {
    return this.#buffer.readDoubleBE(position);
  }

  uuid(position: number): string {
    return this.#buffer.toString("base64url", position, position + 16);
  }

  /** Goes past tagged fields of which none is known. */
  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count--) {
      this.unsignedVarint();
      this.position = this.tagEnd();
    }
  }

  /** Reads the size of a tagged field: where it must end. */
  tagEnd(): number {
    const sizeBytes = this.unsignedVarint();
    if (sizeBytes > this.remaining) {
      throw this.#error("truncated", `tagged field of ${sizeBytes} bytes`);
    }
    return this.position + sizeBytes;
  }

  /** Checks that a known tagged field was as long as it said. */
  checkTagEnd(end: number): void {
    if (this.position !== end) {
      throw this.#error("tag-size-mismatch", `tagged field to end at ${end}`);
    }
  }

  #text(sizeBytes: number, isNullable: boolean): string | null {
    if (sizeBytes < 0) return this.#null(sizeBytes, isNullable);
    if (sizeBytes > STRING_SIZE_MAX) {
      throw this.#error("bad-length", `string of ${sizeBytes} bytes`);
    }
    const start = this.take(sizeBytes);
    const text = this.#buffer.toString("utf8", start, start + sizeBytes);
    // Answers repeat names, and a byte that is no UTF-8 has become three.
    if (
      sizeBytes > STRING_SIZE_MAX / 3 &&
      Buffer.byteLength(text) > STRING_SIZE_MAX
    ) {
      throw this.#error("bad-length", "string too long once it is UTF-8");
    }
    return text;
  }

  #view(sizeBytes: number, isNullable: boolean): Uint8Array | null {
    if (sizeBytes < 0) return this.#null(sizeBytes, isNullable);
    const { buffer, byteOffset } = this.bytes;
    return new Uint8Array(buffer, byteOffset + this.take(sizeBytes), sizeBytes);
  }

  #checkCount(count: number, isNullable: boolean, leastSize: number): number {
    if (count <= 0) {
      if (count < 0) this.#null(count, isNullable);
      return count;
    }
    if (count > this.remaining / leastSize) {
      throw this.#error("count-exceeds-bytes", `${count} elements promised`);
    }
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) {
      throw this.#error("too-many-elements", `${count} elements more`);
    }
    return count;
  }

  /** Kafka takes every negative size for null; we take only the one it writes. */
  #null(size: number, isNullable: boolean): null {
    if (size !== -1) throw this.#error("bad-length", `size ${size}`);
    if (!isNullable) throw this.#error("null-not-allowed", "unexpected null");
    return null;
  }

  #error(reason: WireErrorReason, detail: string): WireError {
    return new WireError(reason, this.position, detail);
  }
}
