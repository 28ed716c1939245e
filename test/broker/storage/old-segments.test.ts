import { describe, expect, it } from "vitest";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import type { RetentionLimits } from "../../../broker/storage/retention.ts";
import {
  TestStorage,
  append,
  batchOf,
  epochMs,
  partition,
  readAll,
} from "./support.ts";

const DAY_MS = 86_400_000;
const byTime: RetentionLimits = {
  retentionMs: DAY_MS,
  retentionSizeBytes: null,
};
const bySize = (retentionSizeBytes: number): RetentionLimits => ({
  retentionMs: null,
  retentionSizeBytes,
});

/** A log of one record a segment, one an hour. */
async function hourly(
  storage: TestStorage,
  values: readonly string[],
): Promise<PartitionLog> {
  const log = await storage.open();
  for (const [hour, value] of values.entries()) {
    if (hour > 0) storage.clock.advance(3_600_000);
    const timestampMs = epochMs + hour * 3_600_000;
    await append(log, { values: [value], timestampMs });
  }
  await log.sync();
  return log;
}

const oneASegment = { segmentSizeBytes: 100 };
const logNames = async (storage: TestStorage) =>
  (await storage.names()).filter((name) => name.endsWith(".log"));

describe("retention by time", () => {
  it("removes the segments whose every record is too old, and no other", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c", "d"]);
    storage.clock.advance(DAY_MS - 3 * 3_600_000);
    expect(await log.removeOldSegments(byTime)).toEqual([]);
    storage.clock.advance(3_600_000 + 1);
    expect((await log.removeOldSegments(byTime)).length).toBe(2);
    expect(log.startOffset).toBe(2);
    expect(await readAll(log)).toEqual(["2:c", "3:d"]);
    expect(await storage.names()).toEqual([
      "00000000000000000002.index",
      "00000000000000000002.log",
      "00000000000000000002.snapshot",
      "00000000000000000002.timeindex",
      "00000000000000000003.log",
      "00000000000000000003.snapshot",
      // Of the recovery checkpoint, which time has moved too.
      "00000000000000000004.snapshot",
      "leader-epoch-checkpoint",
      "partition.metadata",
    ]);
    expect(await log.removeOldSegments(byTime)).toEqual([]);
    for (const isClean of [true, false]) {
      const again = await storage.reopen(isClean);
      expect(again.startOffset).toBe(2);
      expect(await readAll(again)).toEqual(["2:c", "3:d"]);
    }
  });

  it("begins a new segment when the last one is too old, and keeps the offsets", async () => {
    const storage = new TestStorage({
      ...oneASegment,
      producerIdExpirationMs: 9 * DAY_MS,
    });
    const producer = { id: 7, epoch: 0, baseSequence: 0 };
    const log = await hourly(storage, ["a", "b"]);
    await append(log, { values: ["c"], producer });
    storage.clock.advance(3 * DAY_MS);
    expect((await log.removeOldSegments(byTime)).length).toBe(3);
    expect([log.startOffset, log.highWatermark, log.sizeBytes]).toEqual([
      3, 3, 0,
    ]);
    expect(await logNames(storage)).toEqual(["00000000000000000003.log"]);
    expect(await log.removeOldSegments(byTime)).toEqual([]);
    for (const isClean of [true, false]) {
      const again = await storage.reopen(isClean);
      expect([again.startOffset, again.endOffset]).toEqual([3, 3]);
      // The producer is still known: its sequence goes on, its retry is none.
      expect(
        again.append(
          batchOf({
            values: ["x"],
            producer: { ...producer, baseSequence: 5 },
          }),
        ),
      ).toMatchObject({ error: "out-of-order-sequence" });
    }
    const last = await storage.reopen();
    const next = { ...producer, baseSequence: 1 };
    expect(await append(last, { values: ["d"], producer: next })).toMatchObject(
      { baseOffset: 3 },
    );
    expect(await readAll(last)).toEqual(["3:d"]);
  });

  it("keeps a segment with a timestamp in the future, and all behind it", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await storage.open();
    const timestampMs = epochMs + 60_000;
    await append(log, { values: ["ahead"], timestampMs });
    await append(log, "b");
    expect(
      await log.removeOldSegments({ retentionMs: 0, retentionSizeBytes: null }),
    ).toEqual([]);
    storage.clock.advance(60_001);
    expect(
      (
        await log.removeOldSegments({
          retentionMs: 0,
          retentionSizeBytes: null,
        })
      ).length,
    ).toBe(2);
  });

  it("reads an index only of a segment that may be too old", async () => {
    const storage = new TestStorage(oneASegment);
    await hourly(storage, ["a", "b", "c", "d"]);
    const log = await storage.reopen();
    const opened: string[] = [];
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "open") opened.push(path.slice(-15));
      return null;
    };
    expect(await log.removeOldSegments(byTime)).toEqual([]);
    expect(opened).toEqual(["00000.timeindex"]);
    expect(await log.removeOldSegments(byTime)).toEqual([]);
    expect(opened.length).toBe(1);
  });

  it("keeps what is appended while the old segments go", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b"]);
    storage.clock.advance(3 * DAY_MS);
    const going = log.removeOldSegments(byTime);
    const later = append(log, {
      values: ["c"],
      timestampMs: epochMs + 3 * DAY_MS,
    });
    expect(await later).toMatchObject({ baseOffset: 2 });
    await going;
    // What the append has not left behind yet when the look is taken goes with the next.
    await log.removeOldSegments(byTime);
    expect(await readAll(log)).toEqual(["2:c"]);
    expect(await readAll(await storage.reopen(false))).toEqual(["2:c"]);
  });
});

describe("retention by size", () => {
  it("removes the oldest while the rest still has the size", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c", "d"]);
    const each = log.sizeBytes / 4;
    expect(await log.removeOldSegments(bySize(each * 4))).toEqual([]);
    expect(await log.removeOldSegments(bySize(each * 3 + 1))).toEqual([]);
    expect((await log.removeOldSegments(bySize(each * 3))).length).toBe(1);
    expect((await log.removeOldSegments(bySize(each))).length).toBe(2);
    expect(await readAll(log)).toEqual(["3:d"]);
    expect((await log.removeOldSegments(bySize(0))).length).toBe(1);
    expect([log.startOffset, log.sizeBytes]).toEqual([4, 0]);
  });

  it("keeps what is not on the disk yet where consumers wait for that", async () => {
    const storage = new TestStorage(oneASegment, { visibility: "durable" });
    const log = await storage.open();
    storage.disk.rule = ({ operation }) =>
      operation === "sync" ? { code: "EIO" } : null;
    await append(log, "a");
    expect(await log.removeOldSegments(bySize(0))).toEqual([]);
    expect(log.startOffset).toBe(0);
  });
});

describe("what goes with old segments", () => {
  it("is the start of the leader epochs", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await storage.open();
    await append(log, "a");
    log.setLeaderEpoch(4);
    await append(log, "b");
    log.setLeaderEpoch(6);
    await append(log, "c");
    await log.removeOldSegments(bySize(log.sizeBytes / 2));
    expect(log.startOffset).toBe(1);
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 1 });
    const again = await storage.reopen();
    expect(
      new TextDecoder().decode(
        await storage.bytesOf("/data/orders-3/leader-epoch-checkpoint"),
      ),
    ).toBe("0\n2\n4 1\n6 2\n");
    expect(again.epochOf(1)).toBe(4);
  });

  it("is their line in the checkpoint of starts, once the files are gone for good", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c"]);
    await log.removeOldSegments(bySize(log.sizeBytes / 3));
    const other = { ...partition, partition: 4 };
    const second = await storage.directory?.openLog(other, storage.config);
    if (second === undefined) throw new Error("not open");
    await append(second.log, "x");
    await append(second.log, "y");
    await second.log.deleteRecordsBefore(1);
    await second.log.deleteRecordsBefore(2);
    const text = new TextDecoder().decode(
      await storage.bytesOf("/data/log-start-offset-checkpoint"),
    );
    expect(text).toBe("0\n1\norders 4 2\n");
  });
});

describe("a full disk and old segments", () => {
  const full = (storage: TestStorage) => {
    storage.disk.rule = ({ operation, path }) =>
      operation === "append" || (operation === "open" && path.endsWith(".tmp"))
        ? { code: "ENOSPC" }
        : null;
  };

  it("lets them go, as that is what makes room", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c", "d"]);
    full(storage);
    await expect(
      log.removeOldSegments(bySize(log.sizeBytes / 2)),
    ).rejects.toMatchObject({ code: "storage-full" });
    expect(await logNames(storage)).toEqual([
      "00000000000000000002.log",
      "00000000000000000003.log",
    ]);
    expect(log.startOffset).toBe(2);
    expect(log.fault).toBe(null);
    storage.disk.rule = () => null;
    const again = await storage.reopen(false);
    expect(await readAll(again)).toEqual(["2:c", "3:d"]);
  });

  it("saves the start as soon as the first has made room for it", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c", "d"]);
    let removedCount = 0;
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "remove" && path.endsWith(".log")) removedCount++;
      const isFull = removedCount === 0 && operation === "open";
      return isFull && path.endsWith(".tmp") ? { code: "ENOSPC" } : null;
    };
    expect(
      (await log.removeOldSegments(bySize(log.sizeBytes / 2))).length,
    ).toBe(2);
    expect(log.startOffset).toBe(2);
  });

  it("keeps the last segment, which needs room for the next, and then lets it go", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a"]);
    storage.clock.advance(3 * DAY_MS);
    full(storage);
    await expect(log.removeOldSegments(byTime)).rejects.toMatchObject({
      code: "storage-full",
    });
    expect(await readAll(log)).toEqual(["0:a"]);
    storage.disk.rule = () => null;
    expect((await log.removeOldSegments(byTime)).length).toBe(1);
    expect(log.startOffset).toBe(1);
  });

  it("tries again with files that could not be removed", async () => {
    const storage = new TestStorage(oneASegment);
    const log = await hourly(storage, ["a", "b", "c"]);
    storage.disk.rule = ({ operation, path }) =>
      operation === "remove" && path.endsWith("00.log")
        ? { code: "EIO" }
        : null;
    await expect(
      log.removeOldSegments(bySize(log.sizeBytes / 3)),
    ).rejects.toMatchObject({ code: "storage-offline" });
    expect(log.startOffset).toBe(2);
    expect((await logNames(storage)).length).toBe(3);
    storage.disk.rule = () => null;
    await log.removeOldSegments(bySize(log.sizeBytes));
    expect((await logNames(storage)).length).toBe(1);
  });
});

describe("a crash while old segments go", () => {
  it("leaves a log that begins with a whole record, at each call to the disk", async () => {
    let callCount = 1;
    for (let failing = 0; failing < callCount; failing++) {
      const storage = new TestStorage(oneASegment);
      const log = await hourly(storage, ["a", "b", "c", "d"]);
      storage.clock.advance(DAY_MS - 2 * 3_600_000 + 1);
      callCount = 0;
      // Everything after the crash fails too.
      storage.disk.rule = () =>
        callCount++ >= failing ? { code: "EIO" } : null;
      await log.removeOldSegments(byTime).catch(() => {});
      await storage.close(false).catch(() => {});
      storage.disk.rule = () => null;
      storage.directory = null;
      const again = await storage.open();
      expect([0, 1, 2]).toContain(again.startOffset);
      expect(await readAll(again)).toEqual(
        ["0:a", "1:b", "2:c", "3:d"].slice(again.startOffset),
      );
      expect((await logNames(storage)).length).toBe(4 - again.startOffset);
      await storage.close();
    }
    expect(callCount).toBeGreaterThan(10);
  });
});
