import { expect, test } from "vitest";
import { compile } from "../../../../broker/wire/compile.ts";
import { apis } from "../../../../broker/wire/kafka/apis.ts";
import { Reader } from "../../../../broker/wire/reader.ts";
import type { Message } from "../../../../broker/wire/schema.ts";
import { WireError } from "../../../../broker/wire/wire-error.ts";
import { encoded, versionsOf } from "./peer.ts";
import { sampleOf } from "./sample.ts";

const cases = Object.values(apis).flatMap((api) =>
  versionsOf(api).flatMap((version) =>
    [api.request, api.response].map((message: Message) => ({
      name: message.name,
      message,
      version,
    })),
  ),
);

test.each(cases)("$name v$version decodes to what was encoded", (one) => {
  const { message, version } = one;
  for (const isWithoutNulls of [true, false]) {
    const sample = sampleOf(message, version, { isWithoutNulls });
    const reader = new Reader(encoded(message, version, sample));
    const decoded = compile(message, version).decode(reader);
    expect(decoded).toEqual(sample);
    expect(Object.keys(decoded)).toEqual(Object.keys(message.fields));
    expect(reader.remaining).toBe(0);
  }
});

test("whatever is cut from a message, decoding it throws a WireError and nothing else", () => {
  for (const { message, version } of cases) {
    const { decode } = compile(message, version);
    const bytes = encoded(message, version, sampleOf(message, version));
    // Every cut of a long message would take long: all of its head, then some.
    const step = Math.max(1, Math.floor(bytes.length / 100));
    for (let size = 0; size < bytes.length; size += size < 40 ? 1 : step) {
      const reader = new Reader(bytes.subarray(0, size));
      expect(() => decode(reader), `${message.name} v${version}`).toThrow(
        WireError,
      );
    }
  }
});
