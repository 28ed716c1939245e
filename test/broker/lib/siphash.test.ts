import { expect, it } from "vitest";
import { SipHash } from "../../../broker/lib/siphash.ts";

/** 0, 1, 2, ... */
function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index);
}

function hashOf(key: Uint8Array, bytes: Uint8Array): string {
  const words = new Uint32Array(4);
  new SipHash(key).hashInto(words, bytes);
  const hex = Buffer.alloc(16);
  words.forEach((word, index) => hex.writeUInt32LE(word, index * 4));
  return hex.toString("hex");
}

it.each([
  [0, "a3817f04ba25a8e66df67214c7550293"],
  [7, "a1f1ebbed8dbc153c0b84aa61ff08239"],
  [8, "3b62a9ba6258f5610f83e264f31497b4"],
  [15, "5493e99933b0a8117e08ec0f97cfc3d9"],
  [63, "5150d1772f50834a503e069a973fbd7c"],
])("gives the reference's hash of %i bytes", (length, hash) => {
  expect(hashOf(counting(16), counting(length))).toBe(hash);
});

it("gives another hash with another key", () => {
  const other = counting(16).fill(1, 8);
  expect(hashOf(other, counting(3))).not.toBe(
    hashOf(counting(16), counting(3)),
  );
});
