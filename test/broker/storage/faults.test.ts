import { describe, expect, it } from "vitest";
import { AssertionError } from "../../../broker/lib/assert.ts";
import type { AppendResult } from "../../../broker/storage/append-result.ts";
import type { DiskFault, DiskOperation } from "../../support/failing-disk.ts";
import {
  TestStorage,
  append,
  batchOf,
  logPath,
  partition,
  readAll,
} from "./support.ts";

/** Fails one kind of call on files that end so. */
function failing(operation: DiskOperation, suffix: string, fault: DiskFault) {
  return (call: { operation: DiskOperation; path: string }) =>
    call.operation === operation && call.path.endsWith(suffix) ? fault : null;
}

async function outcome(result: AppendResult): Promise<string> {
  if (result.error !== null) return result.error;
  try {
    await result.written;
    return `written ${result.baseOffset}`;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "?";
  }
}

const producer = (baseSequence: number) => ({ id: 7, epoch: 0, baseSequence });

describe("a full disk", () => {
  it("refuses what was queued, cuts the file back, and goes on when there is room", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await append(log, { values: ["a"], producer: producer(0) });
    storage.disk.rule = failing("append", ".log", {
      code: "ENOSPC",
      writtenSizeBytes: 30,
    });
    const refused = [1, 2].map((sequence) =>
      log.append(batchOf({ values: ["x"], producer: producer(sequence) })),
    );
    expect(await Promise.all(refused.map(outcome))).toEqual([
      "storage-full",
      "storage-full",
    ]);
    expect(log.endOffset).toBe(1);
    expect(log.fault).toBe(null);
    await storage.clock.settle();
    expect((await storage.bytesOf(logPath)).length).toBe(batchOf("a").length);
    storage.disk.rule = () => null;
    // The refused sequence is the next one again.
    expect(
      await outcome(
        log.append(batchOf({ values: ["b"], producer: producer(1) })),
      ),
    ).toBe("written 1");
    expect(await readAll(log)).toEqual(["0:a", "1:b"]);
    expect(await readAll(await storage.reopen(false))).toEqual(["0:a", "1:b"]);
    expect(storage.report?.cuts).toEqual([]);
  });

  it("refuses also what comes while a failing write runs", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await append(log, "a");
    storage.disk.rule = failing("append", ".log", { code: "ENOSPC" });
    const first = log.append(batchOf("b"));
    const second: Promise<string>[] = [];
    if (first.error === null) {
      first.written.catch(() => {
        storage.disk.rule = () => null;
        second.push(outcome(log.append(batchOf("c"))));
      });
    }
    expect(await outcome(first)).toBe("storage-full");
    await storage.clock.settle();
    expect(await Promise.all(second)).toEqual(["written 1"]);
    expect(await readAll(log)).toEqual(["0:a", "1:c"]);
  });

  it("takes a roll back that could not be written", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    await append(log, "a");
    await append(log, "b");
    storage.disk.rule = failing("append", "02.log", {
      code: "ENOSPC",
      writtenSizeBytes: 5,
    });
    expect(await outcome(log.append(batchOf("c")))).toBe("storage-full");
    await storage.clock.settle();
    expect(
      (await storage.names()).filter((name) => name.endsWith(".log")),
    ).toEqual(["00000000000000000000.log"]);
    storage.disk.rule = () => null;
    expect(await outcome(log.append(batchOf("c")))).toBe("written 2");
    expect(await readAll(log)).toEqual(["0:a", "1:b", "2:c"]);
    expect(await readAll(await storage.reopen())).toEqual([
      "0:a",
      "1:b",
      "2:c",
    ]);
  });

  it("keeps appending while only an index has no room", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1 });
    const log = await storage.open();
    storage.disk.rule = failing("append", "index", {
      code: "ENOSPC",
      writtenSizeBytes: 3,
    });
    for (let index = 0; index < 300; index++) await append(log, "x");
    expect(log.fault).toBe(null);
    storage.disk.rule = () => null;
    for (let index = 0; index < 300; index++) await append(log, "x");
    const again = await storage.reopen();
    expect(storage.report).toBe(null);
    expect((await readAll(again, 595)).length).toBe(5);
  });

  it("is the answer too when descriptors run out", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    storage.disk.rule = failing("open", ".log", { code: "EMFILE" });
    expect(await outcome(log.append(batchOf("a")))).toBe("storage-full");
    storage.disk.rule = () => null;
    expect(await outcome(log.append(batchOf("a")))).toBe("written 0");
  });
});

describe("a broken disk", () => {
  it("takes the log offline when a write fails, until it is opened anew", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await append(log, "a");
    storage.disk.rule = failing("append", ".log", {
      code: "EIO",
      writtenSizeBytes: 10,
    });
    expect(await outcome(log.append(batchOf("b")))).toBe("storage-offline");
    expect(log.append(batchOf("c"))).toMatchObject({
      error: "storage-offline",
    });
    expect(storage.faults.map((fault) => fault.code)).toEqual([
      "storage-offline",
    ]);
    storage.disk.rule = () => null;
    const reopened = await storage.directory?.reopenLog(
      partition,
      storage.config,
    );
    const again = reopened?.log ?? log;
    expect(reopened?.report?.cuts).toMatchObject([
      { path: logPath, sizeBytes: 10 },
    ]);
    expect(await append(again, "c")).toMatchObject({ baseOffset: 1 });
    expect(await readAll(again)).toEqual(["0:a", "1:c"]);
  });

  it("never syncs again after a sync has failed", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    let syncCount = 0;
    storage.disk.rule = ({ operation }) => {
      if (operation !== "sync") return null;
      syncCount++;
      return { code: "EIO" };
    };
    const first = await append(log, "a");
    await expect(first.durable()).rejects.toMatchObject({
      code: "storage-offline",
    });
    await expect(first.durable()).rejects.toMatchObject({
      code: "storage-offline",
    });
    expect(syncCount).toBe(1);
    expect(log.append(batchOf("b"))).toMatchObject({
      error: "storage-offline",
    });
    expect(
      await log.read({
        offset: 0,
        sizeBytesMax: 1,
        minOneBatch: true,
        limit: "end",
        transfer: "plain",
      }),
    ).toEqual({ error: "storage-offline" });
    storage.disk.rule = () => null;
    expect(await storage.directory?.close({ isClean: true })).toBe(false);
    storage.directory = null;
    await storage.open();
    expect(storage.report).not.toBe(null);
  });
});

describe("a log that is opened anew after a failed sync", () => {
  it("writes what no sync covered once more: the system may think it has", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    for (const value of ["a", "b"]) await append(log, value);
    await append(log, "c");
    await log.sync();
    storage.disk.rule = failing("sync", ".log", { code: "EIO" });
    await append(log, "d");
    await expect(log.sync()).rejects.toMatchObject({ code: "storage-offline" });
    const calls: string[] = [];
    storage.disk.rule = ({ operation, path }) => {
      if (path.includes(".log")) {
        calls.push(`${operation} ${path.slice(path.lastIndexOf("/") + 1)}`);
      }
      return null;
    };
    const again = await storage.directory?.reopenLog(partition, storage.config);
    if (again === undefined) throw new Error("not open");
    const rewritten = calls.filter((call) =>
      /^(sync|rename) .*tmp$/.test(call),
    );
    expect(rewritten).toEqual([
      "sync 00000000000000000002.log.tmp",
      "rename 00000000000000000002.log.tmp",
    ]);
    expect(await readAll(again.log)).toEqual(["0:a", "1:b", "2:c", "3:d"]);
  });

  it("does so also at a later try, and only then opens", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await append(log, "a");
    storage.disk.rule = failing("sync", ".log", { code: "EIO" });
    await expect(log.sync()).rejects.toMatchObject({ code: "storage-offline" });
    storage.disk.rule = failing("sync", ".log.tmp", { code: "EIO" });
    const { directory, config } = storage;
    await expect(directory?.reopenLog(partition, config)).rejects.toMatchObject(
      {
        code: "storage-offline",
      },
    );
    let rewriteCount = 0;
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "rename" && path.endsWith(".log.tmp")) rewriteCount++;
      return null;
    };
    const again = await directory?.reopenLog(partition, config);
    if (again === undefined) throw new Error("not open");
    expect(rewriteCount).toBe(1);
    expect(await readAll(again.log)).toEqual(["0:a"]);
  });
});

it("a look at what could be compacted tells of a broken disk as a fault, which no bug is", async () => {
  const storage = new TestStorage({ segmentSizeBytes: 100 });
  for (const value of ["a", "b"]) await append(await storage.open(), value);
  const log = await storage.reopen();
  storage.disk.rule = failing("open", ".timeindex", { code: "EIO" });
  await expect(log.compaction.survey(null)).rejects.toMatchObject({
    code: "storage-offline",
  });
});

describe.each(["append", "sync"] as const)(
  "a bug below a partition's %s",
  (operation) => {
    it("refuses what waits, says that it is one, and takes nothing that was acknowledged", async () => {
      const storage = new TestStorage();
      const log = await storage.open();
      await (await append(log, "kept")).durable();
      storage.disk.rule = (call) => {
        if (call.operation === operation && call.path === logPath) {
          throw new AssertionError("cannot be");
        }
        return null;
      };
      const waiting = ["a", "b"].map((value) => log.append(batchOf(value)));
      for (const appended of waiting) {
        if (appended.error !== null) throw new Error(appended.error);
        await expect(appended.durable()).rejects.toMatchObject({
          code: "storage-offline",
          cause: expect.any(AssertionError),
        });
      }
      expect(storage.faults.map(({ detail }) => detail)).toEqual([
        expect.stringContaining("failed by a bug: cannot be"),
      ]);
      expect(log.append(batchOf("c"))).toMatchObject({
        error: "storage-offline",
      });
      storage.watchSyncs();
      const again = await storage.reopen(false);
      expect((await readAll(again)).slice(0, 1)).toEqual(["0:kept"]);
    });
  },
);
