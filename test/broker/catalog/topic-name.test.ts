import { expect, test } from "vitest";
import {
  collisionKey,
  isInternalTopic,
  topicNameFault,
} from "../../../broker/catalog/topic-name.ts";

test.each(["a", "A.b_c-9", "...", "_", "x".repeat(249)])(
  "%s is a topic name",
  (name) => {
    expect(topicNameFault(name)).toBeNull();
  },
);

test.each([
  "",
  ".",
  "..",
  "a b",
  "a/b",
  "ä",
  "a\u0000",
  "a\n",
  "x".repeat(250),
])("%j is not a topic name", (name) => {
  expect(topicNameFault(name)).not.toBeNull();
});

test("names collide that differ only in '.' and '_'", () => {
  expect(collisionKey("a.b_c")).toBe(collisionKey("a_b.c"));
  expect(collisionKey("a.b")).not.toBe(collisionKey("a-b"));
});

test("the offsets and transactions topics are internal", () => {
  expect(isInternalTopic("__consumer_offsets")).toBe(true);
  expect(isInternalTopic("__transaction_state")).toBe(true);
  expect(isInternalTopic("__mine")).toBe(false);
});
