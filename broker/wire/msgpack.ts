/**
 * Arrays in msgpack, from and for a stranger.
 *
 * The library trusts counts: it reserves an array as long as five bytes say.
 * So the bytes are walked once before it sees them, which also tells where the
 * array ends: in the compact protocol record batches follow it. Only what our
 * own encoder writes is let through: nil, booleans, numbers, strings, binary
 * and arrays, no deeper than `DEPTH_MAX`; no maps and no extensions.
 */
import { decode, encode } from "@msgpack/msgpack";
import { readUint16, readUint32 } from "../lib/bytes.ts";
import { WireError } from "./wire-error.ts";

const DEPTH_MAX = 16;

/** What each byte that begins a value says about it. */
type Token =
  /** So many bytes more. */
  | { readonly kind: "fixed"; readonly sizeBytes: number }
  /** A number of so many bytes, and then as many bytes as it says. */
  | { readonly kind: "sized"; readonly prefixSize: 1 | 2 | 4 }
  | { readonly kind: "array"; readonly prefixSize: 2 | 4 }
  | { readonly kind: "shortArray"; readonly count: number };

export function packArray(values: readonly unknown[]): Uint8Array {
  return encode(values);
}

/**
 * The array that begins at `position`, and where it ends. Binary values are
 * views. Throws a `WireError` for anything but an array of what we write.
 */
export function unpackArray(
  bytes: Uint8Array,
  position = 0,
): { readonly values: readonly unknown[]; readonly end: number } {
  const end = endOfValue(bytes, position);
  const { buffer, byteOffset } = bytes;
  const size = end - position;
  let values: unknown;
  try {
    values = decode(new Uint8Array(buffer, byteOffset + position, size));
  } catch (error) {
    throw new WireError("malformed", position, "not msgpack", error);
  }
  if (!Array.isArray(values)) {
    throw new WireError("wrong-type", position, "an array expected");
  }
  return { values, end };
}

/** Walks one value without making anything of it. */
function endOfValue(bytes: Uint8Array, start: number): number {
  let position = start;
  // Values still missing in each array around the present position.
  const missing: number[] = [1];
  while (missing.length > 0) {
    const depth = missing.length - 1;
    const left = missing[depth] ?? 0;
    if (left === 0) {
      missing.pop();
      continue;
    }
    missing[depth] = left - 1;
    const token = tokenOf(take(bytes, position, 1), position);
    position += 1;
    if (token.kind === "fixed") {
      position = after(bytes, position, token.sizeBytes);
    } else if (token.kind === "sized") {
      const sizeBytes = prefix(bytes, position, token.prefixSize);
      position = after(bytes, position + token.prefixSize, sizeBytes);
    } else {
      let count = 0;
      if (token.kind === "shortArray") {
        count = token.count;
      } else {
        count = prefix(bytes, position, token.prefixSize);
        position += token.prefixSize;
      }
      if (count > bytes.length - position) {
        const detail = `${count} elements promised`;
        throw new WireError("count-exceeds-bytes", position, detail);
      }
      if (missing.length > DEPTH_MAX) {
        throw new WireError("malformed", position, "nested too deep");
      }
      missing.push(count);
    }
  }
  return position;
}

function tokenOf(byte: number, position: number): Token {
  if (byte <= 0x7f || byte >= 0xe0) return { kind: "fixed", sizeBytes: 0 };
  if (byte >= 0x90 && byte <= 0x9f) {
    return { kind: "shortArray", count: byte & 0x0f };
  }
  if (byte >= 0xa0 && byte <= 0xbf) {
    return { kind: "fixed", sizeBytes: byte & 0x1f };
  }
  const token = TOKENS.get(byte);
  if (token !== undefined) return token;
  const detail = `byte 0x${byte.toString(16)} is no value we take`;
  throw new WireError("malformed", position, detail);
}

const TOKENS: ReadonlyMap<number, Token> = new Map<number, Token>([
  // nil, false, true
  [0xc0, { kind: "fixed", sizeBytes: 0 }],
  [0xc2, { kind: "fixed", sizeBytes: 0 }],
  [0xc3, { kind: "fixed", sizeBytes: 0 }],
  // binary
  [0xc4, { kind: "sized", prefixSize: 1 }],
  [0xc5, { kind: "sized", prefixSize: 2 }],
  [0xc6, { kind: "sized", prefixSize: 4 }],
  // floats
  [0xca, { kind: "fixed", sizeBytes: 4 }],
  [0xcb, { kind: "fixed", sizeBytes: 8 }],
  // unsigned and signed integers
  [0xcc, { kind: "fixed", sizeBytes: 1 }],
  [0xcd, { kind: "fixed", sizeBytes: 2 }],
  [0xce, { kind: "fixed", sizeBytes: 4 }],
  [0xcf, { kind: "fixed", sizeBytes: 8 }],
  [0xd0, { kind: "fixed", sizeBytes: 1 }],
  [0xd1, { kind: "fixed", sizeBytes: 2 }],
  [0xd2, { kind: "fixed", sizeBytes: 4 }],
  [0xd3, { kind: "fixed", sizeBytes: 8 }],
  // strings
  [0xd9, { kind: "sized", prefixSize: 1 }],
  [0xda, { kind: "sized", prefixSize: 2 }],
  [0xdb, { kind: "sized", prefixSize: 4 }],
  // arrays
  [0xdc, { kind: "array", prefixSize: 2 }],
  [0xdd, { kind: "array", prefixSize: 4 }],
]);

function prefix(bytes: Uint8Array, position: number, size: 1 | 2 | 4): number {
  const first = take(bytes, position, size);
  if (size === 1) return first;
  return size === 2 ? readUint16(bytes, position) : readUint32(bytes, position);
}

/** Checks that the bytes are there; answers the first. */
function take(bytes: Uint8Array, position: number, sizeBytes: number): number {
  after(bytes, position, sizeBytes);
  return bytes[position] ?? 0;
}

function after(bytes: Uint8Array, position: number, sizeBytes: number): number {
  if (sizeBytes > bytes.length - position) {
    throw new WireError("truncated", position, `${sizeBytes} bytes needed`);
  }
  return position + sizeBytes;
}
