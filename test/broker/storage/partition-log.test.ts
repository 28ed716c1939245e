import { describe, expect, it } from "vitest";
import { Compression } from "../../../broker/record/batch-format.ts";
import {
  compressionOf,
  crcHolds,
  isLogAppendTime,
  maxTimestampOf,
  partitionLeaderEpochOf,
} from "../../../broker/record/batch.ts";
import {
  TestStorage,
  append,
  batchOf,
  epochMs,
  partitionPath,
  readAll,
  readBytes,
  recordsIn,
} from "./support.ts";

describe("a partition log", () => {
  it("gives offsets in the order of the calls, before anything is written", async () => {
    const log = await new TestStorage().open();
    const first = log.append(batchOf({ values: ["a", "b"] }));
    const second = log.append(batchOf("c"));
    expect(first).toMatchObject({ error: null, baseOffset: 0, lastOffset: 1 });
    expect(second).toMatchObject({ error: null, baseOffset: 2, lastOffset: 2 });
    expect(log.endOffset).toBe(0);
    expect(await readAll(log)).toEqual([]);
  });

  it("shows a batch once its write has returned", async () => {
    const log = await new TestStorage().open();
    let wokenCount = 0;
    log.onAppend(() => wokenCount++);
    await append(log, { values: ["a", "b"] });
    expect(log.highWatermark).toBe(2);
    expect(wokenCount).toBe(1);
    expect(await readAll(log)).toEqual(["0:a", "1:b"]);
  });

  it("writes everything of one turn in one write", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    let appendCount = 0;
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "append" && path.endsWith(".log")) appendCount++;
      return null;
    };
    const results = ["a", "b", "c"].map((value) => log.append(batchOf(value)));
    for (const result of results) {
      if (result.error === null) await result.written;
    }
    expect(appendCount).toBe(1);
    expect(await readAll(log)).toEqual(["0:a", "1:b", "2:c"]);
  });

  it("compresses batches anew where the topic says how they are to be stored", async () => {
    const log = await new TestStorage({ compression: "zstd" }).open();
    await append(log, { values: ["a", "b"] });
    const stored = await readBytes(log, { offset: 0 });
    expect(compressionOf(stored, 0)).toBe(Compression.zstd);
    expect(crcHolds(stored, 0)).toBe(true);
    expect(await readAll(log)).toEqual(["0:a", "1:b"]);
  });

  it("changes nothing of a batch but its base offset and leader epoch", async () => {
    const log = await new TestStorage().open();
    await append(log, "a");
    log.setLeaderEpoch(5);
    const sent = batchOf("b");
    const result = log.append(new Uint8Array(sent));
    if (result.error === null) await result.written;
    const stored = await readBytes(log, { offset: 1 });
    expect(crcHolds(stored, 0)).toBe(true);
    expect(partitionLeaderEpochOf(stored, 0)).toBe(5);
    expect(stored.subarray(16)).toEqual(sent.subarray(16));
  });

  it("stamps batches with the append time where the topic says so", async () => {
    const storage = new TestStorage({ messageTimestampType: "LogAppendTime" });
    const log = await storage.open();
    const appended = await append(log, { values: ["a"], timestampMs: 12 });
    const stored = await readBytes(log, { offset: 0 });
    expect(appended.logAppendTimeMs).toBe(storage.clock.now());
    expect(isLogAppendTime(stored, 0)).toBe(true);
    expect(maxTimestampOf(stored, 0)).toBe(storage.clock.now());
    expect(crcHolds(stored, 0)).toBe(true);
  });

  it("refuses what is no sound batch, and what is too large", async () => {
    const log = await new TestStorage({ maxMessageSizeBytes: 100 }).open();
    const broken = batchOf("a");
    broken[68] = (broken[68] ?? 0) ^ 1;
    expect(log.append(broken)).toMatchObject({ error: "corrupt-batch" });
    expect(log.append(batchOf("x".repeat(100)))).toMatchObject({
      error: "message-too-large",
    });
    const late = batchOf({ values: ["a"], timestampMs: epochMs + 1e9 });
    expect(log.append(late)).toMatchObject({ error: "invalid-timestamp" });
    expect(await append(log, "fine")).toMatchObject({ baseOffset: 0 });
  });

  it("demands keys where the topic is compacted", async () => {
    const log = await new TestStorage({ needsKeys: true }).open();
    expect(log.append(batchOf("a"))).toMatchObject({ error: "invalid-record" });
    const keyed = log.append(batchOf({ values: ["a"], key: "k" }));
    expect(keyed.error).toBe(null);
  });

  it("rolls by size, and reads on over the border", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 200 });
    const log = await storage.open();
    for (const value of ["a", "b", "c", "d", "e"]) await append(log, value);
    expect(
      (await storage.names()).filter((name) => name.endsWith(".log")),
    ).toEqual([
      "00000000000000000000.log",
      "00000000000000000002.log",
      "00000000000000000004.log",
    ]);
    expect(await readAll(log)).toEqual(["0:a", "1:b", "2:c", "3:d", "4:e"]);
  });

  it("rolls when a batch is segment.ms younger than the segment's first", async () => {
    const storage = new TestStorage({ segmentMs: 1000 });
    const log = await storage.open();
    await append(log, { values: ["a"], timestampMs: epochMs });
    await append(log, { values: ["b"], timestampMs: epochMs + 1000 });
    await append(log, { values: ["c"], timestampMs: epochMs + 1001 });
    expect(await storage.names()).toContain("00000000000000000002.log");
  });

  it("rolls when the index is full", async () => {
    const storage = new TestStorage({
      indexIntervalSizeBytes: 1,
      segmentIndexSizeBytes: 36,
    });
    const log = await storage.open();
    for (let index = 0; index < 5; index++) await append(log, "x");
    expect(await storage.names()).toContain("00000000000000000003.log");
  });

  it("answers a fetch inside a batch with the whole batch", async () => {
    const log = await new TestStorage().open();
    await append(log, { values: ["a", "b", "c"] });
    const records = recordsIn(await readBytes(log, { offset: 1 }));
    expect(records.map((record) => record.offset)).toEqual([0, 1, 2]);
  });

  it("gives the first batch whole, then cuts at the limit", async () => {
    const log = await new TestStorage().open();
    const { length } = batchOf("a");
    for (const value of ["a", "b", "c"]) await append(log, value);
    const read = (sizeBytesMax: number, minOneBatch = true) =>
      readBytes(log, { offset: 0, sizeBytesMax, minOneBatch });
    expect((await read(1)).length).toBe(length);
    expect((await read(length + 10)).length).toBe(length + 10);
    expect((await read(1, false)).length).toBe(0);
    expect((await read(length + 10, false)).length).toBe(length + 10);
  });

  it("knows offsets that it does not have", async () => {
    const log = await new TestStorage().open();
    await append(log, "a");
    const read = (offset: number) =>
      log.read({
        offset,
        sizeBytesMax: 100,
        minOneBatch: true,
        limit: "high-watermark",
        transfer: "plain",
      });
    expect(await read(2)).toMatchObject({
      error: "offset-out-of-range",
      highWatermark: 1,
    });
    expect(await read(-1)).toMatchObject({ error: "offset-out-of-range" });
    expect(await read(1)).toMatchObject({ error: null, highWatermark: 1 });
  });

  it("has no directory and no timer before its first append", async () => {
    const storage = new TestStorage({ flushMs: 100 });
    const log = await storage.open();
    expect(
      (await storage.memory.list("/data")).map((entry) => entry.name),
    ).not.toContain("orders-3");
    expect(storage.clock.timerCount).toBe(0);
    await append(log, "a");
    expect(await storage.names()).toEqual([
      "00000000000000000000.log",
      "leader-epoch-checkpoint",
      "partition.metadata",
    ]);
    // One for `flush.ms`, one for the recovery checkpoint.
    expect(storage.clock.timerCount).toBe(2);
  });

  it("lays out its files as Kafka does", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 200 });
    const log = await storage.open();
    log.setLeaderEpoch(2);
    for (const value of ["a", "b", "c"]) await append(log, value);
    await storage.close();
    const text = async (path: string) =>
      new TextDecoder().decode(await storage.bytesOf(path));
    expect(await storage.names()).toEqual([
      "00000000000000000000.index",
      "00000000000000000000.log",
      "00000000000000000000.timeindex",
      "00000000000000000002.index",
      "00000000000000000002.log",
      "00000000000000000002.snapshot",
      "00000000000000000002.timeindex",
      "00000000000000000003.snapshot",
      "leader-epoch-checkpoint",
      "partition.metadata",
    ]);
    expect(await text(`${partitionPath}/leader-epoch-checkpoint`)).toBe(
      "0\n1\n2 0\n",
    );
    expect(await text(`${partitionPath}/partition.metadata`)).toBe(
      "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ",
    );
    expect(
      (await storage.memory.list("/data")).map((entry) => entry.name).sort(),
    ).toEqual([
      ".kafka_cleanshutdown",
      "meta.properties",
      "millrace.properties",
      "orders-3",
      "recovery-point-offset-checkpoint",
    ]);
  });

  it("deletes records below an offset, and the segments that lie below it", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 200 });
    const log = await storage.open();
    for (const value of ["a", "b", "c", "d", "e"]) await append(log, value);
    expect(await log.deleteRecordsBefore(6)).toEqual({
      error: "offset-out-of-range",
    });
    expect(await log.deleteRecordsBefore(3)).toEqual({
      error: null,
      startOffset: 3,
    });
    expect(await readAll(log)).toEqual(["3:d", "4:e"]);
    expect(
      (await storage.names()).filter((name) =>
        name.startsWith("00000000000000000000"),
      ),
    ).toEqual([]);
    for (const isClean of [true, false]) {
      const again = await storage.reopen(isClean);
      expect(again.startOffset).toBe(3);
      expect(await readAll(again)).toEqual(["3:d", "4:e"]);
    }
  });

  it("deletes everything visible while a new segment is on its way", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    await append(log, "a");
    await append(log, "b");
    const next = log.append(batchOf("c"));
    expect(await log.deleteRecordsBefore(null)).toMatchObject({
      startOffset: 2,
    });
    if (next.error === null) await next.written;
    expect(await readAll(log)).toEqual(["2:c"]);
    expect(await readAll(await storage.reopen())).toEqual(["2:c"]);
    expect(
      (await storage.names()).filter((name) =>
        name.startsWith("00000000000000000000"),
      ),
    ).toEqual([]);
  });

  it("answers where a leader epoch ended", async () => {
    const log = await new TestStorage().open();
    log.setLeaderEpoch(1);
    await append(log, "a");
    log.setLeaderEpoch(4);
    await append(log, { values: ["b", "c"] });
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 1 });
    expect(log.endOffsetForEpoch(3)).toEqual({ epoch: 1, endOffset: 1 });
    expect(log.endOffsetForEpoch(4)).toEqual({ epoch: 4, endOffset: 3 });
    expect(log.endOffsetForEpoch(5)).toBe(null);
    expect(log.epochOf(0)).toBe(1);
    expect(log.epochOf(2)).toBe(4);
  });

  it("finds records by timestamp, exactly, and the greatest timestamp", async () => {
    const storage = new TestStorage({
      segmentSizeBytes: 400,
      indexIntervalSizeBytes: 60,
    });
    const log = await storage.open();
    const times = [100, 300, 200, 500, 400, 700, 600];
    for (const timestampMs of times) {
      await append(log, {
        values: ["a", "b"],
        timestampMs: epochMs + timestampMs,
      });
    }
    const find = async (ms: number) =>
      (await log.findOffsetByTimestamp(epochMs + ms))?.offset ?? null;
    expect(await find(0)).toBe(0);
    expect(await find(101)).toBe(1);
    expect(await find(102)).toBe(2);
    expect(await find(301)).toBe(3);
    expect(await find(302)).toBe(6);
    expect(await find(502)).toBe(10);
    expect(await find(702)).toBe(null);
    expect(await log.findMaxTimestamp()).toMatchObject({
      offset: 11,
      timestampMs: epochMs + 701,
    });
  });
});
