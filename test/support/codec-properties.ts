/**
 * What must hold for every message in every version: the compiled codec and the
 * interpreter write the same bytes, read the same values, and refuse the same
 * bytes, the codec with a `WireError` and nothing else.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { compile } from "../../broker/wire/compile.ts";
import { Reader } from "../../broker/wire/reader.ts";
import type { Message } from "../../broker/wire/schema.ts";
import { WireError } from "../../broker/wire/wire-error.ts";
import { Writer } from "../../broker/wire/writer.ts";
import { oracleDecode, oracleEncode } from "./codec-oracle.ts";
import { valueOf } from "./schema-arbitraries.ts";

/** Changes to bytes, as a careless or hostile peer would make them. */
export interface Damage {
  readonly changes: readonly {
    readonly place: number;
    readonly byte: number;
  }[];
  /** Which part of the bytes is left: 0 to 1. */
  readonly kept: number;
}

export const anyDamage: fc.Arbitrary<Damage> = fc.record({
  changes: fc.array(
    fc.record({
      place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.oneof(
        fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
        fc.integer({ min: 0, max: 255 }),
      ),
    }),
    { maxLength: 4 },
  ),
  kept: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
});

/** Runs all three properties for one message in one version. */
export function expectHoldsAgainstOracle(
  message: Message,
  version: number,
  runCount: number,
): void {
  const value = valueOf(message.fields, version);
  const each = fc.property(value, anyDamage, (drawn, damage) => {
    expectSameBytes(message, version, drawn);
    expectReadBack(message, version, drawn);
    expectReadAlike(message, version, damaged(message, version, drawn, damage));
  });
  fc.assert(each, { numRuns: runCount });
}

export function expectSameBytes(
  message: Message,
  version: number,
  value: object,
): void {
  // So small that it must grow.
  const writer = new Writer(1);
  compile(message, version).encode(writer, { ...value });
  const { sizeBytes } = writer;
  const bytes = writer.finishBytes();
  expect(bytes).toEqual(oracleEncode(message, version, value));
  expect(bytes.length).toBe(sizeBytes);
}

export function expectReadBack(
  message: Message,
  version: number,
  value: object,
): void {
  const bytes = oracleEncode(message, version, value);
  const reader = new Reader(bytes);
  const decoded = compile(message, version).decode(reader);
  expect(decoded).toEqual(value);
  expect(reader.remaining).toBe(0);
  expect(oracleDecode(message, version, bytes).value).toEqual(value);
  // The same keys in the same order in every version.
  expect(Object.keys(decoded)).toEqual(Object.keys(message.fields));
}

export function expectReadAlike(
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

export function damaged(
  message: Message,
  version: number,
  value: object,
  damage: Damage,
): Uint8Array {
  const bytes = oracleEncode(message, version, value);
  for (const { place, byte } of damage.changes) {
    if (bytes.length > 0) bytes[Math.floor(place * bytes.length)] = byte;
  }
  return bytes.subarray(0, Math.ceil(damage.kept * bytes.length));
}
