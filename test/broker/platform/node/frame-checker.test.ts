import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FrameRange } from "../../../../broker/lib/checked-frames.ts";
import { FrameChecker } from "../../../../broker/platform/node/frame-checker.ts";
import type { FrameCheckerOptions } from "../../../../broker/platform/node/frame-checker.ts";
import { setBaseOffset } from "../../../../broker/record/batch.ts";
import { batchFrames } from "../../../../broker/record/batch-format.ts";
import { createTemporaryDirectory } from "../../../support/temporary-directory.ts";
import type { TemporaryDirectory } from "../../../support/temporary-directory.ts";
import { batchOf } from "../../storage/support.ts";

let directory: TemporaryDirectory;
let fd: number;
let range: FrameRange;
let batchSizeBytes: number;
const ended: Promise<unknown>[] = [];

beforeEach(async () => {
  directory = await createTemporaryDirectory();
  const batches = Array.from({ length: 20 }, (_, offset) => {
    const batch = batchOf("x".repeat(1_000));
    setBaseOffset(batch, 0, offset);
    return batch;
  });
  batchSizeBytes = batches[0]?.length ?? 0;
  const path = `${directory.path}/log`;
  const bytes = Buffer.concat(batches);
  bytes[7 * batchSizeBytes + 100] = 0;
  writeFileSync(path, bytes);
  fd = openSync(path, "r");
  range = {
    position: 0,
    endPosition: bytes.length,
    startNumber: 0,
    endNumber: 20,
  };
});

afterEach(async () => {
  await Promise.all(ended.splice(0));
  closeSync(fd);
  await directory.remove();
});

const file = () => ({
  fd,
  read: async (target: Uint8Array, position: number) =>
    readSync(fd, target, 0, target.length, position),
});

function check(checker: FrameChecker, position = 0) {
  return checker.check(file(), batchFrames, { ...range, position });
}

function startThread(): Worker {
  const url = new URL(
    "../../../../broker/platform/node/frame-check.thread.ts",
    import.meta.url,
  );
  const thread = new Worker(url, { execArgv: [] });
  ended.push(new Promise((resolve) => thread.once("exit", resolve)));
  return thread;
}

const checkerWith = (options: Partial<FrameCheckerOptions>) =>
  new FrameChecker({
    inlineSizeBytesMax: 0,
    idleMs: 0,
    startThread,
    ...options,
  });

test("a thread finds what does not hold, and is started when it is first needed", async () => {
  const checker = checkerWith({});
  expect(checker.hasThread).toBe(false);
  const [all, rest] = await Promise.all([
    check(checker),
    check(checker, 8 * batchSizeBytes),
  ]);
  expect(all).toMatchObject({
    position: 7 * batchSizeBytes,
    endPosition: 8 * batchSizeBytes,
  });
  expect(rest).toBe(null);
});

test("no thread is started for what takes no longer than that", async () => {
  const checker = checkerWith({ inlineSizeBytesMax: range.endPosition });
  expect(await check(checker)).toMatchObject({ position: 7 * batchSizeBytes });
  expect(checker.hasThread).toBe(false);
});

test("the thread ends when it has nothing to do, and another one begins", async () => {
  const checker = checkerWith({});
  await check(checker, 8 * batchSizeBytes);
  await Promise.all(ended);
  expect(checker.hasThread).toBe(false);
  expect(await check(checker, 8 * batchSizeBytes)).toBe(null);
});

test("where there is no thread to be had the answer is the same", async () => {
  const none = checkerWith({
    startThread: () => {
      throw new Error("no threads");
    },
  });
  expect(await check(none)).toMatchObject({ position: 7 * batchSizeBytes });
  const broken = checkerWith({
    startThread: () => new Worker("throw new Error('broken')", { eval: true }),
  });
  expect(await check(broken)).toMatchObject({ position: 7 * batchSizeBytes });
  expect(await check(broken, 8 * batchSizeBytes)).toBe(null);
});

test("a read that fails in the thread has the system's code", async () => {
  const checker = checkerWith({});
  const closed = { ...file(), fd: 1_000_000 };
  await expect(checker.check(closed, batchFrames, range)).rejects.toMatchObject(
    { code: "EBADF" },
  );
});
