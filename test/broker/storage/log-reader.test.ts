import { expect, it } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import {
  TestStorage,
  append,
  batchOf,
  partition,
  readAll,
  readBytes,
} from "./support.ts";

/** More than what is kept in memory, so that the oldest batches come from files. */
async function filledStorage() {
  const storage = new TestStorage({
    segmentSizeBytes: 5_000,
    indexIntervalSizeBytes: 300,
  });
  const log = await storage.open();
  for (let index = 0; index < 100; index++) {
    await append(log, { values: [`${index}`, "x".repeat((index * 37) % 200)] });
  }
  // What was read from memory is read from the files by the next opening.
  return { storage, log: await storage.reopen() };
}

it("gives the same bytes whichever way they leave the file", async () => {
  const { storage, log } = await filledStorage();
  const expected = await readAll(log, 0, "plain");
  expect(expected.length).toBe(200);
  expect(await readAll(log, 0, "mapped")).toEqual(expected);
  expect(await readAll(log, 0, "stream")).toEqual(expected);
  storage.disk.rule = ({ operation }) =>
    operation === "map" ? { code: "ENOMEM" } : null;
  expect(await readAll(log, 0, "mapped")).toEqual(expected);
  storage.disk.rule = ({ operation }) =>
    operation === "warm" ? { code: "EIO" } : null;
  expect(await readAll(log, 0, "mapped")).toEqual(expected);
});

it("finds every offset through the index, from any batch's middle", async () => {
  const { log } = await filledStorage();
  const expected = await readAll(log);
  for (let offset = 0; offset < 200; offset += 7) {
    expect(await readAll(log, offset)).toEqual(expected.slice(offset));
  }
});

it("asks no file for what was appended last", async () => {
  const { storage, log } = await filledStorage();
  await append(log, "newest");
  storage.disk.rule = () => ({ code: "EIO" });
  const result = log.read({
    offset: 200,
    sizeBytesMax: 1000,
    minOneBatch: true,
    limit: "high-watermark",
    transfer: "mapped",
  });
  expect(result).not.toBeInstanceOf(Promise);
  expect((await readBytes(log, { offset: 200 })).length).toBeGreaterThan(0);
});

it("goes offline when the disk cannot give back what is on it", async () => {
  const { storage, log } = await filledStorage();
  storage.disk.rule = ({ operation }) =>
    operation === "read" ? { code: "EIO" } : null;
  await expect(readBytes(log, { offset: 0 })).rejects.toMatchObject({
    code: "storage-offline",
  });
  storage.disk.rule = () => null;
  expect(log.fault?.code).toBe("storage-offline");
  expect(log.append(batchOf("x"))).toMatchObject({ error: "storage-offline" });
  const again = await storage.directory?.reopenLog(partition, storage.config);
  if (again === undefined) throw new Error("not open");
  expect((await readAll(again.log)).length).toBe(200);
});

it("tells of a file that is shorter than it was", async () => {
  const { storage, log } = await filledStorage();
  // Once it was checked, it is believed.
  await readAll(log);
  await storage.changeFile("/data/orders-3/00000000000000000000.log", (bytes) =>
    bytes.subarray(0, 1000),
  );
  await expect(
    readBytes(log, { offset: 0, sizeBytesMax: 4000, transfer: "plain" }),
  ).rejects.toMatchObject({ code: "corrupt-file" });
});

it("tells a reader whose segment goes under its hands that the offset is out of range", async () => {
  const memory = new MemoryDisk();
  const storage = new TestStorage({ segmentSizeBytes: 100 }, {}, memory);
  for (const value of ["a", "b", "c"])
    await append(await storage.open(), value);
  const log = await storage.reopen();
  const deleted = Promise.withResolvers<void>();
  const open = memory.open.bind(memory);
  memory.open = async (path, mode) => {
    if (path.endsWith("0000.log")) await deleted.promise;
    return open(path, mode);
  };
  const reading = log.read({
    offset: 0,
    sizeBytesMax: 1_000,
    minOneBatch: true,
    limit: "high-watermark",
    transfer: "plain",
  });
  await log.deleteRecordsBefore(2);
  deleted.resolve();
  expect(await reading).toMatchObject({
    error: "offset-out-of-range",
    startOffset: 2,
  });
  expect(log.fault).toBe(null);
  expect(await readAll(log)).toEqual(["2:c"]);
});

it("looks for a timestamp behind a segment that goes meanwhile", async () => {
  const memory = new MemoryDisk();
  const storage = new TestStorage({ segmentSizeBytes: 100 }, {}, memory);
  for (const value of ["a", "b", "c"])
    await append(await storage.open(), value);
  const log = await storage.reopen();
  const deleted = Promise.withResolvers<void>();
  const open = memory.open.bind(memory);
  memory.open = async (path, mode) => {
    if (path.endsWith("0000.timeindex")) await deleted.promise;
    return open(path, mode);
  };
  const searches = [log.findOffsetByTimestamp(1), log.findMaxTimestamp()];
  await log.deleteRecordsBefore(2);
  deleted.resolve();
  expect(await Promise.all(searches)).toMatchObject([
    { offset: 2 },
    { offset: 2 },
  ]);
});
