/**
 * The schema language walked into arrays, for the compact protocol's headers.
 *
 *   struct := array of its fields' values, in the order declared
 *   array  := array of its elements
 *   uuid   := its text;  bytes := binary;  null := nil
 *
 * Fields are only ever added at the end: unknown values behind the last known
 * field are passed over, and fields that the peer does not know yet get their
 * defaults. So the version ranges and tags of a declaration mean nothing here.
 * Record batches never go through it: they follow the header as raw bytes.
 *
 * What is decoded was sent by a stranger: every value is checked for its type
 * and range, and a wrong one throws a `WireError`.
 */
import { packArray, unpackArray } from "./msgpack.ts";
import {
  defaultOf,
  type AnyField,
  type Fields,
  type FieldsIn,
  type FieldsOut,
  type Message,
  type ScalarKind,
} from "./schema.ts";
import { WireError } from "./wire-error.ts";

export interface CompactCodec<F extends Fields> {
  /** Throws a `RangeError` for a value that does not fit its field. */
  encode(value: FieldsIn<F>): Uint8Array;
  /** The message at `position`, and where it ends. Throws a `WireError`. */
  decode(
    bytes: Uint8Array,
    position?: number,
  ): { readonly value: FieldsOut<F>; readonly end: number };
}

/** Walks the declaration once; keep the codec. */
export function compactCodec<F extends Fields>(
  message: Message<F>,
): CompactCodec<F> {
  const walker = structWalker(message.fields, message.name);
  return {
    encode(value) {
      const array = walker.pack(value);
      if (!Array.isArray(array)) throw new RangeError("a struct expected");
      return packArray(array);
    },
    decode(bytes, position = 0) {
      const { values, end } = unpackArray(bytes, position);
      try {
        // The walker makes every field that the declaration names.
        return { value: walker.unpack(values) as FieldsOut<F>, end };
      } catch (error) {
        if (!(error instanceof MismatchError)) throw error;
        throw new WireError("wrong-type", position, error.message);
      }
    },
  };
}

/** A value that is not what was declared, in either direction. */
class MismatchError extends RangeError {
  constructor(path: string, expected: string) {
    super(`${path} is not ${expected}`);
  }
}

interface Walker {
  readonly pack: (value: unknown) => unknown;
  readonly unpack: (value: unknown) => unknown;
}

function fieldWalker(field: AnyField, path: string): Walker {
  const { type, nullable } = field.spec;
  const inner =
    type.kind === "struct"
      ? structWalker(type.fields, path)
      : type.kind === "array"
        ? arrayWalker(type.element, path)
        : scalarWalker(type.kind, path);
  if (nullable.last < nullable.first) return inner;
  return {
    pack: (value) => (value === null ? null : inner.pack(value)),
    unpack: (value) => (value === null ? null : inner.unpack(value)),
  };
}

function structWalker(fields: Fields, path: string): Walker {
  const entries = Object.entries(fields).map(([name, field]) => ({
    name,
    field,
    walker: fieldWalker(field, `${path}.${name}`),
  }));
  return {
    pack(value) {
      if (!isObject(value)) throw new MismatchError(path, "a struct");
      return entries.map(({ name, field, walker }) => {
        const given = value[name];
        const isLeftOut = given === undefined && isOptional(field);
        return walker.pack(isLeftOut ? defaultOf(field) : given);
      });
    },
    unpack(value) {
      if (!Array.isArray(value)) throw new MismatchError(path, "a struct");
      const struct: Record<string, unknown> = {};
      for (const [index, { name, field, walker }] of entries.entries()) {
        struct[name] =
          index < value.length ? walker.unpack(value[index]) : defaultOf(field);
      }
      return struct;
    },
  };
}

function arrayWalker(element: AnyField, path: string): Walker {
  const walker = fieldWalker(element, `${path}[]`);
  const each =
    (convert: (value: unknown) => unknown) =>
    (value: unknown): unknown[] => {
      if (!Array.isArray(value)) throw new MismatchError(path, "an array");
      return value.map((one) => convert(one));
    };
  return { pack: each(walker.pack), unpack: each(walker.unpack) };
}

/** Scalars are the same in both directions, so one check serves both. */
function scalarWalker(kind: ScalarKind, path: string): Walker {
  const isValid = CHECKS[kind];
  const check = (value: unknown): unknown => {
    if (!isValid(value)) throw new MismatchError(path, `a ${kind}`);
    return value;
  };
  // A peer may send an int64 that only doubles hold; we do not.
  if (kind !== "int64") return { pack: check, unpack: check };
  return {
    pack(value) {
      if (!Number.isSafeInteger(value)) throw new MismatchError(path, kind);
      return value;
    },
    unpack: check,
  };
}

const CHECKS: Readonly<Record<ScalarKind, (value: unknown) => boolean>> = {
  bool: (value) => typeof value === "boolean",
  int8: integer(-0x80, 0x7f),
  int16: integer(-0x8000, 0x7fff),
  uint16: integer(0, 0xffff),
  int32: integer(-0x80000000, 0x7fffffff),
  uint32: integer(0, 0xffffffff),
  int64: integer(-(2 ** 63), 2 ** 63),
  float64: (value) => typeof value === "number",
  uuid: (value) =>
    typeof value === "string" && /^[A-Za-z0-9_-]{22}$/.test(value),
  string: (value) => typeof value === "string",
  bytes: (value) => value instanceof Uint8Array,
  // Records follow the header as they lie; a declaration that puts them into it is wrong.
  records: () => false,
};

function integer(first: number, last: number): (value: unknown) => boolean {
  return (value) =>
    Number.isInteger(value) && Number(value) >= first && Number(value) <= last;
}

function isOptional(field: AnyField): boolean {
  return field.spec.default !== undefined || field.spec.tag !== null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
