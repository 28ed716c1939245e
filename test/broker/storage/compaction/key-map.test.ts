import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipHash } from "../../../../broker/lib/siphash.ts";
import {
  KEY_MAP_SLOT_SIZE_BYTES,
  KeyMap,
} from "../../../../broker/storage/compaction/key-map.ts";

const hash = new SipHash(new Uint8Array(16).fill(3));
const text = new TextEncoder();

function mapOf(slotCount: number, recordCountMax = 1_000_000): KeyMap {
  const sizeBytesMax = slotCount * KEY_MAP_SLOT_SIZE_BYTES;
  return new KeyMap(hash, { sizeBytesMax, recordCountMax }, 0);
}

describe("a key map", () => {
  it("gives the newest offset of a key, and -1 for one it does not know", () => {
    const map = mapOf(100);
    expect(map.put(text.encode("a"), 0)).toBe(true);
    expect(map.put(text.encode("b"), 1)).toBe(true);
    expect(map.put(text.encode("a"), 5_000_000_000_000)).toBe(true);
    expect(map.get(text.encode("a"))).toBe(5_000_000_000_000);
    expect(map.get(text.encode("b"))).toBe(1);
    expect(map.get(text.encode("c"))).toBe(-1);
    expect(map.keyCount).toBe(2);
  });

  it("takes no key beyond its budget, but newer offsets of those it has", () => {
    const map = mapOf(10);
    const added = Array.from({ length: 12 }, (_, index) =>
      map.put(text.encode(`${index}`), index),
    );
    expect(added).toEqual(added.map((_, index) => index < 9));
    expect(map.endOffset).toBe(9);
    expect(map.put(text.encode("3"), 20)).toBe(true);
    expect(map.get(text.encode("3"))).toBe(20);
    expect(map.sizeBytes).toBe(10 * KEY_MAP_SLOT_SIZE_BYTES);
  });

  it("takes one key at least, or no pass would end", () => {
    const map = new KeyMap(hash, { sizeBytesMax: 1, recordCountMax: 50 }, 7);
    expect(map.put(text.encode("a"), 7)).toBe(true);
    expect(map.put(text.encode("b"), 8)).toBe(false);
    expect(map.endOffset).toBe(8);
  });

  it("allocates no more than there can be records", () => {
    expect(mapOf(1_000_000, 90).sizeBytes).toBeLessThan(5_000);
  });

  it("has room for as many keys as there can be records", () => {
    for (const count of [1, 2, 9, 10, 100]) {
      const map = mapOf(1_000_000, count);
      for (let key = 0; key < count; key++) {
        expect(map.put(text.encode(`${key}`), key)).toBe(true);
      }
    }
  });

  it("behaves as a Map of the keys", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 60 }),
        (keys) => {
          const map = mapOf(80);
          const model = new Map<string, number>();
          keys.forEach((key, offset) => {
            map.put(key, offset);
            model.set(Buffer.from(key).toString("hex"), offset);
          });
          for (const [hex, offset] of model) {
            expect(map.get(Buffer.from(hex, "hex"))).toBe(offset);
          }
          expect(map.keyCount).toBe(model.size);
        },
      ),
    );
  });
});
