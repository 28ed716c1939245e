/**
 * Kafka's wire format by interpretation: slow, obvious, and without a line in
 * common with the compiled codecs it is held against. Throws some error, any
 * error, for what it refuses.
 */
import type { Payload } from "../../broker/lib/payload.ts";
import {
  defaultOf,
  type AnyField,
  type Fields,
  type Message,
} from "../../broker/wire/schema.ts";
import {
  includesVersion as has,
  type VersionRange,
} from "../../broker/wire/versions.ts";

interface Input {
  readonly buffer: Buffer;
  position: number;
}

export function oracleEncode(
  message: Message,
  version: number,
  value: unknown,
): Uint8Array {
  return new Uint8Array(
    encodeStruct(message.fields, value, version, message.flexible),
  );
}

/** What the bytes hold, and how many of them were read. */
export function oracleDecode(
  message: Message,
  version: number,
  bytes: Uint8Array,
): { readonly value: unknown; readonly end: number } {
  const input: Input = { buffer: Buffer.from(bytes), position: 0 };
  const value = decodeStruct(message.fields, input, version, message.flexible);
  return { value, end: input.position };
}

function encodeStruct(
  fields: Fields,
  value: unknown,
  version: number,
  flexible: VersionRange,
): Buffer {
  const plain: Buffer[] = [];
  const tags: { tag: number; body: Buffer }[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const { spec } = field;
    const given = propertyOf(value, name);
    const one = given === undefined ? defaultOf(field) : given;
    if (!has(spec.versions, version)) continue;
    if (spec.tag !== null && has(spec.tagged, version)) {
      if (isDefault(field, one)) continue;
      const body = encodeValue(field, one, version, flexible, true);
      tags.push({ tag: spec.tag, body });
    } else {
      plain.push(encodeValue(field, one, version, flexible, false));
    }
  }
  if (!has(flexible, version)) return Buffer.concat(plain);
  tags.sort((a, b) => a.tag - b.tag);
  const section = tags.flatMap(({ tag, body }) => [
    varint(tag),
    varint(body.length),
    body,
  ]);
  return Buffer.concat([...plain, varint(tags.length), ...section]);
}

function encodeValue(
  field: AnyField,
  value: unknown,
  version: number,
  flexible: VersionRange,
  isTagged: boolean,
): Buffer {
  const { type, nullable } = field.spec;
  const isCompact = has(field.spec.flexible ?? flexible, version);
  if (value === null && !has(nullable, version)) throw new Error("null");
  if (type.kind === "struct") {
    const whole =
      value === null
        ? Buffer.alloc(0)
        : encodeStruct(type.fields, value, version, flexible);
    if (!has(nullable, version)) return whole;
    if (isTagged) return Buffer.concat([varint(value === null ? 0 : 1), whole]);
    return Buffer.concat([Buffer.from([value === null ? 0xff : 1]), whole]);
  }
  if (type.kind === "array") {
    if (value === null) return prefix(-1, 4, isCompact);
    if (!Array.isArray(value)) throw new Error("array");
    const elements = value.map((one) =>
      encodeValue(type.element, one, version, flexible, false),
    );
    return Buffer.concat([prefix(value.length, 4, isCompact), ...elements]);
  }
  const width = type.kind === "string" ? 2 : 4;
  switch (type.kind) {
    case "string":
    case "bytes":
    case "records": {
      if (value === null) return prefix(-1, width, isCompact);
      const body = bodyOf(value);
      if (width === 2 && body.length > 0x7fff) throw new Error("long");
      return Buffer.concat([prefix(body.length, width, isCompact), body]);
    }
    case "uuid":
      return Buffer.from(String(value), "base64url");
    default:
      return NUMBERS[type.kind].write(Number(value));
  }
}

function decodeStruct(
  fields: Fields,
  input: Input,
  version: number,
  flexible: VersionRange,
): unknown {
  const struct: Record<string, unknown> = {};
  const byTag = new Map<number, [string, AnyField]>();
  for (const [name, field] of Object.entries(fields)) {
    const { spec } = field;
    struct[name] = defaultOf(field);
    if (!has(spec.versions, version)) continue;
    if (spec.tag !== null && has(spec.tagged, version)) {
      byTag.set(spec.tag, [name, field]);
    } else {
      struct[name] = decodeValue(field, input, version, flexible, false);
    }
  }
  if (!has(flexible, version)) return struct;
  for (let count = readVarint(input); count > 0; count--) {
    const known = byTag.get(readVarint(input));
    const sizeBytes = readVarint(input);
    const end = input.position + sizeBytes;
    if (known === undefined) {
      take(input, sizeBytes);
    } else {
      const [name, field] = known;
      struct[name] = decodeValue(field, input, version, flexible, true);
      if (input.position !== end) throw new Error("tag size");
    }
  }
  return struct;
}

function decodeValue(
  field: AnyField,
  input: Input,
  version: number,
  flexible: VersionRange,
  isTagged: boolean,
): unknown {
  const { type, nullable } = field.spec;
  const isNullable = has(nullable, version);
  const isCompact = has(field.spec.flexible ?? flexible, version);
  if (type.kind === "struct") {
    if (isNullable) {
      const isNull = isTagged
        ? readVarint(input) === 0
        : take(input, 1).readInt8() < 0;
      if (isNull) return null;
    }
    return decodeStruct(type.fields, input, version, flexible);
  }
  switch (type.kind) {
    case "array":
    case "string":
    case "bytes":
    case "records": {
      const width = type.kind === "string" ? 2 : 4;
      const size = readPrefix(input, width, isCompact);
      if (size === -1 && isNullable) return null;
      if (size < 0 || size > input.buffer.length - input.position) {
        throw new Error("size");
      }
      if (type.kind === "array") {
        return Array.from({ length: size }, () =>
          decodeValue(type.element, input, version, flexible, false),
        );
      }
      if (type.kind === "string" && size > 0x7fff) throw new Error("long");
      const body = take(input, size);
      return type.kind === "string" ? body.toString() : new Uint8Array(body);
    }
    case "uuid":
      return take(input, 16).toString("base64url");
    case "bool":
      return take(input, 1).readInt8() !== 0;
    default: {
      const { sizeBytes, read } = NUMBERS[type.kind];
      return read(take(input, sizeBytes));
    }
  }
}

const NUMBERS = {
  bool: number(
    1,
    (b, v) => b.writeInt8(v),
    (b) => b.readInt8(),
  ),
  int8: number(
    1,
    (b, v) => b.writeInt8(v),
    (b) => b.readInt8(),
  ),
  int16: number(
    2,
    (b, v) => b.writeInt16BE(v),
    (b) => b.readInt16BE(),
  ),
  uint16: number(
    2,
    (b, v) => b.writeUInt16BE(v),
    (b) => b.readUInt16BE(),
  ),
  int32: number(
    4,
    (b, v) => b.writeInt32BE(v),
    (b) => b.readInt32BE(),
  ),
  uint32: number(
    4,
    (b, v) => b.writeUInt32BE(v),
    (b) => b.readUInt32BE(),
  ),
  int64: number(
    8,
    (b, v) => b.writeBigInt64BE(BigInt(v)),
    (b) => Number(b.readBigInt64BE()),
  ),
  float64: number(
    8,
    (b, v) => b.writeDoubleBE(v),
    (b) => b.readDoubleBE(),
  ),
};

function number(
  sizeBytes: number,
  put: (buffer: Buffer, value: number) => void,
  read: (buffer: Buffer) => number,
) {
  const write = (value: number): Buffer => {
    const buffer = Buffer.alloc(sizeBytes);
    put(buffer, value);
    return buffer;
  };
  return { sizeBytes, write, read };
}

function isDefault(field: AnyField, value: unknown): boolean {
  return comparable(value, field) === comparable(defaultOf(field), field);
}

/** Text that is equal for equal values; keys left out count as their defaults. */
function comparable(value: unknown, field: AnyField): string {
  const { type } = field.spec;
  if (type.kind === "struct" && value !== null) {
    const parts = Object.entries(type.fields).map(([name, inner]) => {
      const one = propertyOf(value, name);
      return comparable(one === undefined ? defaultOf(inner) : one, inner);
    });
    return `{${parts.join()}}`;
  }
  // Only empty arrays and bytes are ever a default: what is in them says enough.
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `${Object.keys(value).length} elements`;
}

function bodyOf(value: unknown): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (!isPayload(value)) throw new Error("bytes");
  return Buffer.concat(
    value.parts.map((part) => {
      if (part instanceof Uint8Array) return part;
      throw new Error("stream");
    }),
  );
}

function isPayload(value: unknown): value is Payload {
  return typeof value === "object" && value !== null && "parts" in value;
}

function propertyOf(value: unknown, name: string): unknown {
  return Object.entries(value ?? {}).find(([key]) => key === name)?.[1];
}

function prefix(size: number, width: 2 | 4, isCompact: boolean): Buffer {
  if (isCompact) return varint(size + 1);
  return (width === 2 ? NUMBERS.int16 : NUMBERS.int32).write(size);
}

function readPrefix(input: Input, width: 2 | 4, isCompact: boolean): number {
  if (isCompact) return readVarint(input) - 1;
  const raw = take(input, width);
  return width === 2 ? raw.readInt16BE() : raw.readInt32BE();
}

function varint(value: number): Buffer {
  if (value < 128) return Buffer.from([value]);
  const rest = varint(Math.floor(value / 128));
  return Buffer.concat([Buffer.from([(value % 128) + 128]), rest]);
}

function readVarint(input: Input): number {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = take(input, 1).readUInt8();
    value += (byte % 128) * 128 ** index;
    if (byte < 128) {
      if (value > 0xffffffff) break;
      return value;
    }
  }
  throw new Error("varint");
}

function take(input: Input, sizeBytes: number): Buffer {
  const start = input.position;
  if (start + sizeBytes > input.buffer.length) throw new Error("end");
  input.position += sizeBytes;
  return input.buffer.subarray(start, input.position);
}
