import { expect, test } from "vitest";
import {
  groupPartition,
  javaHash,
} from "../../../broker/group/group-partition.ts";

test("the hash is Java's, over UTF-16 units and in 32 bits", () => {
  expect(javaHash("")).toBe(0);
  expect(javaHash("a")).toBe(97);
  expect(javaHash("hello")).toBe(99162322);
  expect(javaHash("hello world")).toBe(1794106052);
  expect(javaHash("\u{1f600}")).toBe(0xd83d * 31 + 0xde00);
  expect(javaHash("polygenelubricants")).toBe(-(2 ** 31));
});

test("a negative hash loses its sign as in Kafka, and the smallest one becomes 0", () => {
  expect(javaHash("orders")).toBe(-1008770331);
  expect(groupPartition("orders", 50)).toBe(31);
  expect(groupPartition("my-group", 50)).toBe(12);
  expect(groupPartition("polygenelubricants", 50)).toBe(0);
  expect(groupPartition("anything", 1)).toBe(0);
});
