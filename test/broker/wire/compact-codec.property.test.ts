import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compactCodec } from "../../../broker/wire/compact-codec.ts";
import {
  array,
  bool,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  message,
  records,
  string,
  struct,
  uint16,
  uint32,
  uuid,
  type Message,
} from "../../../broker/wire/schema.ts";
import { WireError } from "../../../broker/wire/wire-error.ts";
import { anyDamage } from "../../support/codec-properties.ts";
import { anyMessage, valueOf } from "../../support/schema-arbitraries.ts";

/** Records are no part of compact headers; a declaration without them, in its last version. */
const headerAndValue = anyMessage
  .filter((drawn) => !JSON.stringify(drawn.fields).includes('"records"'))
  .chain((drawn) =>
    fc.tuple(
      fc.constant(drawn),
      valueOf(drawn.fields, 3),
      fc.uint8Array({ maxLength: 5 }),
    ),
  );

function packed(drawn: Message, value: object): Uint8Array {
  return compactCodec(drawn).encode({ ...value });
}

test("what was encoded is decoded, wherever it lies and whatever follows it", () => {
  fc.assert(
    fc.property(headerAndValue, ([drawn, value, around]) => {
      const header = packed(drawn, value);
      const whole = Uint8Array.from([...around, ...header, ...around]);
      const { value: decoded, end } = compactCodec(drawn).decode(
        whole,
        around.length,
      );
      expect(decoded).toEqual(value);
      expect(end).toBe(around.length + header.length);
    }),
  );
});

test("whatever is sent, it is decoded or refused with a WireError", () => {
  const refusal = (drawn: Message, sent: Uint8Array): void => {
    try {
      compactCodec(drawn).decode(sent);
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
    }
  };
  fc.assert(
    fc.property(headerAndValue, anyDamage, ([drawn, value], damage) => {
      const sent = packed(drawn, value);
      for (const { place, byte } of damage.changes) {
        sent[Math.floor(place * sent.length)] = byte;
      }
      refusal(drawn, sent.subarray(0, Math.ceil(damage.kept * sent.length)));
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(anyMessage, fc.uint8Array({ maxLength: 64 }), refusal),
    { numRuns: 1000 },
  );
});

const all = message({
  name: "All",
  versions: "0+",
  flexible: "none",
  fields: {
    int8,
    uint16,
    int16,
    int32,
    uint32,
    int64,
    float64,
    bool,
    string,
    uuid,
    bytes,
    array: array(int8),
    struct: struct({ inner: string }),
    maybe: string.nullable(),
  },
});

const valid: readonly unknown[] = [
  1,
  2,
  3,
  4,
  5,
  6,
  0.5,
  true,
  "text",
  "AAAAAAAAAAAAAAAAAAAAAQ",
  Uint8Array.of(1),
  [1, 2],
  ["inner"],
  null,
];

/** `valid` with one value replaced. */
function withValue(name: keyof typeof all.fields, value: unknown): Uint8Array {
  const index = Object.keys(all.fields).indexOf(name);
  return encode(valid.with(index, value));
}

describe("a value of another type or range is refused", () => {
  test("while the right ones pass", () => {
    expect(compactCodec(all).decode(encode(valid)).value.maybe).toBe(null);
  });

  test.each<[keyof typeof all.fields, unknown]>([
    ["int8", 128],
    ["int8", -129],
    ["int8", 1.5],
    ["int8", "1"],
    ["int8", null],
    ["uint16", -1],
    ["uint16", 65536],
    ["int16", 32768],
    ["int32", 2 ** 31],
    ["uint32", -1],
    ["uint32", 2 ** 32],
    ["int64", 1e300],
    ["int64", NaN],
    ["float64", "0.5"],
    ["bool", 0],
    ["string", null],
    ["string", Uint8Array.of(1)],
    ["uuid", "AAAAAAAAAAAAAAAAAAAAA"],
    ["uuid", "!AAAAAAAAAAAAAAAAAAAAA"],
    ["bytes", "text"],
    ["bytes", [1]],
    ["array", "text"],
    ["array", null],
    ["array", [1, 300]],
    ["struct", "inner"],
    ["struct", [1]],
    ["maybe", 1],
  ])("%s: %j", (name, value) => {
    expect(() => compactCodec(all).decode(withValue(name, value))).toThrow(
      expect.objectContaining({ name: "WireError", reason: "wrong-type" }),
    );
  });
});

describe("declarations grow at the end", () => {
  const older = message({
    name: "Older",
    versions: "0+",
    flexible: "none",
    fields: { id: int32, inner: struct({ a: int32 }) },
  });
  const newer = message({
    name: "Newer",
    versions: "0+",
    flexible: "none",
    fields: {
      id: int32,
      inner: struct({ a: int32, b: string.default("b") }),
      added: int64.default(-1),
      list: array(int8),
    },
  });

  test("values of fields that the reader does not know are passed over", () => {
    const sent = compactCodec(newer).encode({
      id: 1,
      inner: { a: 2, b: "x" },
      added: 3,
      list: [4],
    });
    expect(compactCodec(older).decode(sent).value).toEqual({
      id: 1,
      inner: { a: 2 },
    });
  });

  test("fields that the writer does not know get their defaults", () => {
    const sent = compactCodec(older).encode({ id: 1, inner: { a: 2 } });
    expect(compactCodec(newer).decode(sent).value).toEqual({
      id: 1,
      inner: { a: 2, b: "b" },
      added: -1,
      list: [],
    });
  });
});

describe("msgpack that we never write is refused", () => {
  test.each<[string, number[], string]>([
    ["nothing", [], "truncated"],
    ["no array", [0x01], "wrong-type"],
    ["a map", [0x91, 0x80], "malformed"],
    ["an extension", [0x91, 0xd4, 0x01, 0x00], "malformed"],
    ["the byte that is never used", [0x91, 0xc1], "malformed"],
    ["an array that ends early", [0x92, 0x01], "count-exceeds-bytes"],
    [
      "four billion elements",
      [0xdd, 0xff, 0xff, 0xff, 0xff, 0],
      "count-exceeds-bytes",
    ],
    ["four billion bytes", [0x91, 0xc6, 0xff, 0xff, 0xff, 0xff], "truncated"],
    ["a string that ends early", [0x91, 0xa5, 0x61], "truncated"],
    ["a prefix that ends early", [0x91, 0xda, 0x00], "truncated"],
    [
      "arrays in arrays without end",
      Array<number>(1000).fill(0x91),
      "malformed",
    ],
  ])("%s", (_what, sent, reason) => {
    expect(() => compactCodec(all).decode(Uint8Array.from(sent))).toThrow(
      expect.objectContaining({ name: "WireError", reason }),
    );
  });
});

describe("what does not fit its field is not encoded", () => {
  const one = message({
    name: "One",
    versions: "0+",
    flexible: "none",
    fields: { count: int64 },
  });

  test("an unsafe integer", () => {
    expect(() => compactCodec(one).encode({ count: 2 ** 53 })).toThrow(
      RangeError,
    );
  });

  test("records, which follow the header", () => {
    const wrong = message({
      name: "Wrong",
      versions: "0+",
      flexible: "none",
      fields: { batch: records },
    });
    const batch = Uint8Array.of(1);
    expect(() => compactCodec(wrong).encode({ batch })).toThrow(RangeError);
  });
});
