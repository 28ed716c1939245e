/** What happens to a log while it is compacted, and what decides when it is. */
import { describe, expect, it } from "vitest";
import { readBytes } from "../support.ts";
import { TestLog } from "./support.ts";

/** A pass that pauses at every batch; `meanwhile` is done in one of its pauses, if there are as many. */
async function compactSlowly(
  test: TestLog,
  pauseNumber: number,
  meanwhile: () => Promise<unknown>,
) {
  const { clock } = test.storage;
  let pauseCount = 0;
  let done: Promise<unknown> = Promise.resolve();
  await test.compact({
    sizeBytesPerSecondMax: 1_000,
    isWanted: () => {
      // Asked before and after each pause.
      if (++pauseCount === pauseNumber) done = meanwhile();
      setImmediate(() => void done.then(() => clock.advance(1_000)));
      return true;
    },
  });
  await done;
  return pauseCount >= pauseNumber;
}

describe("while a log is compacted", () => {
  it("segments that are deleted meanwhile, at whichever moment, stay deleted", async () => {
    let isReached = true;
    for (let pause = 1; isReached; pause++) {
      const test = await TestLog.open();
      await test.add("a=1", "b=1", "a=2", "b=2", "c=1");
      isReached = await compactSlowly(test, pause, () =>
        test.log.deleteRecordsBefore(2),
      );
      if (!isReached) await test.log.deleteRecordsBefore(2);
      expect(await test.storage.names()).not.toContainEqual(
        expect.stringMatching(/cleaned|swap|deleted/),
      );
      const records = ["2:a=2", "3:b=2", "4:c=1"];
      expect(await test.records()).toEqual(records);
      // The next pass begins where the log does now.
      await test.add("d=1");
      await test.compact();
      await test.reopen(false);
      expect(await test.records()).toEqual([...records, "5:d=1"]);
      if (pause === 1) expect(isReached).toBe(true);
    }
  });

  it("what is appended is neither lost nor compacted", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "b=1");
    expect(await compactSlowly(test, 3, () => test.add("a=3", "a=4"))).toBe(
      true,
    );
    expect(await test.records()).toEqual(["1:a=2", "2:b=1", "3:a=3", "4:a=4"]);
    await test.reopen(false);
    expect(test.log.endOffset).toBe(5);
  });

  it("readers go on", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1", "a=2", "b=2", "c=1");
    const before = await readBytes(test.log, { offset: 0 });
    const isReached = await compactSlowly(test, 5, async () => {
      expect(await readBytes(test.log, { offset: 0 })).toEqual(before);
    });
    expect(isReached).toBe(true);
  });
});

describe("when a log is compacted", () => {
  it("not before min.compaction.lag.ms", async () => {
    const test = await TestLog.open({ minCompactionLagMs: 60_000 });
    await test.add("a=1", "a=2", "b=1");
    expect(await test.compact()).toBe(null);
    test.storage.clock.advance(60_000 + 10);
    expect(await test.compact()).toMatchObject({ endOffset: 1 });
    test.storage.clock.advance(10);
    expect(await test.compact()).toMatchObject({ endOffset: 2 });
  });

  it("at the latest after max.compaction.lag.ms, also as the file alone has the time", async () => {
    const test = await TestLog.open({
      maxCompactionLagMs: 60_000,
      minCleanableDirtyRatio: 1,
    });
    await test.add("a=1", "a=2", "b=1");
    await test.reopen();
    expect(await test.compact()).toBe(null);
    test.storage.clock.advance(60_000 + 20);
    expect(await test.compact()).toMatchObject({ endOffset: 2 });
    expect(await test.records()).toEqual(["1:a=2", "2:b=1"]);
  });

  it("by the new configuration, from when it is changed", async () => {
    const test = await TestLog.open({ minCleanableDirtyRatio: 1 });
    await test.add("a=1", "a=2", "b=1");
    expect(await test.compact()).toBe(null);
    test.configure({ minCleanableDirtyRatio: 0.3 });
    expect(await test.compact()).toMatchObject({ endOffset: 2 });
  });
});
