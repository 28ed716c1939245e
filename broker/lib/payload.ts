/**
 * Bytes on their way out, in the pieces they already lie in.
 *
 * A fetch is answered with views of mapped windows, of buffers that were just
 * appended, or with a range of a file that is read while it is sent. Nothing
 * here copies: whoever sends a payload writes its parts in order and calls
 * `release` once, when the last part has left or the receiver is gone.
 */

/** A part that is read while it is being sent. Yields exactly `sizeBytes` bytes. */
export interface StreamPart {
  readonly sizeBytes: number;
  readonly read: () => AsyncIterable<Uint8Array>;
}

export type Part = Uint8Array | StreamPart;

export interface Payload {
  /** The sum of the parts' sizes. */
  readonly sizeBytes: number;
  readonly parts: readonly Part[];
  /** To be called exactly once, after which no part may be touched. */
  readonly release: () => void;
}

export function partSizeBytes(part: Part): number {
  return part instanceof Uint8Array ? part.length : part.sizeBytes;
}

/** A payload of parts that need no release. */
export function payloadOf(parts: readonly Part[]): Payload {
  let sizeBytes = 0;
  for (const part of parts) sizeBytes += partSizeBytes(part);
  return { sizeBytes, parts, release: () => {} };
}
