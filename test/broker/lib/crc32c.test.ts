import fc from "fast-check";
import { expect, test } from "vitest";
import {
  crc32c,
  crc32cJavascript,
  loadNative,
  NATIVE_FROM_SIZE_BYTES,
} from "../../../broker/lib/crc32c.ts";
import { crc32cBench } from "../../../bench/micro/crc32c.ts";

/** Bit by bit, as the polynomial says. */
function crcOracle(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}

test("the checks of RFC 3720 hold", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});

test("property: every way gives the same number at any size and alignment", () => {
  const native = loadNative() ?? crcOracle;
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 3 * NATIVE_FROM_SIZE_BYTES, size: "max" }),
      fc.nat(16),
      (bytes, skip) => {
        const view = bytes.subarray(Math.min(skip, bytes.length));
        const expected = crcOracle(view);
        expect(crc32c(view)).toBe(expected);
        expect(crc32cJavascript(view)).toBe(expected);
        expect(native(view)).toBe(expected);
        const [head, tail] = [view.subarray(0, skip), view.subarray(skip)];
        expect(crc32c(tail, crc32c(head))).toBe(expected);
        expect(native(tail, crc32cJavascript(head))).toBe(expected);
      },
    ),
    { numRuns: 200 },
  );
});

test("the bench runs small and gives its hash", () => {
  const { hash } = crc32cBench({ sizeBytes: 600, rounds: 3 });
  const bytes = Uint8Array.from({ length: 600 }, (_, index) => index);
  expect(hash).toBe(crcOracle(bytes));
});
