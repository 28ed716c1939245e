/**
 * Cuts a stream of bytes into frames, however the bytes arrive. Both protocols
 * frame alike:
 *
 *   frame := size: int32   // of the body; negative is an error
 *            body
 *
 * A frame that lies within one chunk is a view of it. One that does not is
 * copied together into memory that grows with what has *arrived*, at most to
 * twice that, never to what the frame promises (`frame-body.ts`): a peer cannot
 * make us reserve memory by naming a size. Pure: no socket, no clock.
 */
import { writeInt32 } from "../lib/bytes.ts";
import type { Payload } from "../lib/payload.ts";
import { FrameBody } from "./frame-body.ts";
import { WireError } from "./wire-error.ts";
import { Writer } from "./writer.ts";

const PREFIX_SIZE = 4;

export class FrameReader {
  // Fixed at creation.
  readonly #sizeMax: number;

  // The frame under way: its prefix, then its body.
  #prefixCount = 0;
  #prefix = 0;
  #body: FrameBody | null = null;

  // Position in the whole stream of the next byte, for errors.
  #position = 0;

  // Set once: after a size that cannot be, nothing in the stream means anything.
  #failure: WireError | null = null;

  /** `sizeMax`: the largest body, in bytes. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** Bytes held for a frame that is not complete yet. */
  get heldSizeBytes(): number {
    return this.#prefixCount + (this.#body?.heldSizeBytes ?? 0);
  }

  /**
   * Takes the next bytes of the stream and hands each body that they complete
   * to `onFrame`, in order. A body may be a view of `chunk`. Throws a
   * `WireError` at a size that cannot be, after handing over the frames before
   * it, and from then on always.
   */
  push(chunk: Uint8Array, onFrame: (body: Uint8Array) => void): void {
    if (this.#failure !== null) throw this.#failure;
    let position = 0;
    while (position < chunk.length) {
      if (this.#prefixCount < PREFIX_SIZE) {
        this.#prefix = (this.#prefix << 8) | (chunk[position++] ?? 0);
        this.#prefixCount++;
        this.#position++;
        if (this.#prefixCount < PREFIX_SIZE) continue;
        this.#checkSize();
        // An empty body needs no further byte to be complete.
        if (this.#prefix > 0) continue;
      }
      const count = Math.min(
        this.#prefix - (this.#body?.arrivedCount ?? 0),
        chunk.length - position,
      );
      const piece = viewOf(chunk, position, count);
      position += count;
      this.#position += count;
      const body = this.#complete(piece);
      if (body !== null) onFrame(body);
    }
  }

  /** The stream has ended: what is held of an unfinished frame is given back at once. Nothing is pushed after it. */
  discard(): void {
    this.#body?.discard();
    this.#body = null;
  }

  /** Adds a piece to the body under way; the whole body if that was its last. */
  #complete(piece: Uint8Array): Uint8Array | null {
    let body: Uint8Array | null = piece;
    if (this.#body !== null || piece.length < this.#prefix) {
      this.#body ??= new FrameBody(this.#prefix);
      body = this.#body.append(piece);
      if (body === null) return null;
    }
    this.#prefixCount = 0;
    this.#prefix = 0;
    this.#body = null;
    return body;
  }

  #checkSize(): void {
    if (this.#prefix < 0 || this.#prefix > this.#sizeMax) {
      const detail = `frame of ${this.#prefix} bytes, at most ${this.#sizeMax}${otherProtocol(this.#prefix)}`;
      const position = this.#position - PREFIX_SIZE;
      this.#failure = new WireError("frame-size", position, detail);
      throw this.#failure;
    }
  }
}

/** What a size may be in truth: the first bytes of whoever speaks something else. */
function otherProtocol(prefix: number): string {
  // The first record of TLS is a handshake (22), of version 3.0 to 3.3.
  if (prefix >>> 16 === 0x16_03) return "; it begins as TLS does";
  const isHttp = httpBeginnings.has(prefix);
  return isHttp ? "; it begins as HTTP does" : "";
}

const httpBeginnings = new Set(
  ["GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI"].map((four) =>
    [...four].reduce((bits, one) => (bits << 8) | one.charCodeAt(0), 0),
  ),
);

/** A writer whose first bytes are kept for the size. */
export function beginFrame(): Writer {
  const writer = new Writer();
  writer.reserve(PREFIX_SIZE);
  return writer;
}

/** Completes what `beginFrame` began. */
export function finishFrame(writer: Writer): Payload {
  const payload = writer.finish();
  const [first] = payload.parts;
  if (!(first instanceof Uint8Array)) throw new TypeError("not begun here");
  writeInt32(first, 0, payload.sizeBytes - PREFIX_SIZE);
  return payload;
}

/** Plain, even of a Buffer: whoever takes frames need not know both. */
function viewOf(bytes: Uint8Array, start: number, count: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, count);
}
