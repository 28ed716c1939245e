/**
 * Numbers written with their range checked. A number that does not fit its
 * field would arrive as another one: that is our own bug, and a `RangeError`.
 */
import { writeInt16, writeInt32, writeInt8 } from "../lib/bytes.ts";

export function putInt8(b: Uint8Array, position: number, value: number): void {
  if ((value << 24) >> 24 !== value) throw outOfRange("int8", value);
  writeInt8(b, position, value);
}

export function putInt16(b: Uint8Array, position: number, value: number): void {
  if ((value << 16) >> 16 !== value) throw outOfRange("int16", value);
  writeInt16(b, position, value);
}

export function putUint16(
  b: Uint8Array,
  position: number,
  value: number,
): void {
  if ((value & 0xffff) !== value) throw outOfRange("uint16", value);
  writeInt16(b, position, value);
}

export function putInt32(b: Uint8Array, position: number, value: number): void {
  if ((value | 0) !== value) throw outOfRange("int32", value);
  writeInt32(b, position, value);
}

export function putUint32(
  b: Uint8Array,
  position: number,
  value: number,
): void {
  if (value >>> 0 !== value) throw outOfRange("uint32", value);
  writeInt32(b, position, value);
}

/** For what a declaration does not let be null in this version. */
export function notNull<T>(value: T | null): T {
  if (value === null) throw new RangeError("null where it may not be");
  return value;
}

function outOfRange(type: string, value: number): RangeError {
  return new RangeError(`not an ${type}: ${value}`);
}
