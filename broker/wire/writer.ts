/**
 * Writes the values of Kafka's wire format (drawn in reader.ts).
 *
 * Small values go into a growing buffer. Record data, and byte fields too large
 * to be worth copying, are taken by reference: they become parts of their own
 * between the pieces of the buffer, and must not change until the answer has
 * left. What does not fit its field is our own bug and throws a `RangeError`;
 * the writer is then of no more use, and payloads put in stay the caller's.
 */
import { concatBytes, writeInt16, writeInt32 } from "../lib/bytes.ts";
import { partSizeBytes, type Part, type Payload } from "../lib/payload.ts";
import { sizeOfUnsignedVarint, writeUnsignedVarint } from "../lib/varint.ts";
import { STRING_SIZE_MAX } from "./reader.ts";

/** Above this a copy costs more than one more part in the system call. */
const COPY_SIZE_MAX = 8192;

/** Up to so many letters a loop beats the call into the runtime. */
const LOOP_LENGTH_MAX = 12;

/** Letters that never take more than 126 bytes: the compact size is one byte. */
const SHORT_LENGTH_MAX = 42;

export class Writer {
  /** Where `reserve` makes room. It changes when it grows, so it is read after each `reserve`. */
  bytes: Buffer;
  #position = 0;
  /** Everything before lies in `#parts`. */
  #pieceStart = 0;
  #parts: Part[] = [];
  #partsSizeBytes = 0;
  readonly #releases: (() => void)[] = [];

  constructor(capacityBytes = 512) {
    this.bytes = Buffer.allocUnsafe(capacityBytes);
  }

  /** Bytes written so far, those by reference included. */
  get sizeBytes(): number {
    return this.#partsSizeBytes + this.#position - this.#pieceStart;
  }

  /** Makes room for bytes the caller writes next, all of them; answers where. */
  reserve(sizeBytes: number): number {
    const start = this.#position;
    if (start + sizeBytes > this.bytes.length) return this.#grow(sizeBytes);
    this.#position = start + sizeBytes;
    return start;
  }

  int8(value: number): void {
    const start = this.reserve(1);
    this.bytes[start] = value;
  }

  unsignedVarint(value: number): void {
    const start = this.reserve(value < 0x80 ? 1 : sizeOfUnsignedVarint(value));
    writeUnsignedVarint(this.bytes, start, value);
  }

  string(value: string | null): void {
    if (value === null) {
      const start = this.reserve(2);
      writeInt16(this.bytes, start, -1);
      return;
    }
    // Three bytes a letter is the most that UTF-8 takes; what was too much goes back.
    const start = this.reserve(2 + 3 * value.length);
    const sizeBytes = this.#text(value, start + 2);
    writeInt16(this.bytes, start, checkSize(sizeBytes));
    this.#position = start + 2 + sizeBytes;
  }

  compactString(value: string | null): void {
    if (value === null) {
      this.unsignedVarint(0);
    } else if (value.length <= SHORT_LENGTH_MAX) {
      const start = this.reserve(1 + 3 * value.length);
      const sizeBytes = this.#text(value, start + 1);
      this.bytes[start] = sizeBytes + 1;
      this.#position = start + 1 + sizeBytes;
    } else {
      const sizeBytes = checkSize(Buffer.byteLength(value));
      this.unsignedVarint(sizeBytes + 1);
      const start = this.reserve(sizeBytes);
      this.bytes.write(value, start);
    }
  }

  byteField(value: Uint8Array | null): void {
    this.count(value === null ? -1 : value.length);
    if (value !== null) this.#append(value);
  }

  compactByteField(value: Uint8Array | null): void {
    this.compactCount(value === null ? -1 : value.length);
    if (value !== null) this.#append(value);
  }

  records(value: Uint8Array | Payload | null): void {
    this.count(recordsSize(value));
    if (value !== null) this.reference(value);
  }

  compactRecords(value: Uint8Array | Payload | null): void {
    this.compactCount(recordsSize(value));
    if (value !== null) this.reference(value);
  }

  /** The count of an array, or the size of bytes; -1 for null. */
  count(value: number): void {
    const start = this.reserve(4);
    writeInt32(this.bytes, start, value);
  }

  compactCount(value: number): void {
    this.unsignedVarint(value + 1);
  }

  float64(value: number, position: number): void {
    this.bytes.writeDoubleBE(value, position);
  }

  uuid(value: string, position: number): void {
    const sizeBytes =
      value.length === 22 ? this.bytes.write(value, position, "base64url") : 0;
    if (sizeBytes !== 16) throw new RangeError(`not a uuid: ${value}`);
  }

  /** A tagged field whose size is known only when it is written. */
  tagged(tag: number, write: (writer: Writer) => void): void {
    const inner = new Writer(128);
    write(inner);
    this.unsignedVarint(tag);
    this.unsignedVarint(inner.sizeBytes);
    if (inner.#parts.length > 0) this.reference(inner.finish());
    else this.#append(inner.bytes.subarray(0, inner.#position));
  }

  /** Takes bytes or a payload as they lie; the payload's release becomes ours. */
  reference(value: Uint8Array | Payload): void {
    this.#closePiece();
    if (value instanceof Uint8Array) {
      if (value.length > 0) this.#push(value);
      return;
    }
    for (const part of value.parts) this.#push(part);
    this.#releases.push(value.release);
  }

  /** All that was written, in order. The writer must not be used again. */
  finish(): Payload {
    this.#closePiece();
    const releases = this.#releases;
    return {
      sizeBytes: this.#partsSizeBytes,
      parts: this.#parts,
      release: () => {
        for (const release of releases) release();
      },
    };
  }

  /** A copy of all that was written. Not for records that are read while they are sent. */
  finishBytes(): Uint8Array {
    const { parts, release } = this.finish();
    const chunks = parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      throw new TypeError("a stream cannot be taken as bytes");
    });
    const whole = concatBytes(chunks);
    release();
    return whole;
  }

  #append(value: Uint8Array): void {
    if (value.length > COPY_SIZE_MAX) {
      this.reference(value);
    } else {
      const start = this.reserve(value.length);
      this.bytes.set(value, start);
    }
  }

  #text(value: string, position: number): number {
    const { bytes } = this;
    const { length } = value;
    if (length > LOOP_LENGTH_MAX) return bytes.write(value, position);
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) return bytes.write(value, position);
      bytes[position + index] = code;
    }
    return length;
  }

  #push(part: Part): void {
    this.#parts.push(part);
    this.#partsSizeBytes += partSizeBytes(part);
  }

  #closePiece(): void {
    if (this.#position > this.#pieceStart) {
      this.#push(this.bytes.subarray(this.#pieceStart, this.#position));
      this.#pieceStart = this.#position;
    }
  }

  /** Only the open piece moves; the parts before keep the old buffer. */
  #grow(sizeBytes: number): number {
    const start = this.#position - this.#pieceStart;
    const needed = start + sizeBytes;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes.subarray(this.#pieceStart, this.#position));
    this.bytes = larger;
    this.#pieceStart = 0;
    this.#position = needed;
    return start;
  }
}

function recordsSize(value: Uint8Array | Payload | null): number {
  if (value === null) return -1;
  return value instanceof Uint8Array ? value.length : value.sizeBytes;
}

function checkSize(sizeBytes: number): number {
  if (sizeBytes > STRING_SIZE_MAX) {
    throw new RangeError(`string of ${sizeBytes} bytes`);
  }
  return sizeBytes;
}
