import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  buildBatch,
  type BatchOptions,
} from "../../../../broker/record/batch-builder.ts";
import {
  attributesOf,
  computeCrc,
  setBaseOffset,
} from "../../../../broker/record/batch.ts";
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  HEADER_SIZE,
} from "../../../../broker/record/batch-format.ts";
import { partitionPath } from "../support.ts";
import { TestLog, allBatches, markerBatch } from "./support.ts";

/** A batch whose records are these bytes, as one with a gzip's attribute. */
function gzipBatch(
  records: Uint8Array,
  timestampMs: number,
  options: BatchOptions = {},
): Uint8Array {
  const record = { key: null, value: Buffer.of(1), headers: [], timestampMs };
  const header = buildBatch([record], options).subarray(0, HEADER_SIZE);
  const batch = Buffer.concat([header, records]);
  batch.writeInt32BE(batch.length - 12, BATCH_LENGTH_AT);
  batch.writeInt16BE(attributesOf(batch, 0) | 1, ATTRIBUTES_AT);
  batch.writeInt32BE(computeCrc(batch, 0) | 0, CRC_AT);
  return new Uint8Array(batch);
}

/** 8 MB of zeros in 8 KB. */
const bomb = zlib.gzipSync(Buffer.alloc(8 * 1024 * 1024));

async function logWithBomb(): Promise<TestLog> {
  const test = await TestLog.open({ deleteRetentionMs: 0 });
  await test.add("a=1 b=1");
  test.timestampMs += 10;
  await test.addRaw(gzipBatch(bomb, test.timestampMs));
  await test.add("a=2", "c=1");
  return test;
}

describe("a batch that inflates to more than is allowed", () => {
  it("stays as it is, is told, and the rest is compacted", async () => {
    const test = await logWithBomb();
    const [, before] = await allBatches(test.log);
    const result = await test.compact();
    expect(result?.unreadable).toEqual({
      path: `${partitionPath}/00000000000000000002.log`,
      position: 0,
      detail: "records inflate to more than 1000000 bytes",
    });
    expect(await test.batches()).toEqual(["0-1:1", "2-2:1", "3-3:1", "4-4:1"]);
    expect((await allBatches(test.log))[1]).toEqual(before);
  });

  it("keeps the tombstones behind it: they could be of its records", async () => {
    const test = await logWithBomb();
    await test.add("b=-", "d=1");
    for (const line of ["e=1", "f=1", "g=1"]) {
      await test.compact();
      test.storage.clock.advance(1000);
      await test.add(line);
    }
    expect(await test.batches()).toContain("5-5:1");
  });

  it("goes without a look into it, if its transaction was aborted", async () => {
    const test = await TestLog.open();
    await test.add("a=1");
    test.timestampMs += 10;
    const producer = { id: 5, epoch: 0, baseSequence: 0 };
    const options = { producer, isTransactional: true };
    await test.addRaw(gzipBatch(bomb, test.timestampMs, options));
    test.timestampMs += 10;
    await test.addRaw(markerBatch("abort", producer, test.timestampMs));
    await test.add("b=1");
    const result = await test.compact();
    expect(result?.unreadable).toBe(null);
    // It holds the last sequence of its producer.
    expect(await test.batches()).toEqual(["0-0:1", "1-1:0", "2-2:1", "3-3:1"]);
  });
});

describe("a batch of nonsense", () => {
  it("stays as it is", async () => {
    const test = await TestLog.open();
    await test.add("a=1");
    test.timestampMs += 10;
    await test.addRaw(gzipBatch(zlib.gzipSync("nonsense"), test.timestampMs));
    await test.add("a=2", "b=1");
    const result = await test.compact();
    expect(result?.unreadable?.detail).toContain("does not hold");
    expect(await test.batches()).toEqual(["1-1:1", "2-2:1", "3-3:1"]);
  });
});

/** A pass moves the recovery checkpoint first, and that has a snapshot of the producers. */
const checkpointAt3 = "00000000000000000003.snapshot";

describe("a damaged batch", () => {
  it("ends the compaction of the log, and nothing was changed", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "b=1");
    const names = await test.storage.names();
    const path = `${partitionPath}/00000000000000000001.log`;
    await test.log.sync();
    await test.storage.changeFile(path, (bytes) => {
      bytes[HEADER_SIZE] = 99;
      return bytes;
    });
    await expect(test.compact()).rejects.toMatchObject({
      code: "corrupt-file",
      detail: `corrupt batch at ${path}:0: a wrong crc`,
    });
    expect(test.log.fault).toBe(null);
    expect(await test.storage.names()).toEqual(
      [...names, checkpointAt3].sort(),
    );
    // Told once: what was found stays known until the log is opened anew.
    expect(await test.compact()).toBe(null);
    expect(test.log.compaction.damage?.code).toBe("corrupt-file");
  });
});

describe("offsets that do not rise", () => {
  it("end the compaction of the log: two segments that overlap are damage", async () => {
    const test = await TestLog.open();
    await test.add("a=1 b=1", "a=2", "c=1");
    await test.log.sync();
    const path = `${partitionPath}/00000000000000000002.log`;
    await test.storage.changeFile(path, (bytes) => {
      setBaseOffset(bytes, 0, 1);
      return bytes;
    });
    await expect(test.compact()).rejects.toMatchObject({
      code: "corrupt-file",
      detail: `corrupt batch at ${path}:0: offset 1, expected 2 or more`,
    });
  });
});

describe("a pass that nobody wants any more", () => {
  it("ends at its next pause and leaves nothing behind", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "b=1");
    const names = await test.storage.names();
    let asked = 0;
    const clock = test.storage.clock;
    const result = await test.compact({
      sizeBytesPerSecondMax: 1000,
      isWanted: () => {
        // Somebody moves the clock, as the pass waits for it.
        setImmediate(() => clock.advance(1000));
        return ++asked < 6;
      },
    });
    expect(result).toBe(null);
    expect(asked).toBe(6);
    expect(await test.storage.names()).toEqual(
      [...names, checkpointAt3].sort(),
    );
    expect(await test.records()).toHaveLength(3);
  });

  it("ends when the log is closed", async () => {
    const test = await TestLog.open();
    await test.add("a=1", "a=2", "b=1");
    const compacted = test.compact();
    await test.storage.close();
    expect(await compacted).toBe(null);
    test.log = await test.storage.open();
    expect(await test.records()).toHaveLength(3);
  });
});
