import { expect, test } from "vitest";
import { createProgress, formatSize } from "../../cli/progress.ts";

test("progress is told every few seconds, and not at all of what is soon done", () => {
  let nowMs = 0;
  const said: string[] = [];
  const progress = createProgress(
    "verified",
    () => nowMs,
    (text) => said.push(text),
  );
  progress(500);
  nowMs = 4_999;
  progress(1_000_000);
  expect(said).toEqual([]);
  nowMs = 5_000;
  progress(1_000_000);
  nowMs = 9_000;
  progress(1);
  expect(said).toEqual(["verified 2.0 MB so far"]);
});

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1_000, "1.0 KB"],
  [1_449_000_000, "1.4 GB"],
  [2e15, "2000.0 TB"],
])("%d bytes are %s", (sizeBytes, text) => {
  expect(formatSize(sizeBytes)).toBe(text);
});
