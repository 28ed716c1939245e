/** What is wrong with bytes that a peer sent, or a file holds. */

export type WireErrorReason =
  /** The bytes end inside a value. */
  | "truncated"
  /** A variable-length number is longer than its type allows. */
  | "varint-too-long"
  /** A length that cannot be. */
  | "bad-length"
  /** Null where the field may not be null. */
  | "null-not-allowed"
  /** More array elements promised than the bytes left could hold. */
  | "count-exceeds-bytes"
  /** More array elements in one message than the reader takes. */
  | "too-many-elements"
  /** A tagged field that does not end where it says. */
  | "tag-size-mismatch"
  /** A value of another type than the message declares, or out of its range. */
  | "wrong-type"
  /** Not what the encoding allows at all. */
  | "malformed"
  /** A frame of negative size, or larger than the largest allowed. */
  | "frame-size";

export class WireError extends Error {
  readonly reason: WireErrorReason;
  /** The position of the byte at which reading stopped, from the start of what was read. */
  readonly position: number;

  constructor(
    reason: WireErrorReason,
    position: number,
    detail: string,
    cause?: unknown,
  ) {
    super(`${detail} at position ${position} (${reason})`, { cause });
    this.name = "WireError";
    this.reason = reason;
    this.position = position;
  }
}
