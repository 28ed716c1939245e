/** The checker itself: it must see what is missing. */
import { expect, test } from "vitest";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { CrashRecord } from "./crash-record.ts";

const cases: readonly (readonly [string, string, RegExp])[] = [
  ["a batch", "sent 1 0 7 0\nack 1 0 0\n", /batch 0 was acknowledged at 0/],
  ["a topic", "created extra-1\n", /topic extra-1 is gone/],
  ["a committed offset", "committed 5\n", /committed 5, found -1/],
];

test.for(cases)("%s that is not there is missed", async ([, output, why]) => {
  const directory = await createTemporaryDirectory();
  try {
    const record = new CrashRecord();
    record.take(output);
    await expect(record.check(directory.path)).rejects.toThrow(why);
  } finally {
    await directory.remove();
  }
});

test("an answer that must not be is told, a line that was cut is not", () => {
  const record = new CrashRecord();
  expect(() => record.take("fail commit: 3\n")).toThrow("fail commit: 3");
  record.take("sent 0 0 7 0\nack 0 0");
  expect(record.acknowledgedCount).toBe(0);
  expect(record.taskFor("/d", 1).partitions[0]).toEqual({
    nextNumber: 1,
    unanswered: [{ number: 0, producerId: 7, sequence: 0 }],
  });
});
