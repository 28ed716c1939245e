import { describe, expect, it } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { identifyDirectory } from "../../../broker/storage/directory-identity.ts";
import { defaultLogConfig } from "../../../broker/storage/log-config.ts";
import { describeRecovery } from "../../../broker/storage/recovery-report.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import {
  TestStorage,
  append,
  batchOf,
  logPath,
  partition,
  partitionPath,
  readAll,
} from "./support.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const otherId = "AAAAAAAAAAAAAAAAAAAAAg";

describe("a data directory", () => {
  it("is opened by one at a time", async () => {
    const storage = new TestStorage();
    await storage.openDirectory();
    const second = new TestStorage({}, {}, storage.memory);
    await expect(second.openDirectory()).rejects.toMatchObject({
      code: "directory-locked",
    });
    await storage.close();
    await second.openDirectory();
  });

  it("keeps its ids for ever", async () => {
    const storage = new TestStorage({}, { nodeId: 5 });
    const { meta } = await storage.openDirectory();
    expect(meta.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(text(await storage.bytesOf("/data/meta.properties"))).toBe(
      `version=1\ncluster.id=${meta.clusterId}\nnode.id=5\ndirectory.id=${meta.directoryId}\n`,
    );
    await storage.close();
    const other = new TestStorage(
      {},
      { nodeId: 9, clusterId: otherId },
      storage.memory,
    );
    expect((await other.openDirectory()).meta).toEqual(meta);
  });

  it("takes the ids of a directory that Kafka made", async () => {
    const storage = new TestStorage();
    await storage.memory.createDirectory("/data");
    const file = await storage.memory.open("/data/meta.properties", "create");
    await file.append([
      Buffer.from(
        "#\n#Mon Nov 23 10:00:00 UTC 2026\ncluster.id=abc\nversion=1\ndirectory.id=dir\nnode.id=3\n",
      ),
    ]);
    expect((await storage.openDirectory()).meta).toEqual({
      clusterId: "abc",
      nodeId: 3,
      directoryId: "dir",
    });
  });

  it("makes the path to a new directory as durable as what is in it", async () => {
    const synced: string[] = [];
    const disk = new FailingDisk(new MemoryDisk(), ({ operation, path }) => {
      if (operation !== "syncDirectory") return null;
      synced.push(path);
      return path === "/" ? { code: "EACCES" } : null;
    });
    const random = new SeededRandom(1);
    const path = "/srv/millrace/data";
    const forNew = { clusterId: null, nodeId: 1 };
    await disk.createDirectory(path);
    const meta = await identifyDirectory(disk, path, random, forNew);
    expect(synced.slice(0, 3)).toEqual(["/srv/millrace", "/srv", "/"]);
    synced.length = 0;
    expect(await identifyDirectory(disk, path, random, forNew)).toEqual(meta);
    expect(synced).toEqual([]);
  });

  it("refuses a newer format, and lets the lock go", async () => {
    const storage = new TestStorage();
    await storage.openDirectory();
    await storage.close();
    await storage.changeFile("/data/millrace.properties", () =>
      Buffer.from("format.version=2\n"),
    );
    for (const _ of [1, 2]) {
      await expect(storage.openDirectory()).rejects.toMatchObject({
        code: "format-too-new",
      });
    }
  });

  it("scans nothing after a clean stop, and everything after a crash", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    expect(await readAll(await storage.reopen())).toEqual(["0:a"]);
    expect(storage.report).toBe(null);
    expect(storage.directory?.isClean).toBe(true);
    const log = await storage.reopen(false);
    expect(storage.report).toMatchObject({
      scannedSizeBytes: batchOf("a").length,
      cuts: [],
    });
    expect(storage.directory?.isClean).toBe(false);
    expect(await readAll(log)).toEqual(["0:a"]);
  });

  it("is not clean while a partition has not been opened since a crash", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    await storage.close(false);
    const directory = await storage.openDirectory();
    expect(await directory.close({ isClean: true })).toBe(false);
    storage.directory = null;
    await storage.open();
    expect(storage.report).not.toBe(null);
  });

  it("says on one line what recovery cut", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    await storage.close(false);
    await storage.changeFile(
      logPath,
      (bytes) => new Uint8Array([...bytes, 1, 2, 3]),
    );
    const log = await storage.open();
    expect(storage.report && describeRecovery(storage.report)).toBe(
      `/data/orders-3 ends at offset 1: cut 3 bytes at ${logPath}:69 (a torn header)`,
    );
    expect((await storage.bytesOf(logPath)).length).toBe(69);
    expect(await readAll(log)).toEqual(["0:a"]);
  });

  it("reports a flipped bit in a sealed segment, and serves what lies behind it", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    for (const value of ["a", "b", "c"]) await append(log, value);
    await storage.close(false);
    await storage.changeFile(logPath, (bytes) => bytes.with(65, 0xff));
    const again = await storage.open();
    expect(storage.report).toMatchObject({
      cuts: [],
      damages: [{ path: logPath, position: 0, detail: "a wrong crc" }],
    });
    expect(await readAll(again, 1)).toEqual(["1:b", "2:c"]);
    expect(await append(again, "d")).toMatchObject({ baseOffset: 3 });
  });

  it("answers a read that meets a header which cannot be, with the place", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    for (const value of ["a", "b", "c"]) await append(log, value);
    await storage.close();
    await storage.changeFile(logPath, (bytes) => bytes.with(16, 7));
    // The index of a sealed segment is trusted, the header is not.
    const again = await storage.open();
    const result = await again.read({
      offset: 0,
      sizeBytesMax: 100,
      minOneBatch: true,
      limit: "end",
      transfer: "plain",
    });
    expect(result).toEqual({
      error: "corrupt-batch",
      detail: `corrupt batch at ${logPath}:0: magic 7`,
    });
    expect(await readAll(again, 2)).toEqual(["2:c"]);
  });

  it("deletes a partition, and finishes what a stop cut short", async () => {
    const storage = new TestStorage();
    const directory = await storage.openDirectory();
    await append(await storage.open(), "a");
    storage.disk.rule = ({ operation }) =>
      operation === "removeDirectory" ? { code: "EIO" } : null;
    await directory.deleteLog(partition);
    expect(directory.partitions()).toEqual([]);
    const names = (await storage.memory.list("/data")).map(
      (entry) => entry.name,
    );
    expect(names.find((name) => name.startsWith("orders-3"))).toMatch(
      /^orders-3\.[0-9a-f]{32}-delete$/,
    );
    expect(await readAll(await storage.open())).toEqual([]);
    storage.disk.rule = () => null;
    await storage.close();
    await storage.openDirectory();
    expect(
      (await storage.memory.list("/data")).filter((entry) => entry.isDirectory),
    ).toEqual([]);
  });

  it("does not take the files of a deleted topic for those of a new one of its name", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    await storage.close();
    const directory = await storage.openDirectory();
    expect(await directory.topicIdOf(partition)).toBe(partition.topicId);
    const { log } = await directory.openLog(
      {
        ...partition,
        topicId: otherId,
        wasDeleted: (topicId) => topicId === partition.topicId,
      },
      defaultLogConfig,
    );
    expect(log.endOffset).toBe(0);
    await append(log, "b");
    expect(
      text(await storage.bytesOf(`${partitionPath}/partition.metadata`)),
    ).toContain(otherId);
  });

  it("touches nothing of a directory that names a topic which nobody deleted", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    await storage.close();
    const directory = await storage.openDirectory();
    const mistaken = { ...partition, topicId: otherId };
    await expect(
      directory.openLog(mistaken, defaultLogConfig),
    ).rejects.toMatchObject({
      code: "corrupt-file",
      message: expect.stringContaining("nothing was changed"),
    });
    const { log } = await directory.openLog(partition, defaultLogConfig);
    expect(log.endOffset).toBe(1);
  });

  it("opens a partition once, however many ask", async () => {
    const storage = new TestStorage();
    const directory = await storage.openDirectory();
    const opened = await Promise.all(
      [1, 2].map(() => directory.openLog(partition, defaultLogConfig)),
    );
    expect(opened[0]?.log).toBe(opened[1]?.log);
    expect(directory.log(partition)).toBe(opened[0]?.log);
  });

  it("tells what recovery found to one of those who ask for the partition", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    await storage.close(false);
    const directory = await storage.openDirectory();
    const opened = await Promise.all(
      [1, 2, 3].map(() => directory.openLog(partition, defaultLogConfig)),
    );
    opened.push(await directory.openLog(partition, defaultLogConfig));
    expect(opened.map(({ report }) => report?.endOffset ?? null)).toEqual([
      1,
      null,
      null,
      null,
    ]);
  });

  it("goes on without first offsets that it cannot read, and says so", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await append(log, "a");
    await append(log, "b");
    await log.deleteRecordsBefore(1);
    await storage.close();
    await storage.changeFile("/data/log-start-offset-checkpoint", () =>
      Buffer.from("0\n1\n"),
    );
    const damaged: string[] = [];
    const onDamage = ({ path }: { readonly path: string }) =>
      damaged.push(path);
    const again = new TestStorage({}, { onDamage }, storage.memory);
    expect(await readAll(await again.open())).toEqual(["0:a", "1:b"]);
    expect(damaged).toEqual(["/data/log-start-offset-checkpoint"]);
    await again.close();
  });

  it("serves more partitions than it may hold files open", async () => {
    const storage = new TestStorage({}, { openFilesMax: 16 });
    const directory = await storage.openDirectory();
    let openCount = 0;
    let openMax = 0;
    storage.disk.rule = ({ operation, path }) => {
      if (!path.endsWith(".log")) return null;
      if (operation === "open") openMax = Math.max(openMax, ++openCount);
      if (operation === "close") openCount--;
      return null;
    };
    for (let index = 0; index < 100; index++) {
      const { log } = await directory.openLog(
        { ...partition, partition: index },
        defaultLogConfig,
      );
      await append(log, "a");
    }
    expect(openMax).toBeLessThanOrEqual(18);
    for (let index = 0; index < 100; index++) {
      const log = directory.log({ ...partition, partition: index });
      if (log !== null)
        expect(await append(log, "b")).toMatchObject({ baseOffset: 1 });
    }
    await storage.close();
  });

  it("moves away first what a deleted topic had to leave behind, when its name comes again", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "old");
    const { directory, disk, config } = storage;
    disk.rule = ({ operation }) =>
      operation === "rename" ? { code: "ENOSPC" } : null;
    await expect(directory?.deleteLog(partition)).rejects.toMatchObject({
      code: "storage-full",
    });
    const again = { ...partition, topicId: otherId };
    await expect(directory?.openLog(again, config)).rejects.toMatchObject({
      code: "storage-full",
    });
    disk.rule = () => null;
    const opened = await directory?.openLog(again, config);
    expect(opened?.log.endOffset).toBe(0);
    expect(opened?.log.hasDirectory).toBe(false);
  });

  it("tries once more at closing to move away what a deleted topic had to leave behind", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "old");
    const { directory, disk } = storage;
    disk.rule = ({ operation }) =>
      operation === "rename" ? { code: "ENOSPC" } : null;
    await expect(directory?.deleteLog(partition)).rejects.toThrow("ENOSPC");
    disk.rule = () => null;
    await storage.close();
    const names = (await storage.memory.list("/data")).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith("orders-3"))).toEqual([]);
  });
});
