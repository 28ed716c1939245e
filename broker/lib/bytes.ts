/**
 * Big-endian numbers in a `Uint8Array`, at a position the caller has checked.
 *
 * Nothing here checks bounds: a read past the end yields garbage, a write past
 * the end is lost. Whoever reads a stranger's bytes checks the size first.
 *
 * An int64 is a `number`: reading gives the nearest double, writing something
 * that is not a safe integer throws, because it would store another number
 * than the caller meant.
 */

export const EMPTY_BYTES = new Uint8Array(0);

/** Smaller buffers are not worth the call. */
const GIVE_BACK_SIZE_MIN = 2048;

/**
 * Gives memory back now that only a collection would find to be unused, if the
 * bytes are all of their buffer; every view of it is empty from then on. Worth
 * it for buffers that come by the thousand: V8 answers them with full
 * collections of the heap (64 KB buffers cost 17 us of CPU time each when left
 * to it, 1 us when given back).
 */
export function giveBackMemory({ buffer, byteLength }: Uint8Array): void {
  if (byteLength < GIVE_BACK_SIZE_MIN || byteLength < buffer.byteLength) return;
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

export function readInt8(bytes: Uint8Array, position: number): number {
  return (bytes[position]! << 24) >> 24;
}

export function readInt16(bytes: Uint8Array, position: number): number {
  return ((bytes[position]! << 24) >> 16) | bytes[position + 1]!;
}

export function readUint16(bytes: Uint8Array, position: number): number {
  return (bytes[position]! << 8) | bytes[position + 1]!;
}

export function readInt32(bytes: Uint8Array, position: number): number {
  return (
    (bytes[position]! << 24) |
    (bytes[position + 1]! << 16) |
    (bytes[position + 2]! << 8) |
    bytes[position + 3]!
  );
}

export function readUint32(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position) >>> 0;
}

/** The nearest double: one rounding, in the addition. */
export function readInt64(bytes: Uint8Array, position: number): number {
  return (
    readInt32(bytes, position) * 4294967296 + readUint32(bytes, position + 4)
  );
}

export function writeInt8(
  bytes: Uint8Array,
  position: number,
  value: number,
): void {
  bytes[position] = value;
}

/** Writes the low 16 bits: signed and unsigned alike. */
export function writeInt16(
  bytes: Uint8Array,
  position: number,
  value: number,
): void {
  bytes[position] = value >> 8;
  bytes[position + 1] = value;
}

/** Writes the low 32 bits: signed and unsigned alike. */
export function writeInt32(
  bytes: Uint8Array,
  position: number,
  value: number,
): void {
  bytes[position] = value >> 24;
  bytes[position + 1] = value >> 16;
  bytes[position + 2] = value >> 8;
  bytes[position + 3] = value;
}

/** Throws a `RangeError` for anything but a safe integer. */
export function writeInt64(
  bytes: Uint8Array,
  position: number,
  value: number,
): void {
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`not a safe integer: ${value}`);
  }
  // Subtracting before dividing keeps the high half exact for negative numbers.
  const low = value >>> 0;
  writeInt32(bytes, position, (value - low) / 4294967296);
  writeInt32(bytes, position + 4, low);
}

/** One array out of many. Copies: not for record data on its way through. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  let sizeBytes = 0;
  for (const chunk of chunks) sizeBytes += chunk.length;
  const whole = new Uint8Array(sizeBytes);
  let position = 0;
  for (const chunk of chunks) {
    whole.set(chunk, position);
    position += chunk.length;
  }
  return whole;
}
