/**
 * The body of a frame that comes in pieces.
 *
 * The first half of it lies in segments that grow with what has arrived. When
 * the other half begins, the whole is made, which is then at most twice what has
 * arrived: pieces go to their place in it, and each takes along as many bytes of
 * the first half. So no piece costs more than twice its own size, however large
 * the frame is: nobody else waits while a body is copied.
 */
const SEGMENT_SIZE_MIN = 1024;
const SEGMENT_SIZE_MAX = 1024 * 1024;

export class FrameBody {
  readonly #sizeBytes: number;
  #arrivedCount = 0;

  // The first half, in the order in which it came: `#segments` are full but for the last.
  #segments: Uint8Array[] = [];
  #lastCount = 0;
  #segmentsSize = 0;

  // From the other half on.
  #whole: Uint8Array | null = null;
  #movedCount = 0;
  #placedCount = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  get arrivedCount(): number {
    return this.#arrivedCount;
  }

  /** Memory in use for it; pages of the whole that were never written to take none. */
  get heldSizeBytes(): number {
    return this.#segmentsSize + this.#movedCount + this.#placedCount;
  }

  /** The whole body, if the piece was its last. A piece must not be more than is missing. */
  append(piece: Uint8Array): Uint8Array | null {
    const isOtherHalf =
      this.#arrivedCount + piece.length >= this.#sizeBytes / 2;
    if (isOtherHalf) this.#whole ??= new Uint8Array(this.#sizeBytes);
    const whole = this.#whole;
    if (whole === null) {
      this.#keep(piece);
      this.#arrivedCount += piece.length;
      return null;
    }
    whole.set(piece, this.#arrivedCount);
    this.#arrivedCount += piece.length;
    this.#placedCount += piece.length;
    this.#move(whole, piece.length);
    return this.#arrivedCount === this.#sizeBytes ? whole : null;
  }

  /** The rest will not come: gives back at once what it has. */
  discard(): void {
    for (const segment of this.#segments.splice(0)) detach(segment);
    if (this.#whole !== null) detach(this.#whole);
    this.#segmentsSize = 0;
  }

  /** Into the last segment, and into a new one what does not fit. */
  #keep(piece: Uint8Array): void {
    const last = this.#segments.at(-1);
    const room = last === undefined ? 0 : last.length - this.#lastCount;
    const fitting = piece.subarray(0, room);
    last?.set(fitting, this.#lastCount);
    this.#lastCount += fitting.length;
    if (fitting.length === piece.length) return;
    const rest = piece.subarray(room);
    const grown = Math.min(
      Math.max(this.#arrivedCount, SEGMENT_SIZE_MIN),
      SEGMENT_SIZE_MAX,
    );
    const segment = newSegment(Math.max(grown, rest.length));
    segment.set(rest);
    this.#segments.push(segment);
    this.#lastCount = rest.length;
    this.#segmentsSize += segment.length;
  }

  /** Brings so many bytes of the first half to their place, and gives back what is empty. */
  #move(whole: Uint8Array, count: number): void {
    let left = count;
    for (;;) {
      const first = this.#segments[0];
      if (first === undefined || left === 0) return;
      const isLast = this.#segments.length === 1;
      const end = isLast ? this.#lastCount : first.length;
      const some = first.subarray(0, Math.min(end, left));
      whole.set(some, this.#movedCount);
      this.#movedCount += some.length;
      left -= some.length;
      this.#segmentsSize -= first.length;
      if (some.length === end) {
        this.#segments.shift();
        detach(first);
        continue;
      }
      const rest = first.subarray(some.length);
      this.#segments[0] = rest;
      this.#segmentsSize += rest.length;
      if (isLast) this.#lastCount -= some.length;
    }
  }
}

/**
 * Those of the largest size, the ones that large frames consist of, can be
 * resized, though nobody does: V8 maps such memory, and unmaps it when it is
 * given back, where `malloc` keeps what is free between things that are not.
 * Twenty frames of 100 MB left 200 MB behind that way.
 */
function newSegment(sizeBytes: number): Uint8Array {
  if (sizeBytes < SEGMENT_SIZE_MAX) return new Uint8Array(sizeBytes);
  const buffer = new ArrayBuffer(sizeBytes, { maxByteLength: sizeBytes });
  return new Uint8Array(buffer, 0, sizeBytes);
}

/** Without waiting for a collection, which large frames would outrun. Nobody else ever saw these bytes. */
function detach({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transferToFixedLength(0);
}
