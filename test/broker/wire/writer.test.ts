import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payloadOf, type StreamPart } from "../../../broker/lib/payload.ts";
import { Reader } from "../../../broker/wire/reader.ts";
import { Writer } from "../../../broker/wire/writer.ts";

describe("by reference", () => {
  test("record data is never copied, however small", () => {
    const records = Uint8Array.of(1, 2, 3);
    const writer = new Writer();
    writer.int8(5);
    writer.records(records);
    writer.int8(6);
    const { parts, sizeBytes } = writer.finish();
    expect(parts[1]).toBe(records);
    expect(parts).toHaveLength(3);
    expect(sizeBytes).toBe(1 + 4 + 3 + 1);
  });

  test("large byte fields are not copied, small ones share the buffer", () => {
    const large = new Uint8Array(10_000);
    const writer = new Writer();
    writer.byteField(new Uint8Array(100));
    writer.compactByteField(large);
    expect(writer.finish().parts[1]).toBe(large);
  });

  test("a payload brings its parts, streams too, and its release", () => {
    let releaseCount = 0;
    const stream: StreamPart = {
      sizeBytes: 10,
      async *read() {
        yield new Uint8Array(10);
      },
    };
    const writer = new Writer();
    writer.compactRecords({
      ...payloadOf([Uint8Array.of(1), stream]),
      release: () => releaseCount++,
    });
    const { parts, sizeBytes, release } = writer.finish();
    expect(parts).toEqual([Buffer.of(12), Uint8Array.of(1), stream]);
    expect(sizeBytes).toBe(12);
    expect(releaseCount).toBe(0);
    release();
    expect(releaseCount).toBe(1);
  });

  test("a stream cannot be taken as bytes", () => {
    const writer = new Writer();
    async function* read(): AsyncIterable<Uint8Array> {}
    writer.records(payloadOf([{ sizeBytes: 1, read }]));
    expect(() => writer.finishBytes()).toThrow(TypeError);
  });
});

test("text of any length and alphabet is read back, from any capacity", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.string({ unit: "grapheme", maxLength: 100 }),
    fc.string({ minLength: 30, maxLength: 200, size: "max" }),
  );
  fc.assert(
    fc.property(
      fc.array(text),
      fc.integer({ min: 1, max: 64 }),
      (texts, size) => {
        const writer = new Writer(size);
        for (const one of texts) {
          writer.string(one);
          writer.compactString(one);
        }
        const reader = new Reader(writer.finishBytes());
        for (const one of texts) {
          expect(reader.string(false)).toBe(one);
          expect(reader.compactString(false)).toBe(one);
        }
      },
    ),
  );
});

describe("what does not fit its field throws", () => {
  test("a string above Kafka's limit", () => {
    const longest = "x".repeat(0x7fff);
    expect(() => new Writer().string(longest)).not.toThrow();
    expect(() => new Writer().string(`${longest}x`)).toThrow(RangeError);
    expect(() => new Writer().compactString(`${longest}x`)).toThrow(RangeError);
  });

  test.each(["", "AAAA", "A".repeat(23), "!".repeat(22)])(
    "%j for a uuid",
    (text) => {
      const writer = new Writer();
      const position = writer.reserve(16);
      expect(() => writer.uuid(text, position)).toThrow(RangeError);
    },
  );
});
