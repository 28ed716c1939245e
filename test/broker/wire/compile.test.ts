import { describe, expect, test } from "vitest";
import { compile } from "../../../broker/wire/compile.ts";
import { Reader } from "../../../broker/wire/reader.ts";
import {
  array,
  bool,
  defaultOf,
  int16,
  int32,
  int64,
  int8,
  message,
  records,
  string,
  struct,
  uuid,
  type Fields,
  type FieldsIn,
  type FieldsOut,
  type Message,
} from "../../../broker/wire/schema.ts";
import { parseVersions } from "../../../broker/wire/versions.ts";
import { Writer } from "../../../broker/wire/writer.ts";

function encode<F extends Fields>(
  declared: Message<F>,
  version: number,
  value: FieldsIn<F>,
): string {
  const writer = new Writer();
  compile(declared, version).encode(writer, value);
  return Buffer.from(writer.finishBytes()).toString("hex");
}

function decode<F extends Fields>(
  declared: Message<F>,
  version: number,
  hex: string,
): FieldsOut<F> {
  const bytes = new Uint8Array(Buffer.from(hex, "hex"));
  return compile(declared, version).decode(new Reader(bytes));
}

/** Worked by hand from Kafka's protocol guide. */
const example = message({
  apiKey: 99,
  name: "ExampleRequest",
  versions: "0-3",
  flexible: "2+",
  fields: {
    name: string,
    topicId: uuid.versions("3+"),
    epoch: int32.versions("1+").default(-1),
    parts: array(struct({ index: int16, isOn: bool })).nullable("1+"),
    owner: string.nullable().tagged(1, "2+").default(null),
    count: int64.tagged(0, "2+"),
  },
});

describe("bytes worked by hand", () => {
  const value = {
    name: "ab",
    topicId: "AAAAAAAAAAAAAAAAAAAAAQ",
    epoch: 5,
    parts: [{ index: 7, isOn: true }],
    owner: "me",
    count: 9,
  };

  test.each([
    [0, "0002" + "6162" + "00000001" + "0007" + "01"],
    [1, "0002" + "6162" + "00000005" + "00000001" + "0007" + "01"],
    [
      2,
      "03" +
        "6162" +
        "00000005" +
        "02" +
        "0007" +
        "01" +
        "00" +
        // Two tags, in ascending order: an int64 of 8 bytes, a string of 3.
        "02" +
        "0008" +
        "0000000000000009" +
        "0103" +
        "036d65",
    ],
    [
      3,
      "03" +
        "6162" +
        "00".repeat(15) +
        "01" +
        "00000005" +
        "02" +
        "0007" +
        "01" +
        "00" +
        "02" +
        "0008" +
        "0000000000000009" +
        "0103" +
        "036d65",
    ],
  ])("version %d", (version, hex) => {
    expect(encode(example, version, value)).toBe(hex);
    expect(encode(example, version, decode(example, version, hex))).toBe(hex);
  });

  test("fields of other versions decode to their defaults", () => {
    expect(decode(example, 0, "0000" + "00000000")).toEqual({
      name: "",
      topicId: "AAAAAAAAAAAAAAAAAAAAAA",
      epoch: -1,
      parts: [],
      owner: null,
      count: 0,
    });
  });

  test("keys left out are written as their defaults, tags not at all", () => {
    const least = { name: "", topicId: "AAAAAAAAAAAAAAAAAAAAAA", parts: null };
    expect(encode(example, 2, least)).toBe("01" + "ffffffff" + "00" + "00");
  });
});

describe("tagged fields on the wire", () => {
  const empty = "01" + "ffffffff" + "00";

  test("may come in any order, and unknown ones are passed over", () => {
    const sent =
      "03" + "0103" + "036d65" + "6302" + "ffff" + "0008" + "0000000000000009";
    const { owner, count } = decode(example, 2, empty + sent);
    expect([owner, count]).toEqual(["me", 9]);
  });

  test("may come twice: the last one holds", () => {
    const sent = "02" + "0103" + "036d65" + "0103" + "03796f";
    expect(decode(example, 2, empty + sent).owner).toBe("yo");
  });

  test("must be as long as they say", () => {
    const sent = "01" + "0109" + "036d65" + "000000000000";
    expect(() => decode(example, 2, empty + sent)).toThrow(
      expect.objectContaining({ reason: "tag-size-mismatch" }),
    );
  });
});

describe("null", () => {
  test("is refused in versions that do not allow it, both ways", () => {
    const value = { name: "", topicId: "A".repeat(22), parts: null };
    expect(() => encode(example, 0, value)).toThrow(RangeError);
    expect(() => decode(example, 0, "0000" + "ffffffff")).toThrow(
      expect.objectContaining({ reason: "null-not-allowed" }),
    );
  });

  test("is one byte before a struct, and a varint in a tag (KIP-482)", () => {
    const declared = message({
      name: "Nullable",
      versions: "0",
      flexible: "0+",
      fields: {
        plain: struct({ a: int8 }).nullable(),
        tagged: struct({ a: int8 }).nullable().tagged(0, "0+"),
      },
    });
    expect(encode(declared, 0, { plain: null, tagged: null })).toBe(
      "ff" + "01" + "0001" + "00",
    );
    expect(encode(declared, 0, { plain: { a: 2 }, tagged: { a: 3 } })).toBe(
      "01" + "0200" + "01" + "0003" + "01" + "0300",
    );
  });
});

test("decoded records are a view, and the whole keeps its keys in order", () => {
  const declared = message({
    name: "WithRecords",
    versions: "0-1",
    flexible: "none",
    fields: { late: int8.versions("1+"), batch: records.nullable() },
  });
  const bytes = Uint8Array.of(0, 0, 0, 2, 8, 9);
  const value = compile(declared, 0).decode(new Reader(bytes));
  expect(value.batch?.buffer).toBe(bytes.buffer);
  expect(Object.keys(value)).toEqual(["late", "batch"]);
});

test("an array's count is refused by its elements' least size, before it is made", () => {
  const declared = message({
    name: "Counts",
    versions: "0",
    flexible: "none",
    fields: { list: array(struct({ a: int64, b: string })) },
  });
  // Nine bytes hold no element of ten.
  const sent = "00000001" + "00".repeat(9);
  expect(() => decode(declared, 0, sent)).toThrow(
    expect.objectContaining({ reason: "count-exceeds-bytes", position: 4 }),
  );
});

describe("a number that does not fit is not written", () => {
  test.each([
    ["int8", 128],
    ["int16", 32768],
    ["int32", 2 ** 31],
    ["int32", 0.5],
    ["int64", 2 ** 53],
  ])("%s: %d", (kind, value) => {
    const field = { int8, int16, int32, int64 }[kind] ?? int8;
    const declared = message({
      name: "One",
      versions: "0",
      flexible: "none",
      fields: { field },
    });
    expect(() => encode(declared, 0, { field: value })).toThrow(RangeError);
  });
});

describe("a declaration that cannot be is refused when it is compiled", () => {
  test.each<[string, Fields]>([
    ["a number that is null", { a: int32.nullable() }],
    ["a name that is no name", { "a b": int32 }],
    ["a tag in a version that is not flexible", { a: int32.tagged(0, "0+") }],
    ["elements without bytes", { a: array(struct({})) }],
  ])("%s", (_what, fields) => {
    const declared = message({
      name: "Bad",
      versions: "0",
      flexible: "none",
      fields,
    });
    expect(() => compile(declared, 0)).toThrow(TypeError);
  });

  test.each([-1, 4, 0.5])("version %d of versions 0-3", (version) => {
    expect(() => compile(example, version)).toThrow(RangeError);
  });
});

test("a pair is compiled once", () => {
  expect(compile(example, 1)).toBe(compile(example, 1));
  expect(compile(example, 1)).not.toBe(compile(example, 2));
});

test("the default of a struct is that of its fields, new each time", () => {
  const field = struct({ a: int32.default(-1), list: array(int8) });
  expect(defaultOf(field)).toEqual({ a: -1, list: [] });
  expect(defaultOf(field)).not.toBe(defaultOf(field));
});

describe("version ranges", () => {
  test.each([
    ["3", { first: 3, last: 3 }],
    ["3+", { first: 3, last: Infinity }],
    ["3-5", { first: 3, last: 5 }],
    ["none", { first: 0, last: -1 }],
  ])("%s", (text, range) => {
    expect(parseVersions(text)).toEqual(range);
  });

  test.each(["", "+", "3-", "-3", "a", "3+4"])("%j is none", (text) => {
    expect(() => parseVersions(text)).toThrow(SyntaxError);
  });
});
