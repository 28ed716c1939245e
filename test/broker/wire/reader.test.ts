import { describe, expect, test } from "vitest";
import { Reader } from "../../../broker/wire/reader.ts";

function readerOf(hex: string, elementsMax?: number): Reader {
  return new Reader(
    new Uint8Array(Buffer.from(hex, "hex")),
    undefined,
    elementsMax,
  );
}

describe("a reader refuses", () => {
  test.each<[string, string, (reader: Reader) => unknown, string, number]>([
    ["bytes that end early", "00", (r) => r.take(2), "truncated", 0],
    [
      "a varint that ends early",
      "ff",
      (r) => r.unsignedVarint(),
      "truncated",
      1,
    ],
    [
      "a varint of 33 bits",
      "ffffffff1f",
      (r) => r.unsignedVarint(),
      "varint-too-long",
      5,
    ],
    [
      "a string longer than the bytes",
      "000561",
      (r) => r.string(false),
      "truncated",
      2,
    ],
    ["a null string", "ffff", (r) => r.string(false), "null-not-allowed", 2],
    [
      "a null compact string",
      "00",
      (r) => r.compactString(false),
      "null-not-allowed",
      1,
    ],
    [
      "a string of negative size",
      "fffe",
      (r) => r.string(true),
      "bad-length",
      2,
    ],
    [
      "a compact string above Kafka's limit",
      "818002",
      (r) => r.compactString(true),
      "bad-length",
      3,
    ],
    [
      "a string that is too long once what is no UTF-8 in it is replaced",
      "3000" + "ff".repeat(0x3000),
      (r) => r.string(false),
      "bad-length",
      2 + 0x3000,
    ],
    ["null bytes", "ffffffff", (r) => r.byteView(false), "null-not-allowed", 4],
    [
      "bytes longer than the rest",
      "7fffffff00",
      (r) => r.byteView(true),
      "truncated",
      4,
    ],
    [
      "more elements than bytes",
      "0000000301020304",
      (r) => r.count(false, 2),
      "count-exceeds-bytes",
      4,
    ],
    [
      "an absurd compact count",
      "ffffffff0f00",
      (r) => r.compactCount(false, 1),
      "count-exceeds-bytes",
      5,
    ],
    [
      "a null array",
      "ffffffff",
      (r) => r.count(false, 1),
      "null-not-allowed",
      4,
    ],
    [
      "a tag longer than the rest",
      "010005",
      (r) => r.skipTags(),
      "truncated",
      3,
    ],
    [
      "more tags than bytes",
      "ffffffff0f0000",
      (r) => r.skipTags(),
      "truncated",
      7,
    ],
  ])("%s", (_what, hex, read, reason, position) => {
    expect(() => read(readerOf(hex))).toThrow(
      expect.objectContaining({ name: "WireError", reason, position }),
    );
  });
});

test("the elements of all arrays of a message count against one limit", () => {
  const reader = readerOf("00000002" + "00000002" + "00000000", 3);
  expect(reader.count(false, 1)).toBe(2);
  expect(() => reader.count(false, 1)).toThrow(
    expect.objectContaining({ reason: "too-many-elements" }),
  );
});

test("invalid UTF-8 is replaced, as in Kafka", () => {
  expect(readerOf("0003" + "61ff62").string(false)).toBe("a\ufffdb");
});

test("byte fields are views of what is read", () => {
  const bytes = Uint8Array.of(9, 0, 0, 0, 2, 7, 8);
  const view = new Reader(bytes.subarray(1)).byteView(false);
  expect(view).toEqual(Uint8Array.of(7, 8));
  expect(view?.buffer).toBe(bytes.buffer);
});

test("a uuid is text in Kafka's form", () => {
  const reader = readerOf("00000000000000000000000000000000" + "ff".repeat(16));
  expect(reader.uuid(reader.take(16))).toBe("AAAAAAAAAAAAAAAAAAAAAA");
  expect(reader.uuid(reader.take(16))).toBe("_____________________w");
});
