/**
 * Variable-length integers as Kafka and Protocol Buffers write them.
 *
 *   varint := { 1xxxxxxx } 0xxxxxxx   // seven bits a byte, least significant first
 *
 * *Unsigned* varints carry lengths and tags of flexible messages. The signed
 * ones, `varint` (32 bits, at most 5 bytes) and `varlong` (64 bits, at most 10),
 * carry the numbers inside a record, zigzag: 0, -1, 1, -2 become 0, 1, 2, 3.
 *
 * Reads move a cursor and answer null where the bytes end too early or the
 * number is longer than its type allows; the cursor's position is then of no
 * use. Writes answer the position behind what they wrote.
 */

/** Bytes being read. A class with these fields is a cursor too. */
export interface Cursor {
  readonly bytes: Uint8Array;
  position: number;
  /** Exclusive; at most `bytes.length`. */
  readonly end: number;
}

/** 0 to 2^32 - 1, or null. */
export function readUnsignedVarint(cursor: Cursor): number | null {
  const { bytes, end } = cursor;
  let value = 0;
  let shift = 0;
  while (cursor.position < end) {
    const byte = bytes[cursor.position++] ?? 0;
    if (byte < 0x80) {
      // The fifth byte holds the top four bits; more would not fit 32.
      if (shift === 28 && byte > 0x0f) return null;
      return (value | (byte << shift)) >>> 0;
    }
    if (shift === 28) return null;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  }
  return null;
}

/** A zigzag int32, or null. */
export function readVarint(cursor: Cursor): number | null {
  const raw = readUnsignedVarint(cursor);
  return raw === null ? null : (raw >>> 1) ^ -(raw & 1);
}

/** A zigzag int64 as the nearest double, or null. */
export function readVarlong(cursor: Cursor): number | null {
  const { bytes, end } = cursor;
  // 64 bits in three parts of 28, 28 and 8, as numbers of 32 bits are fast.
  let low = 0;
  let middle = 0;
  let high = 0;
  for (let index = 0; index < 10; index++) {
    if (cursor.position >= end) return null;
    const byte = bytes[cursor.position++] ?? 0;
    const bits = byte & 0x7f;
    if (index < 4) low |= bits << (7 * index);
    else if (index < 8) middle |= bits << (7 * (index - 4));
    else high |= bits << (7 * (index - 8));
    if (byte < 0x80) {
      if (index === 9 && byte > 1) return null;
      const half = high * 2 ** 55 + (middle * 2 ** 27 + (low >>> 1));
      return (low & 1) === 0 ? half : -half - 1;
    }
  }
  return null;
}

export function sizeOfUnsignedVarint(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
}

export function sizeOfVarint(value: number): number {
  return sizeOfUnsignedVarint(((value << 1) ^ (value >> 31)) >>> 0);
}

/** `value` is a safe integer. */
export function sizeOfVarlong(value: number): number {
  let size = 1;
  // -1 - value has the magnitude that zigzag doubles; seven bits less one for the sign.
  let rest = value < 0 ? -1 - value : value;
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) {
    size++;
  }
  return size;
}

/** `value` is 0 to 2^32 - 1. */
export function writeUnsignedVarint(
  bytes: Uint8Array,
  position: number,
  value: number,
): number {
  while (value > 0x7f) {
    bytes[position++] = value | 0x80;
    value >>>= 7;
  }
  bytes[position++] = value;
  return position;
}

/** `value` is an int32. */
export function writeVarint(
  bytes: Uint8Array,
  position: number,
  value: number,
): number {
  return writeUnsignedVarint(
    bytes,
    position,
    ((value << 1) ^ (value >> 31)) >>> 0,
  );
}

/** Throws a `RangeError` for anything but a safe integer. */
export function writeVarlong(
  bytes: Uint8Array,
  position: number,
  value: number,
): number {
  if (value >= -0x80000000 && value <= 0x7fffffff && Number.isInteger(value)) {
    return writeVarint(bytes, position, value);
  }
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`not a safe integer: ${value}`);
  }
  // The doubled number may pass 2^53, so its lowest bit goes out by itself first.
  const isNegative = value < 0;
  let rest = isNegative ? -1 - value : value;
  bytes[position++] = ((rest % 64) * 2) | (isNegative ? 1 : 0) | 0x80;
  rest = Math.floor(rest / 64);
  while (rest > 0x7f) {
    bytes[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[position++] = rest;
  return position;
}
