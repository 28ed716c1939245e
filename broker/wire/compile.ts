/**
 * Makes the encoder and the decoder of a message in one of its versions.
 *
 * The source that a person would have written is put together from the
 * declaration (emit-encode.ts, emit-decode.ts) and handed to `new Function`, at
 * the first use of that pair. Only declarations of our own are compiled, never
 * anything a peer sent. A profile shows the functions under `wire/<message>-v<version>.js`.
 */
import {
  EMPTY_BYTES,
  readInt16,
  readInt32,
  readInt64,
  readInt8,
  readUint16,
  readUint32,
  writeInt64,
} from "../lib/bytes.ts";
import {
  notNull,
  putInt16,
  putInt32,
  putInt8,
  putUint16,
  putUint32,
} from "./checked-numbers.ts";
import { emitDecoder } from "./emit-decode.ts";
import { emitEncoder } from "./emit-encode.ts";
import { planMessage } from "./plan.ts";
import type { Reader } from "./reader.ts";
import type { Fields, FieldsIn, FieldsOut, Message } from "./schema.ts";
import { includesVersion } from "./versions.ts";
import type { Writer } from "./writer.ts";

export interface Codec<F extends Fields> {
  /** Throws a `RangeError` for a value that does not fit its field. */
  encode(writer: Writer, value: FieldsIn<F>): void;
  /** Throws a `WireError` for malformed bytes. Leaves the reader behind the message. */
  decode(reader: Reader): FieldsOut<F>;
}

/** What the emitted code may call. */
const HELPERS = {
  EMPTY_BYTES,
  notNull,
  putInt16,
  putInt32,
  putInt8,
  putUint16,
  putUint32,
  readInt16,
  readInt32,
  readInt64,
  readInt8,
  readUint16,
  readUint32,
  writeInt64,
};

/** Only remembers: a pair always compiles to the same code. */
const compiled = new WeakMap<Message, Map<number, Codec<Fields>>>();

/** Throws a `RangeError` for a version that the message does not have. */
export function compile<F extends Fields>(
  message: Message<F>,
  version: number,
): Codec<F> {
  let versions = compiled.get(message);
  if (versions === undefined) compiled.set(message, (versions = new Map()));
  const known = versions.get(version);
  // What is kept under a message was built from it.
  if (known !== undefined) return known as Codec<F>;
  const codec = build(message, version);
  versions.set(version, codec);
  return codec;
}

function build<F extends Fields>(
  message: Message<F>,
  version: number,
): Codec<F> {
  const { name, versions } = message;
  if (!Number.isInteger(version) || !includesVersion(versions, version)) {
    throw new RangeError(`${name} has no version ${version}`);
  }
  const plan = planMessage(message, version);
  const source = `"use strict";
${emitEncoder(plan)}
${emitDecoder(plan)}
return { encode: encode_message, decode: decode_message };
//# sourceURL=wire/${name}-v${version}.js`;
  const factory = new Function(...Object.keys(HELPERS), source);
  return factory(...Object.values(HELPERS));
}
