import { expect, test } from "vitest";
import {
  murmur2,
  partitionOfKey,
  StickyPartition,
} from "../../../client/core/partitioner.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

// Kafka's own vectors (`UtilsTest.testMurmur2`).
test.each([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
])("murmur2 of %s is Java's", (text, hash) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test("the sign bit is cleared, not the sign turned", () => {
  expect(partitionOfKey(Buffer.from("21"), 10)).toBe(
    (-973932308 & 0x7fffffff) % 10,
  );
});

test("keyless records stay on a partition until its batch is sealed, then move", () => {
  const sticky = new StickyPartition(new SeededRandom(1));
  const first = sticky.get(3);
  expect(sticky.get(3)).toBe(first);
  sticky.sealed((first + 1) % 3, 3);
  expect(sticky.get(3)).toBe(first);
  sticky.sealed(first, 3);
  expect(sticky.get(3)).not.toBe(first);
});

test("a topic of one partition has nowhere to move", () => {
  const sticky = new StickyPartition(new SeededRandom(1));
  sticky.sealed(sticky.get(1), 1);
  expect(sticky.get(1)).toBe(0);
});
