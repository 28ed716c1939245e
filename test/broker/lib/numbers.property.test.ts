import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  concatBytes,
  readInt16,
  readInt32,
  readInt64,
  readInt8,
  readUint16,
  readUint32,
  writeInt16,
  writeInt32,
  writeInt64,
  writeInt8,
} from "../../../broker/lib/bytes.ts";
import {
  readUnsignedVarint,
  readVarint,
  readVarlong,
  sizeOfUnsignedVarint,
  sizeOfVarint,
  sizeOfVarlong,
  writeUnsignedVarint,
  writeVarint,
  writeVarlong,
} from "../../../broker/lib/varint.ts";

const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n };

describe("fixed width", () => {
  test("reads what a DataView reads; int64 as the nearest double", () => {
    const bytes = fc.uint8Array({ minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(bytes, (drawn) => {
        const view = new DataView(drawn.buffer);
        expect(readInt8(drawn, 1)).toBe(view.getInt8(1));
        expect(readInt16(drawn, 1)).toBe(view.getInt16(1));
        expect(readUint16(drawn, 1)).toBe(view.getUint16(1));
        expect(readInt32(drawn, 1)).toBe(view.getInt32(1));
        expect(readUint32(drawn, 1)).toBe(view.getUint32(1));
        expect(readInt64(drawn, 1)).toBe(Number(view.getBigInt64(1)));
      }),
    );
  });

  test("writes what a DataView writes", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        const bytes = new Uint8Array(15);
        const expected = new DataView(new ArrayBuffer(15));
        writeInt8(bytes, 0, value | 0);
        expected.setInt8(0, value | 0);
        writeInt16(bytes, 1, value | 0);
        expected.setInt16(1, value | 0);
        writeInt32(bytes, 3, value | 0);
        expected.setInt32(3, value | 0);
        writeInt64(bytes, 7, value);
        expected.setBigInt64(7, BigInt(value));
        expect(bytes).toEqual(new Uint8Array(expected.buffer));
      }),
    );
  });

  test.each([2 ** 53, -(2 ** 53), 0.5, NaN, Infinity])(
    "refuses to write %d as an int64",
    (value) => {
      expect(() => writeInt64(new Uint8Array(8), 0, value)).toThrow(RangeError);
      const target = new Uint8Array(10);
      expect(() => writeVarlong(target, 0, value)).toThrow(RangeError);
    },
  );
});

/** By the definition, in big integers. */
function varintOf(unsigned: bigint): number[] {
  const low = Number(unsigned & 0x7fn);
  const rest = unsigned >> 7n;
  return rest === 0n ? [low] : [low | 0x80, ...varintOf(rest)];
}

function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value;
}

function cursorOf(bytes: Iterable<number>) {
  const array = Uint8Array.from(bytes);
  return { bytes: array, position: 0, end: array.length };
}

function written(
  write: (bytes: Uint8Array, position: number, value: number) => number,
  value: number,
): number[] {
  const target = new Uint8Array(12);
  return [...target.subarray(1, write(target, 1, value))].map(
    (_, index) => target[index + 1] ?? 0,
  );
}

describe("variable width", () => {
  test("unsigned", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        const bytes = varintOf(BigInt(value));
        expect(written(writeUnsignedVarint, value)).toEqual(bytes);
        expect(sizeOfUnsignedVarint(value)).toBe(bytes.length);
        expect(readUnsignedVarint(cursorOf(bytes))).toBe(value);
      }),
    );
  });

  test("zigzag of 32 bits", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        const bytes = varintOf(zigzag(BigInt(value)));
        expect(written(writeVarint, value)).toEqual(bytes);
        expect(sizeOfVarint(value)).toBe(bytes.length);
        expect(readVarint(cursorOf(bytes))).toBe(value);
      }),
    );
  });

  test("zigzag of 64 bits, written from safe integers", () => {
    const value = fc.oneof(fc.maxSafeInteger(), fc.integer());
    fc.assert(
      fc.property(value, (drawn) => {
        const bytes = varintOf(zigzag(BigInt(drawn)));
        expect(written(writeVarlong, drawn)).toEqual(bytes);
        expect(sizeOfVarlong(drawn)).toBe(bytes.length);
        expect(readVarlong(cursorOf(bytes))).toBe(drawn);
      }),
    );
  });

  test("zigzag of 64 bits reads as about the nearest double", () => {
    fc.assert(
      fc.property(fc.bigInt(INT64), (value) => {
        const read = readVarlong(cursorOf(varintOf(zigzag(value))));
        const error = Math.abs((read ?? NaN) - Number(value));
        expect(error).toBeLessThanOrEqual(Math.abs(Number(value)) * 2 ** -51);
      }),
    );
  });

  test("the extremes", () => {
    for (const value of [INT64.min, INT64.max]) {
      const cursor = cursorOf(varintOf(zigzag(value)));
      expect(readVarlong(cursor)).toBe(Number(value));
      expect(cursor.position).toBe(10);
    }
  });

  test.each([
    ["nothing", []],
    ["an unfinished number", [0x80, 0x80]],
    ["too many bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ["too many bits", [0xff, 0xff, 0xff, 0xff, 0x10]],
  ])("a varint of %s is null", (_what, bytes) => {
    expect(readUnsignedVarint(cursorOf(bytes))).toBe(null);
    expect(readVarint(cursorOf(bytes))).toBe(null);
  });

  test.each([
    ["nothing", []],
    ["an unfinished number", Array<number>(9).fill(0x80)],
    ["too many bytes", Array<number>(11).fill(0x80)],
    ["too many bits", [...Array<number>(9).fill(0xff), 0x02]],
  ])("a varlong of %s is null", (_what, bytes) => {
    expect(readVarlong(cursorOf(bytes))).toBe(null);
  });

  test("a number longer than it need be is read, and the cursor stands behind it", () => {
    const cursor = cursorOf([0x81, 0x00, 0x07]);
    expect(readUnsignedVarint(cursor)).toBe(1);
    expect(cursor.position).toBe(2);
  });
});

test("chunks in a row become one array", () => {
  const chunks = [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)];
  expect(concatBytes(chunks)).toEqual(Uint8Array.of(1, 2, 3));
});
