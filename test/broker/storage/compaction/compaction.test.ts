import { describe, expect, it } from "vitest";
import { buildBatch } from "../../../../broker/record/batch-builder.ts";
import {
  baseOffsetOf,
  compressionOf,
  hasDeleteHorizon,
} from "../../../../broker/record/batch.ts";
import { Compression } from "../../../../broker/record/batch-format.ts";
import type { ReadRequest } from "../../../../broker/storage/log-reader.ts";
import type { PartitionLog } from "../../../../broker/storage/partition-log.ts";
import { bytesOfPayload, epochMs, partition, readBytes } from "../support.ts";
import { TestLog, allBatches } from "./support.ts";

describe("compaction", () => {
  it("keeps the last record of each key, with its offset, in order", async () => {
    const test = await TestLog.open({ segmentSizeBytes: 300 });
    await test.add("a=1 b=1 c=1", "a=2 b=2", "b=3", "c=9");
    expect(await test.segments()).toEqual([0, 3, 5, 6]);
    expect(await test.compact()).toMatchObject({ endOffset: 6, keyCount: 3 });
    // The active segment is not looked at: c=1 is the last one before it.
    expect(await test.records()).toEqual(["2:c=1", "3:a=2", "5:b=3", "6:c=9"]);
    expect(await test.batches()).toEqual(["0-2:1", "3-4:1", "5-5:1", "6-6:1"]);
    expect(test.log.endOffset).toBe(7);
  });

  it("drops a batch of which nothing stays, and copies one of which all stays", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1", "a=2 b=2", "c=1");
    const [, before] = await allBatches(test.log);
    await test.compact();
    expect(await test.batches()).toEqual(["2-3:2", "4-4:1"]);
    expect((await allBatches(test.log))[0]).toEqual(before);
  });

  it("makes one segment of several that fit together", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "a=3", "b=1");
    await test.compact();
    expect(await test.storage.names()).toEqual([
      "00000000000000000000.index",
      "00000000000000000000.log",
      "00000000000000000000.timeindex",
      "00000000000000000003.log",
      // Of the two newest, which recovery begins with.
      "00000000000000000003.snapshot",
      "00000000000000000004.snapshot",
      "leader-epoch-checkpoint",
      "partition.metadata",
    ]);
    expect(await test.records()).toEqual(["2:a=3", "3:b=1"]);
  });

  it("is found again after a clean stop, without a scan, and after a crash", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1", "a=2", "c=1", "d=1");
    await test.compact();
    for (const isClean of [true, false]) {
      await test.reopen(isClean);
      expect(test.storage.report === null).toBe(isClean);
      expect(await test.records()).toEqual([
        "1:b=1",
        "2:a=2",
        "3:c=1",
        "4:d=1",
      ]);
      expect(test.log.endOffset).toBe(5);
      expect(test.storage.directory?.cleanedOffset(partition)).toBe(4);
    }
  });

  it("is not begun where too little is new", async () => {
    const test = await TestLog.open({ minCleanableDirtyRatio: 0.5 });
    await test.add("a=1", "b=1", "c=1");
    expect(await test.compact()).toMatchObject({ endOffset: 2 });
    await test.add("a=2");
    expect(await test.compact()).toBe(null);
    await test.add("a=3", "a=4");
    expect(await test.compact()).toMatchObject({ endOffset: 5 });
    expect(await test.records()).toEqual(["1:b=1", "2:c=1", "4:a=3", "5:a=4"]);
  });

  it("starts anew for a topic that was deleted and made again", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "b=1");
    await test.compact();
    await test.storage.directory?.deleteLog(partition);
    expect(test.storage.directory?.cleanedOffset(partition)).toBe(null);
  });

  it("drops records without a key: of a topic that was not compacted before", async () => {
    const test = await TestLog.open();
    await test.add("a=1");
    const record = { key: null, value: Buffer.of(1), headers: [] };
    test.timestampMs += 10;
    const { timestampMs } = test;
    await test.addBytes(buildBatch([{ ...record, timestampMs }]));
    await test.add("b=1");
    await test.compact();
    expect(await test.records()).toEqual(["0:a=1", "2:b=1"]);
    expect(await test.batches()).toEqual(["0-0:1", "1-1:0", "2-2:1"]);
  });

  it.each(["gzip", "snappy", "lz4", "zstd"] as const)(
    "leaves what it rewrites compressed as it came, with %s",
    async (compression) => {
      const test = await TestLog.open();
      await test.addToSegment("a=1 b=1 c=1", { compression });
      await test.add("b=2", "d=1");
      await test.compact();
      expect(await test.records()).toEqual([
        "0:a=1",
        "2:c=1",
        "3:b=2",
        "4:d=1",
      ]);
      const [first] = await allBatches(test.log);
      expect(compressionOf(first ?? Buffer.of(), 0)).toBe(
        Compression[compression],
      );
    },
  );
});

describe("a log with gaps", () => {
  it("answers reads of offsets that are gone with what follows", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1", "a=2 b=2", "c=1");
    await test.compact();
    for (const transfer of ["plain", "mapped", "stream"] as const) {
      for (const offset of [0, 1, 2]) {
        const bytes = await readBytes(test.log, { offset, transfer });
        expect(baseOffsetOf(bytes, 0)).toBe(2);
      }
    }
  });

  it("answers them also where a whole segment is empty", async () => {
    const test = await TestLog.open({ segmentSizeBytes: 160 });
    await test.add("a=1", "b=1", "a=2", "b=2", "c=1", "d=1");
    await test.compact();
    expect(await test.segments()).toEqual([0, 2, 4, 5]);
    const bytes = await readBytes(test.log, { offset: 0 });
    expect(baseOffsetOf(bytes, 0)).toBe(2);
    await test.reopen(false);
    expect(await test.records()).toEqual(["2:a=2", "3:b=2", "4:c=1", "5:d=1"]);
  });

  it("is searched by timestamp", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "b=1", "a=2", "c=1");
    await test.compact();
    const { log } = test;
    const found = async (timestampMs: number) =>
      (await log.findOffsetByTimestamp(timestampMs))?.offset;
    expect(await found(0)).toBe(1);
    expect(await found(epochMs + 20)).toBe(1);
    expect(await found(epochMs + 21)).toBe(2);
    expect(await found(epochMs + 40)).toBe(3);
    expect(await log.findMaxTimestamp()).toMatchObject({ offset: 3 });
  });
});

async function openRead(log: PartitionLog, transfer: ReadRequest["transfer"]) {
  const read = await log.read({
    offset: 0,
    sizeBytesMax: 1_000,
    minOneBatch: true,
    limit: "high-watermark",
    transfer,
  });
  if (read.error !== null) throw new Error(read.error);
  return read.payload;
}

describe("a reader that began before", () => {
  it.each(["mapped", "stream"] as const)(
    "finishes with what it found: %s",
    async (transfer) => {
      const test = await TestLog.open();
      await test.add("a=1", "a=2", "b=1");
      const before = await readBytes(test.log, {
        offset: 0,
        transfer: "plain",
      });
      const payload = await openRead(test.log, transfer);
      await test.compact();
      expect(await bytesOfPayload(payload)).toEqual(before);
    },
  );

  it("gets the old bytes or the new ones, never a mixture", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1 c=1", "a=2 c=2", "b=2", "d=1");
    const old = await readBytes(test.log, { offset: 0, transfer: "plain" });
    let isDone = false;
    const compacted = test.compact().finally(() => (isDone = true));
    const seen = new Set<string>();
    while (!isDone) {
      const bytes = await readBytes(test.log, { offset: 0 });
      seen.add(Buffer.from(bytes).toString("hex"));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await compacted;
    const now = await readBytes(test.log, { offset: 0, transfer: "plain" });
    const allowed = [old, now].map((bytes) =>
      Buffer.from(bytes).toString("hex"),
    );
    expect(allowed).toEqual(expect.arrayContaining([...seen]));
  });
});

describe("tombstones", () => {
  it("stay for delete.retention.ms after they were first compacted, and then go", async () => {
    const test = await TestLog.open({ deleteRetentionMs: 1000 });
    await test.add("a=1 b=1", "a=- b=2", "c=1");
    await test.compact();
    expect(await test.records()).toEqual(["2:a=-", "3:b=2", "4:c=1"]);
    expect(
      hasDeleteHorizon((await allBatches(test.log))[0] ?? Buffer.of(), 0),
    ).toBe(true);

    test.storage.clock.advance(999);
    await test.add("d=1");
    await test.compact();
    expect((await test.records())[0]).toBe("2:a=-");

    test.storage.clock.advance(1);
    await test.add("e=1");
    await test.compact();
    expect(await test.records()).toEqual(["3:b=2", "4:c=1", "5:d=1", "6:e=1"]);
  });

  it("go before that where something newer has their key", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=-", "a=2", "b=1");
    await test.compact();
    expect(await test.records()).toEqual(["2:a=2", "3:b=1"]);
  });
});

describe("the end of what is compacted", () => {
  it("keeps its last batch, if need be without records, until there is a later one", async () => {
    const test = await TestLog.open({ deleteRetentionMs: 0 });
    await test.add("a=1", "b=1", "a=-", "c=1");
    await test.compact();
    expect(await test.batches()).toEqual(["1-1:1", "2-2:1", "3-3:1"]);
    test.storage.clock.advance(1);
    await test.add("a=-");
    await test.add("d=1");
    await test.compact();
    expect(await test.batches()).toEqual(["1-1:1", "3-3:1", "4-4:1", "5-5:1"]);
    test.storage.clock.advance(1);
    await test.addToSegment("b=2");
    await test.reopen(false);
    expect(test.log.endOffset).toBe(7);
  });

  it("is an empty batch where all its records were aborted or had no key", async () => {
    const test = await TestLog.open();
    const record = { key: null, value: Buffer.of(1), headers: [] };
    const { timestampMs } = test;
    await test.addBytes(buildBatch([{ ...record, timestampMs }]));
    await test.add("b=1");
    await test.compact();
    expect(await test.batches()).toEqual(["0-0:0", "1-1:1"]);
    await test.reopen(false);
    expect(await test.records()).toEqual(["1:b=1"]);
  });
});

describe("a key map that is too small", () => {
  it("takes more passes, to the same end", async () => {
    const lines = ["a=1 b=1 c=1 d=1", "a=2 b=2 e=1 f=1", "c=2 a=3", "g=1"];
    const large = await TestLog.open();
    await large.add(...lines);
    await large.compact();
    const small = await TestLog.open();
    await small.add(...lines);
    const passes: number[] = [];
    for (;;) {
      // Room for two keys.
      const result = await small.compact({ keyMapSizeBytesMax: 3 * 24 });
      if (result === null) break;
      passes.push(result.endOffset);
    }
    expect(passes).toEqual([2, 4, 6, 8, 10]);
    expect(await small.records()).toEqual(await large.records());
  });
});
