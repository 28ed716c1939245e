/** The compiled codecs against the interpreter, for declarations nobody wrote. */
import fc from "fast-check";
import { test } from "vitest";
import {
  anyDamage,
  damaged,
  expectReadAlike,
  expectReadBack,
  expectSameBytes,
} from "../../support/codec-properties.ts";
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

test("encoder and interpreter write the same bytes", () => {
  fc.assert(
    fc.property(messageVersionValue, (drawn) => expectSameBytes(...drawn)),
    { numRuns: 800 },
  );
});

test("decoder and interpreter read back what was written", () => {
  fc.assert(
    fc.property(messageVersionValue, (drawn) => expectReadBack(...drawn)),
    { numRuns: 800 },
  );
});

test("changed and cut bytes are read alike or refused alike, with a WireError", () => {
  fc.assert(
    fc.property(messageVersionValue, anyDamage, (drawn, damage) => {
      const [message, version] = drawn;
      expectReadAlike(message, version, damaged(...drawn, damage));
    }),
    { numRuns: 1500 },
  );
});

test("random bytes are read alike or refused alike, with a WireError", () => {
  fc.assert(
    fc.property(
      anyMessage,
      fc.constantFrom(...VERSIONS),
      fc.uint8Array({ maxLength: 64 }),
      expectReadAlike,
    ),
    { numRuns: 1500 },
  );
});
