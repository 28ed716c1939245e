import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchSizeBytesOf } from "../../../broker/record/batch.ts";
import type { ReadRequest } from "../../../broker/storage/log-reader.ts";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import {
  TestStorage,
  append,
  batchOf,
  bytesOfPayload,
  logPath,
  partitionPath,
  readAll,
  recordsIn,
} from "./support.ts";

const transfers = ["mapped", "stream", "plain"] as const;
const batchSizeBytes = batchOf("v0").length;

/** Batches of one record, closed cleanly: nobody looks before somebody reads. */
async function closedStorage(count: number, indexIntervalSizeBytes = 150) {
  const storage = new TestStorage({ indexIntervalSizeBytes });
  const log = await storage.open();
  for (let index = 0; index < count; index++) await append(log, `v${index}`);
  await storage.close();
  return storage;
}

const flip =
  (position: number, mask = 0x10) =>
  (bytes: Uint8Array) =>
    bytes.with(position, (bytes[position] ?? 0) ^ mask);

function read(
  log: PartitionLog,
  offset: number,
  transfer: ReadRequest["transfer"] = "plain",
) {
  return log.read({
    offset,
    sizeBytesMax: 1_000_000,
    minOneBatch: true,
    limit: "high-watermark",
    transfer,
  });
}

/** The offsets that a read from there gives, or the error. */
async function offsetsFrom(
  log: PartitionLog,
  offset: number,
  transfer: ReadRequest["transfer"] = "plain",
): Promise<number[] | string> {
  const result = await read(log, offset, transfer);
  if (result.error !== null) return result.error;
  const records = recordsIn(await bytesOfPayload(result.payload));
  return records.map((record) => record.offset);
}

const range = (from: number, end: number) =>
  Array.from({ length: end - from }, (_, index) => from + index);

describe("a flipped bit in what lay on the disk", () => {
  it.each(transfers)(
    "is never served, and takes nothing else along: %s",
    async (transfer) => {
      const storage = await closedStorage(9);
      const position = 4 * batchSizeBytes;
      await storage.changeFile(logPath, flip(position + 65));
      const log = await storage.open();
      expect(storage.report).toBe(null);
      expect(await offsetsFrom(log, 0, transfer)).toEqual(range(0, 4));
      expect(await read(log, 4, transfer)).toMatchObject({
        error: "corrupt-batch",
        detail: expect.stringMatching(
          `^corrupt batch at ${logPath}:${position}: crc [0-9a-f]{8}, expected [0-9a-f]{8}$`,
        ),
      });
      expect(await offsetsFrom(log, 5, transfer)).toEqual(range(5, 9));
      expect(await append(log, "more")).toMatchObject({ baseOffset: 9 });
      expect(storage.damages).toMatchObject([
        { path: logPath, position, sizeBytes: batchSizeBytes },
      ]);
    },
  );

  it("in a length is passed over by the next index entry", async () => {
    const storage = await closedStorage(12);
    await storage.changeFile(logPath, flip(4 * batchSizeBytes + 10));
    const log = await storage.open();
    expect(await offsetsFrom(log, 0)).toEqual(range(0, 4));
    expect(await offsetsFrom(log, 4)).toBe("corrupt-batch");
    // Every third batch has an entry.
    expect(await offsetsFrom(log, 6)).toEqual(range(6, 12));
    expect(storage.damages.length).toBe(1);
  });

  it("in a base offset is found, though the checksum does not cover it", async () => {
    for (const mask of [0x01, 0x40]) {
      for (const byte of [1, 7]) {
        const storage = await closedStorage(12);
        await storage.changeFile(
          logPath,
          flip(4 * batchSizeBytes + byte, mask),
        );
        const log = await storage.open();
        expect(await offsetsFrom(log, 0)).toEqual(range(0, 4));
        expect(await offsetsFrom(log, 4)).toBe("corrupt-batch");
        expect(await offsetsFrom(log, 5)).toEqual(range(5, 12));
      }
    }
  });

  it("in an index sends nobody astray", async () => {
    const path = `${partitionPath}/00000000000000000000.index`;
    const sizeBytes = (await (await closedStorage(12)).bytesOf(path)).length;
    for (let position = 0; position < sizeBytes; position++) {
      const storage = await closedStorage(12);
      await storage.changeFile(path, flip(position, 0x05));
      const log = await storage.open();
      for (let offset = 0; offset < 12; offset++) {
        expect((await offsetsFrom(log, offset))[0]).toBe(offset);
      }
      expect(storage.damages).toEqual([]);
    }
  });

  it("is no hindrance before and behind, wherever it is", async () => {
    const flips = fc.record({
      at: fc.double({ min: 0, max: 0.9999, noNaN: true }),
      bit: fc.nat(7),
    });
    await fc.assert(
      fc.asyncProperty(flips, fc.nat(11), async ({ at, bit }, first) => {
        const storage = await closedStorage(12, 100);
        const bytes = await storage.bytesOf(logPath);
        const position = Math.floor(at * bytes.length);
        await storage.changeFile(logPath, flip(position, 1 << bit));
        // The batches are not all of a length.
        let damaged = -1;
        for (let start = 0; start <= position; damaged++) {
          start += batchSizeBytesOf(bytes, start);
        }
        const log = await storage.open();
        const served = new Map<number, string>();
        for (const offset of [...range(first, 12), ...range(0, first)]) {
          const result = await read(log, offset);
          if (result.error !== null) continue;
          for (const record of recordsIn(
            await bytesOfPayload(result.payload),
          )) {
            served.set(
              record.offset,
              new TextDecoder().decode(record.value ?? undefined),
            );
          }
        }
        for (const [offset, value] of served) expect(value).toBe(`v${offset}`);
        // The leader epoch is in no checksum; and a length takes along what no entry leads to.
        const lost = range(0, 12).filter((offset) => !served.has(offset));
        expect(lost.every((one) => one >= damaged && one <= damaged + 1)).toBe(
          true,
        );
      }),
      { numRuns: 150 },
    );
  }, 30_000);
});

describe("a first read", () => {
  it("checks once, and what was checked is answered without another look", async () => {
    const storage = await closedStorage(6);
    const log = await storage.open();
    let checkCount = 0;
    storage.disk.rule = ({ operation }) => {
      if (operation === "checkFrames") checkCount++;
      return null;
    };
    for (let offset = 0; offset < 6; offset++) await read(log, offset);
    expect(checkCount).toBeGreaterThan(0);
    const before = checkCount;
    for (let offset = 0; offset < 6; offset++) await read(log, offset);
    expect(checkCount).toBe(before);
  });

  it("does not check what this process has appended", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    for (const value of ["a", "b", "c"]) await append(log, value);
    storage.disk.rule = ({ operation }) =>
      operation === "checkFrames" ? { code: "EIO" } : null;
    expect(await readAll(log, 0, "plain")).toEqual(["0:a", "1:b", "2:c"]);
  });

  it("that cannot open the file is this read's failure, and is tried again", async () => {
    const storage = await closedStorage(3);
    const log = await storage.open();
    storage.disk.rule = ({ operation }) =>
      operation === "checkFrames" ? { code: "EMFILE" } : null;
    await expect(read(log, 0)).rejects.toMatchObject({ code: "storage-full" });
    storage.disk.rule = () => null;
    expect(await offsetsFrom(log, 0)).toEqual(range(0, 3));
  });

  it("of a file that ends too early gives what is whole", async () => {
    const storage = await closedStorage(6);
    const log = await storage.open();
    await storage.changeFile(logPath, (bytes) =>
      bytes.subarray(0, 3 * batchSizeBytes + 5),
    );
    expect(await offsetsFrom(log, 0)).toEqual(range(0, 3));
    expect(await offsetsFrom(log, 3)).toBe("corrupt-batch");
  });

  it("checks a window at a time, and reads that meet share the work", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    const value = "x".repeat(1_000_000);
    for (let index = 0; index < 20; index++) await append(log, value);
    const again = await storage.reopen();
    const checked: string[] = [];
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "checkFrames") checked.push(path);
      return null;
    };
    await Promise.all([read(again, 0), read(again, 1), read(again, 2)]);
    expect(checked.length).toBe(1);
    await read(again, 18);
    expect(checked.length).toBe(2);
    await read(again, 19);
    expect(checked.length).toBe(2);
  });
});
