/** The compiled codecs against the interpreter, for declarations nobody wrote. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compile } from "../../../broker/wire/compile.ts";
import { Reader } from "../../../broker/wire/reader.ts";
import type { Message } from "../../../broker/wire/schema.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";
import { Writer } from "../../../broker/wire/writer.ts";
import { oracleDecode, oracleEncode } from "../../support/codec-oracle.ts";
import {
  anyMessage,
  valueOf,
  VERSIONS,
} from "../../support/schema-arbitraries.ts";

const messageVersionValue = fc
  .tuple(anyMessage, fc.constantFrom(...VERSIONS))
  .chain(([message, version]) =>
    fc.tuple(
      fc.constant(message),
      fc.constant(version),
      valueOf(message.fields, version),
    ),
  );

function encode(message: Message, version: number, value: object): Uint8Array {
  const writer = new Writer(16);
  compile(message, version).encode(writer, { ...value });
  expect(writer.sizeBytes).toBe(writer.finish().sizeBytes);
  const again = new Writer();
  compile(message, version).encode(again, { ...value });
  return again.finishBytes();
}

test("encoder and interpreter write the same bytes", () => {
  fc.assert(
    fc.property(messageVersionValue, ([message, version, value]) => {
      expect(encode(message, version, value)).toEqual(
        oracleEncode(message, version, value),
      );
    }),
    { numRuns: 1000 },
  );
});

test("decoder and interpreter read what was written", () => {
  fc.assert(
    fc.property(messageVersionValue, ([message, version, value]) => {
      const bytes = oracleEncode(message, version, value);
      const reader = new Reader(bytes);
      const decoded = compile(message, version).decode(reader);
      expect(decoded).toEqual(value);
      expect(oracleDecode(message, version, bytes).value).toEqual(value);
      expect(reader.remaining).toBe(0);
      // The same keys in the same order in every version.
      expect(Object.keys(decoded)).toEqual(Object.keys(message.fields));
    }),
    { numRuns: 1000 },
  );
});

const mutation = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    byte: fc.oneof(
      fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
      fc.integer({ min: 0, max: 255 }),
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

test("changed and cut bytes are read alike or refused alike, with a WireError", () => {
  fc.assert(
    fc.property(
      messageVersionValue,
      mutation,
      fc.double({ min: 0, max: 1, noNaN: true }),
      ([message, version, value], changes, kept) => {
        const bytes = oracleEncode(message, version, value);
        for (const { place, byte } of changes) {
          if (bytes.length > 0) bytes[Math.floor(place * bytes.length)] = byte;
        }
        const cut = bytes.subarray(0, Math.ceil(kept * bytes.length));
        expectAlike(message, version, cut);
      },
    ),
    { numRuns: 2000 },
  );
});

test("random bytes are read alike or refused alike, with a WireError", () => {
  fc.assert(
    fc.property(
      anyMessage,
      fc.constantFrom(...VERSIONS),
      fc.uint8Array({ maxLength: 64 }),
      expectAlike,
    ),
    { numRuns: 2000 },
  );
});

function expectAlike(
  message: Message,
  version: number,
  bytes: Uint8Array,
): void {
  let expected: unknown = "refused";
  try {
    expected = oracleDecode(message, version, bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
  }
  const reader = new Reader(bytes);
  let actual: unknown = "refused";
  try {
    const value = compile(message, version).decode(reader);
    actual = { value, end: reader.position };
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
  }
  expect(actual).toEqual(expected);
}
