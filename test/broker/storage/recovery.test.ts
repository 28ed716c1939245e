import { describe, expect, it } from "vitest";
import type { Disk } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import { describeRecovery } from "../../../broker/storage/recovery-report.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import {
  TestStorage,
  append,
  batchOf,
  logPath,
  partition,
  partitionPath,
  readAll,
} from "./support.ts";

const recoveryPointPath = "/data/recovery-point-offset-checkpoint";
const batchSizeBytes = batchOf("a").length;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function appendAll(log: PartitionLog, values: string): Promise<void> {
  for (const value of values) await append(log, value);
}

/** Lets the background sync of the log come and go. */
async function moveCheckpoint(storage: TestStorage): Promise<void> {
  storage.clock.advance(30_000);
  await storage.clock.settle();
}

/** `abc` below the checkpoint, `de` behind it, and a crash. */
async function crashed(
  storage = new TestStorage({ indexIntervalSizeBytes: 1 }),
): Promise<TestStorage> {
  const log = await storage.open();
  await appendAll(log, "abc");
  await moveCheckpoint(storage);
  await appendAll(log, "de");
  await storage.close(false);
  return storage;
}

async function indexesOf(storage: TestStorage): Promise<Uint8Array[]> {
  const path = `${partitionPath}/00000000000000000000`;
  return [
    await storage.bytesOf(`${path}.index`),
    await storage.bytesOf(`${path}.timeindex`),
  ];
}

const flip = (position: number) => (bytes: Uint8Array) =>
  bytes.with(position, (bytes[position] ?? 0) ^ 0x55);

const all = ["0:a", "1:b", "2:c", "3:d", "4:e"];

describe("the recovery checkpoint", () => {
  it("moves 30 s after the first write since, in Kafka's own file", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await appendAll(log, "abc");
    storage.clock.advance(29_999);
    await storage.clock.settle();
    expect(await storage.memory.sizeOf(recoveryPointPath)).toBe(null);
    storage.clock.advance(1);
    await storage.clock.settle();
    expect(text(await storage.bytesOf(recoveryPointPath))).toBe(
      "0\n1\norders 3 3\n",
    );
    // Nothing more was written, so there is nothing to wait for.
    expect(storage.clock.timerCount).toBe(0);
  });

  it("moves at once when 64 MB have been written since", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    const value = "x".repeat(1_000_000);
    for (let count = 0; count < 67; count++) await append(log, value);
    await storage.clock.settle();
    expect(await storage.memory.sizeOf(recoveryPointPath)).toBe(null);
    await append(log, value);
    await storage.clock.settle();
    expect(text(await storage.bytesOf(recoveryPointPath))).toBe(
      "0\n1\norders 3 68\n",
    );
  });

  it("is written when all it promises is synced", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1 });
    await appendAll(await storage.open(), "abc");
    storage.syncedPaths.length = 0;
    await moveCheckpoint(storage);
    const last = storage.syncedPaths.indexOf(`${recoveryPointPath}.tmp`);
    const before = storage.syncedPaths.slice(0, last);
    const base = `${partitionPath}/00000000000000000000`;
    expect(before).toEqual(
      expect.arrayContaining([
        `${base}.log`,
        `${base}.index`,
        `${base}.timeindex`,
        `${partitionPath}/leader-epoch-checkpoint`,
        `${partitionPath}/00000000000000000003.snapshot.tmp`,
      ]),
    );
    // The names of all these files.
    expect(before.at(-1)).toBe(partitionPath);
  });

  it("is the log's end after a clean stop", async () => {
    const storage = new TestStorage();
    await appendAll(await storage.open(), "ab");
    await storage.close();
    expect(text(await storage.bytesOf(recoveryPointPath))).toBe(
      "0\n1\norders 3 2\n",
    );
  });

  it("stays where it is while something fails, and is tried again", async () => {
    const storage = new TestStorage();
    await appendAll(await storage.open(), "ab");
    storage.disk.rule = ({ path }) =>
      path.includes(".snapshot") ? { code: "ENOSPC" } : null;
    await moveCheckpoint(storage);
    expect(await storage.memory.sizeOf(recoveryPointPath)).toBe(null);
    expect(storage.faults).toEqual([]);
    storage.disk.rule = () => null;
    await moveCheckpoint(storage);
    expect(text(await storage.bytesOf(recoveryPointPath))).toContain("3 2");
  });

  it("takes the log offline when an index cannot be synced: its pages may be gone", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1 });
    const log = await storage.open();
    await appendAll(log, "ab");
    storage.disk.rule = ({ operation, path }) =>
      operation === "sync" && path.endsWith(".index") ? { code: "EIO" } : null;
    await moveCheckpoint(storage);
    expect(log.fault?.code).toBe("storage-offline");
    expect(await storage.memory.sizeOf(recoveryPointPath)).toBe(null);
  });

  it("keeps two snapshots of the producers besides those that segments begin with", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    for (const value of "abcd") {
      await append(log, value);
      await moveCheckpoint(storage);
    }
    expect(
      (await storage.names()).filter((name) => name.endsWith(".snapshot")),
    ).toEqual([
      "00000000000000000003.snapshot",
      "00000000000000000004.snapshot",
    ]);
  });

  it("is no promise to a later partition of the same name", async () => {
    const storage = await crashed();
    const directory = await storage.openDirectory();
    await storage.open();
    await directory.deleteLog(partition);
    await storage.close(false);
    await append(await storage.open(), "x");
    await storage.close(false);
    await storage.changeFile(logPath, flip(30));
    const log = await storage.open();
    expect(storage.report?.cuts).toMatchObject([{ position: 0 }]);
    expect(log.endOffset).toBe(0);
  });

  it("promises nothing where its file cannot be read", async () => {
    const storage = await crashed();
    await storage.changeFile(recoveryPointPath, () => Buffer.from("nonsense"));
    expect(await readAll(await storage.open())).toEqual(all);
    expect(storage.report?.scannedSizeBytes).toBe(5 * batchSizeBytes);
  });

  it("leaves a log that opens, whichever step of moving it was the last", async () => {
    for (let steps = 0, isDone = false; !isDone; steps++) {
      const storage = new TestStorage({
        indexIntervalSizeBytes: 1,
        segmentSizeBytes: 4 * batchSizeBytes,
      });
      const log = await storage.open();
      await appendAll(log, "abc");
      await moveCheckpoint(storage);
      await appendAll(log, "de");
      let left = steps;
      storage.disk.rule = ({ operation }) => {
        if (operation === "open" || operation === "read") return null;
        return left-- > 0 ? null : { code: "EIO", writtenSizeBytes: 3 };
      };
      await moveCheckpoint(storage);
      isDone = left >= 0;
      await storage.close(false);
      storage.disk.rule = () => null;
      const again = await storage.open();
      expect(storage.report).toMatchObject({ cuts: [], damages: [] });
      expect(await readAll(again)).toEqual(all);
      expect(await append(again, "f")).toMatchObject({ baseOffset: 5 });
    }
  });
});

describe("opening after a crash", () => {
  it("reads what lies behind the checkpoint before the last, so that all of it is known of the producers", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1 });
    const log = await storage.open();
    for (const values of ["abc", "de", "f"]) {
      await appendAll(log, values);
      await moveCheckpoint(storage);
    }
    await append(log, "g");
    const again = await storage.reopen(false);
    expect(await readAll(again)).toEqual([...all, "5:f", "6:g"]);
    // That one is at offset 5, and the newest at 6.
    expect(storage.report?.scannedSizeBytes).toBe(2 * batchSizeBytes);
  });

  it("does not touch segments that lie below the checkpoint", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    await appendAll(log, "abcdef");
    await moveCheckpoint(storage);
    await storage.close(false);
    const touched: string[] = [];
    storage.disk.rule = ({ operation, path }) => {
      if (operation !== "sizeOf") touched.push(path);
      return null;
    };
    const again = await storage.open();
    expect(
      touched.filter(
        (path) => path.includes("0000.") || path.includes("0002."),
      ),
    ).toEqual([]);
    expect(await readAll(again)).toEqual([...all, "5:f"]);
  });

  it("builds anew what was added, when it was sealed, to the index of a segment that ended at the checkpoint", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 2 * batchSizeBytes });
    await appendAll(await storage.open(), "ab");
    await append(await storage.reopen(), "c");
    await storage.close(false);
    const path = `${partitionPath}/00000000000000000000.timeindex`;
    const sealed = await storage.bytesOf(path);
    expect(sealed).toHaveLength(12);
    // No sync came since, so a power cut may take it.
    await storage.changeFile(path, () => new Uint8Array());
    const again = await storage.open();
    expect(await storage.bytesOf(path)).toEqual(sealed);
    expect(await readAll(again)).toEqual(["0:a", "1:b", "2:c"]);
  });

  it("syncs an index that was missing below the checkpoint, as the next opening believes it", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 2 * batchSizeBytes });
    await appendAll(await storage.open(), "abcde");
    await moveCheckpoint(storage);
    await storage.close(false);
    const path = `${partitionPath}/00000000000000000000.timeindex`;
    await storage.memory.remove(path);
    storage.syncedPaths.length = 0;
    await storage.open();
    const { syncedPaths } = storage;
    expect(syncedPaths).toContain(path);
    // And its name, behind it.
    expect(syncedPaths.at(-1)).toBe(partitionPath);
  });

  it("rebuilds indexes that equal those it lost", async () => {
    const storage = await crashed();
    await storage.open();
    await storage.close();
    const fresh = new TestStorage({ indexIntervalSizeBytes: 1 });
    await appendAll(await fresh.open(), "abcde");
    await fresh.close();
    expect(await indexesOf(storage)).toEqual(await indexesOf(fresh));
  });

  it("rebuilds the indexes of a log that was closed and went on many times", async () => {
    const config = { indexIntervalSizeBytes: 2 * batchSizeBytes };
    const storage = new TestStorage(config);
    const fresh = new TestStorage(config);
    const unstopped = await fresh.open();
    for (let at = 0; at < 12; at++) {
      // Some are older than those before them.
      const timestampMs = 1000 + 10 * at - (at % 4 === 3 ? 25 : 0);
      const batch = { values: ["v"], timestampMs };
      await append(await storage.reopen(), batch);
      await append(unstopped, batch);
    }
    await storage.close();
    await fresh.close();
    const grown = await indexesOf(storage);
    expect(grown).toEqual(await indexesOf(fresh));
    for (const kind of ["index", "timeindex"]) {
      await storage.memory.remove(
        `${partitionPath}/00000000000000000000.${kind}`,
      );
    }
    await storage.reopen(false);
    await storage.close();
    expect(await indexesOf(storage)).toEqual(grown);
  });

  it("rebuilds them the same where a crash follows a close and what was appended behind it", async () => {
    const config = { indexIntervalSizeBytes: 2 * batchSizeBytes };
    const storage = new TestStorage(config);
    const fresh = new TestStorage(config);
    const unstopped = await fresh.open();
    let log = await storage.open();
    for (let at = 0; at < 12; at++) {
      const batch = { values: ["v"], timestampMs: 1000 + 10 * at };
      if (at === 5) log = await storage.reopen();
      await append(log, batch);
      if (at === 9) await moveCheckpoint(storage);
      await append(unstopped, batch);
    }
    await storage.reopen(false);
    await storage.close();
    await fresh.close();
    expect(await indexesOf(storage)).toEqual(await indexesOf(fresh));
  });

  it("takes from an index what is of batches below the checkpoint, and no zeros behind it", async () => {
    const storage = await crashed();
    const path = `${partitionPath}/00000000000000000000.index`;
    await storage.changeFile(path, (bytes) =>
      Buffer.concat([bytes.subarray(0, 2 * 8), new Uint8Array(10_000)]),
    );
    const log = await storage.open();
    expect(await readAll(log)).toEqual(all);
    for (let offset = 0; offset < 5; offset++) {
      expect(await readAll(log, offset)).toEqual(all.slice(offset));
    }
    expect((await storage.bytesOf(path)).length % 8).toBe(0);
    expect((await storage.bytesOf(path)).length).toBeLessThan(100);
  });

  it("knows a batch that is sent again, though the snapshot has only the last of its producer", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    const sent = (sequence: number) => ({
      values: ["v"],
      producer: { id: 7, epoch: 0, baseSequence: sequence },
    });
    for (const sequence of [0, 1, 2]) await append(log, sent(sequence));
    await moveCheckpoint(storage);
    await append(log, sent(3));
    const again = await storage.reopen(false);
    for (const sequence of [0, 1, 2, 3]) {
      expect(await append(again, sent(sequence))).toMatchObject({
        isDuplicate: true,
        baseOffset: sequence,
      });
    }
    expect(await append(again, sent(4))).toMatchObject({ isDuplicate: false });
  });

  it("passes over a snapshot that does not hold", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    const sent = (sequence: number) => ({
      values: ["v"],
      producer: { id: 7, epoch: 0, baseSequence: sequence },
    });
    await append(log, sent(0));
    await moveCheckpoint(storage);
    await append(log, sent(1));
    await moveCheckpoint(storage);
    await storage.close(false);
    await storage.changeFile(
      `${partitionPath}/00000000000000000002.snapshot`,
      () => new Uint8Array(0),
    );
    const again = await storage.open();
    expect(await append(again, sent(1))).toMatchObject({ isDuplicate: true });
  });

  it("knows producers whose batches were all deleted, from the snapshot that the log begins with", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    const sent = (sequence: number) => ({
      values: ["v"],
      producer: { id: 7, epoch: 0, baseSequence: sequence },
    });
    await append(log, sent(0));
    await append(log, sent(1));
    await append(log, "c");
    storage.syncedPaths.length = 0;
    await log.deleteRecordsBefore(2);
    // Nothing else tells of them from now on, after a power cut neither.
    const path = `${partitionPath}/00000000000000000002.snapshot`;
    expect(storage.syncedPaths).toContain(path);
    const again = await storage.reopen(false);
    expect(await readAll(again)).toEqual(["2:c"]);
    expect(await append(again, sent(1))).toMatchObject({ isDuplicate: true });
  });

  it("learns the leader epochs from the batches where their file is gone", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    log.setLeaderEpoch(1);
    await appendAll(log, "abc");
    log.setLeaderEpoch(4);
    await appendAll(log, "d");
    await moveCheckpoint(storage);
    await storage.close(false);
    await storage.memory.remove(`${partitionPath}/leader-epoch-checkpoint`);
    const again = await storage.open();
    expect([0, 2, 3].map((offset) => again.epochOf(offset))).toEqual([1, 1, 4]);
  });

  it("cuts a torn tail behind the checkpoint, and says so on one line", async () => {
    const storage = await crashed();
    await storage.changeFile(logPath, (bytes) => bytes.subarray(0, -5));
    const log = await storage.open();
    const left = batchSizeBytes - 5;
    expect(storage.report && describeRecovery(storage.report)).toBe(
      `/data/orders-3 ends at offset 4: cut ${left} bytes at ${logPath}:${4 * batchSizeBytes} (a torn batch of ${batchSizeBytes} bytes)`,
    );
    expect(await readAll(log)).toEqual(all.slice(0, 4));
    expect(await append(log, "f")).toMatchObject({ baseOffset: 4 });
  });
});

describe("damage below the checkpoint", () => {
  it("is not cut: what lies behind it is served, and produces go on", async () => {
    const storage = await crashed();
    // The magic of the third batch, the last one below the checkpoint.
    await storage.changeFile(logPath, flip(2 * batchSizeBytes + 16));
    const log = await storage.open();
    expect(storage.report).toMatchObject({
      cuts: [],
      damages: [
        {
          path: logPath,
          position: 2 * batchSizeBytes,
          sizeBytes: batchSizeBytes,
        },
      ],
    });
    expect(await readAll(log, 3)).toEqual(all.slice(3));
    expect(await append(log, "f")).toMatchObject({ baseOffset: 5 });
    expect(await readAll(log, 5)).toEqual(["5:f"]);
    const request = {
      sizeBytesMax: 100,
      minOneBatch: true,
      limit: "end",
      transfer: "plain",
    } as const;
    expect(await log.read({ offset: 2, ...request })).toMatchObject({
      error: "corrupt-batch",
      detail: expect.stringContaining(`${logPath}:${2 * batchSizeBytes}`),
    });
  });

  it("ends the segment where it reaches its end: the log goes on in a new one", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await appendAll(log, "abc");
    await moveCheckpoint(storage);
    await storage.close(false);
    const before = (await storage.bytesOf(logPath)).length;
    await storage.changeFile(logPath, (bytes) => bytes.subarray(0, -5));
    const again = await storage.open();
    expect(storage.report?.cuts).toEqual([]);
    expect(storage.report && describeRecovery(storage.report)).toContain(
      "offsets 2 to 2 are missing",
    );
    // An offset that was given is not given again.
    expect(await append(again, "d")).toMatchObject({ baseOffset: 3 });
    expect(await readAll(again, 3)).toEqual(["3:d"]);
    expect((await storage.bytesOf(logPath)).length).toBe(before - 5);
    const third = await storage.reopen();
    expect(await readAll(third, 3)).toEqual(["3:d"]);
    expect(await readAll(third, 1, "plain").catch(String)).toContain("corrupt");
  });

  it("does not hide, after a clean stop, the records before and behind it", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1_000 });
    await appendAll(await storage.open(), "abcde");
    await storage.close();
    await storage.changeFile(logPath, flip(3 * batchSizeBytes + 16));
    const log = await storage.open();
    expect(storage.report?.cuts).toEqual([]);
    expect(log.endOffset).toBe(5);
    expect(await readAll(log, 3).catch(String)).toContain("corrupt-batch");
    expect(await append(log, "f")).toMatchObject({ baseOffset: 5 });
    expect(await readAll(log, 5)).toEqual(["5:f"]);
  });
});

/** The bytes are the same, the boot is another. */
class RebootedDisk extends FailingDisk {
  readonly #bootId: string;

  constructor(disk: Disk, bootId: string) {
    super(disk);
    this.#bootId = bootId;
  }

  override async bootId(): Promise<string> {
    return this.#bootId;
  }
}
const rebooted = (storage: TestStorage, bootId = "two") =>
  new TestStorage(storage.config, {}, new RebootedDisk(storage.memory, bootId));

/** Two records a segment, `ab` below the checkpoint, and then the power fails. */
async function powerless(): Promise<TestStorage> {
  const memory = new MemoryDisk({ bootId: "one" });
  const storage = new TestStorage({ segmentSizeBytes: 150 }, {}, memory);
  const log = await storage.open();
  await appendAll(log, "ab");
  await moveCheckpoint(storage);
  await appendAll(log, "cdefgh");
  await storage.close(false);
  return rebooted(storage);
}

it("tells that all segments of a partition are gone, and gives none of their offsets again", async () => {
  const storage = new TestStorage();
  await appendAll(await storage.open(), "abc");
  await storage.close();
  await storage.memory.remove(logPath);
  const log = await storage.open();
  expect(storage.report?.damages).toMatchObject([
    { path: partitionPath, detail: "offsets 0 to 2 are missing" },
  ]);
  expect(await append(log, "x")).toMatchObject({ baseOffset: 3 });
});

describe("a tail that begins before the last segment", () => {
  const middlePath = `${partitionPath}/00000000000000000004.log`;

  async function expectTail(storage: TestStorage, values: readonly string[]) {
    const log = await storage.open();
    expect(await readAll(log)).toEqual(values);
    expect(storage.report?.damages).toEqual([]);
    expect(storage.report?.cuts.at(0)).toMatchObject({ path: middlePath });
    const { length } = values;
    expect(await append(log, "x")).toMatchObject({ baseOffset: length });
    await storage.close(false);
    expect(await readAll(await storage.open())).toEqual([
      ...values,
      `${length}:x`,
    ]);
  }

  it("is cut where a batch does not hold, with the segments behind it", async () => {
    const storage = await powerless();
    await storage.changeFile(middlePath, flip(2 * batchSizeBytes - 2));
    await expectTail(storage, all);
  });

  it("is cut where a segment lacks its end", async () => {
    const storage = await powerless();
    await storage.changeFile(middlePath, (bytes) => bytes.subarray(0, 0));
    const log = await storage.open();
    expect(await readAll(log)).toEqual(all.slice(0, 4));
    expect(await append(log, "x")).toMatchObject({ baseOffset: 4 });
  });

  it("is none where compaction may have taken the end", async () => {
    const storage = await powerless();
    storage.config = { ...storage.config, needsKeys: true };
    await storage.changeFile(middlePath, (bytes) => bytes.subarray(0, 0));
    const log = await storage.open();
    expect(await readAll(log)).toEqual([...all.slice(0, 4), "6:g", "7:h"]);
  });

  it("is none among segments that were deleted, whose names came back in part", async () => {
    const storage = await powerless();
    const log = await storage.open();
    await append(log, "i");
    const first = await storage.bytesOf(logPath);
    await log.deleteRecordsBefore(7);
    await storage.close(false);
    await storage.restore(logPath, first);
    const again = await rebooted(storage, "three").open();
    expect(await storage.names()).not.toContain("00000000000000000000.log");
    expect(await readAll(again)).toEqual(["7:h", "8:i"]);
  });

  it("is none below the checkpoint: that is damage", async () => {
    const storage = await powerless();
    await storage.changeFile(logPath, flip(2 * batchSizeBytes - 2));
    const log = await storage.open();
    expect(log.endOffset).toBe(8);
    expect(storage.report?.cuts).toEqual([]);
  });
});

describe("the boot that wrote the data", () => {
  const inBoot = (bootId: string, memory = new MemoryDisk({ bootId })) =>
    new TestStorage({ indexIntervalSizeBytes: 1 }, {}, memory);
  const flipBody = flip(4 * batchSizeBytes - 2);

  it("is believed by headers, and only the last batch is checked whole", async () => {
    const storage = await crashed(inBoot("one"));
    expect(text(await storage.bytesOf("/data/millrace.boot"))).toBe("one\n");
    await storage.changeFile(logPath, flipBody);
    const log = await storage.open();
    expect(storage.report?.cuts).toEqual([]);
    expect(log.endOffset).toBe(5);
  });

  it("is not believed at all where the last batch does not hold", async () => {
    const storage = await crashed(inBoot("one"));
    await storage.changeFile(logPath, flipBody);
    await storage.changeFile(logPath, flip(5 * batchSizeBytes - 2));
    const log = await storage.open();
    expect(storage.report?.cuts).toMatchObject([
      { position: 3 * batchSizeBytes, detail: "a wrong crc" },
    ]);
    expect(await readAll(log)).toEqual(all.slice(0, 3));
  });

  it("is not this one: every batch behind the checkpoint is checked", async () => {
    const storage = rebooted(await crashed(inBoot("one")));
    await storage.changeFile(logPath, flipBody);
    const log = await storage.open();
    expect(storage.report?.cuts).toMatchObject([
      { position: 3 * batchSizeBytes, detail: "a wrong crc" },
    ]);
    expect(log.endOffset).toBe(3);
  });

  it("is recorded anew only when no partition is in doubt", async () => {
    const first = inBoot("one");
    const directory = await first.openDirectory();
    const other = { ...partition, partition: 4 };
    await append((await directory.openLog(other, first.config)).log, "x");
    const storage = rebooted(await crashed(first));
    const again = await storage.openDirectory();
    await storage.open();
    expect(text(await storage.bytesOf("/data/millrace.boot"))).toBe("one\n");
    await again.openLog(other, storage.config);
    expect(text(await storage.bytesOf("/data/millrace.boot"))).toBe("two\n");
  });

  it("is not relied on after a failed sync: the page cache may have dropped what it could not write", async () => {
    const storage = inBoot("one");
    const log = await storage.open();
    await appendAll(log, "abc");
    storage.disk.rule = ({ operation }) =>
      operation === "sync" ? { code: "EIO" } : null;
    await expect(log.sync()).rejects.toMatchObject({ code: "storage-offline" });
    storage.disk.rule = () => null;
    await storage.clock.settle();
    expect(text(await storage.bytesOf("/data/millrace.boot"))).toBe(
      "\none orders-3\n",
    );
    await storage.changeFile(logPath, flip(2 * batchSizeBytes - 2));
    await storage.directory?.reopenLog(partition, storage.config);
    expect(storage.directory?.log(partition)?.endOffset).toBe(1);
  });
});

describe("a process that is killed after a failed sync", () => {
  /** Two records a segment, the first below the checkpoint. */
  async function failed(code: string): Promise<TestStorage> {
    const memory = new MemoryDisk({ bootId: "one" });
    const storage = new TestStorage({ segmentSizeBytes: 150 }, {}, memory);
    const log = await storage.open();
    await appendAll(log, "ab");
    await moveCheckpoint(storage);
    await appendAll(log, "cdef");
    storage.disk.rule = ({ operation, path }) =>
      operation === "sync" && path.endsWith(".log") ? { code } : null;
    return storage;
  }

  /** The logs that are written anew when the partition is opened by another process. */
  async function rewrittenBy(storage: TestStorage): Promise<string[]> {
    const rewritten: string[] = [];
    storage.disk.rule = ({ operation, path }) => {
      if (operation === "rename" && path.endsWith(".log.tmp")) {
        rewritten.push(path.slice(partitionPath.length + 1));
      }
      return null;
    };
    expect(await readAll(await storage.open())).toEqual([...all, "5:f"]);
    return rewritten;
  }

  const behindCheckpoint = [
    "00000000000000000002.log.tmp",
    "00000000000000000004.log.tmp",
  ];

  it("leaves word of it, and the next one writes anew what no checkpoint covers, once", async () => {
    const storage = await failed("EIO");
    const log = storage.directory?.log(partition);
    await expect(log?.sync()).rejects.toMatchObject({
      code: "storage-offline",
    });
    await storage.clock.settle();
    await storage.close(false);
    expect(await rewrittenBy(storage)).toEqual(behindCheckpoint);
    expect(text(await storage.bytesOf("/data/millrace.boot"))).toBe("one\n");
    await storage.close(false);
    expect(await rewrittenBy(storage)).toEqual([]);
  });

  it("does so also where it failed for want of room, in the last sync of a stop", async () => {
    const storage = await failed("ENOSPC");
    await storage.close();
    await storage.clock.settle();
    expect(await rewrittenBy(storage)).toEqual(behindCheckpoint);
  });

  it("leaves no word to another boot, which reads what is on the disk", async () => {
    const storage = await failed("EIO");
    const log = storage.directory?.log(partition);
    await expect(log?.sync()).rejects.toThrow("EIO");
    await storage.clock.settle();
    await storage.close(false);
    expect(await rewrittenBy(rebooted(storage))).toEqual([]);
  });

  it("is made up for at a later try, where the first one fails as well", async () => {
    const storage = await failed("EIO");
    const log = storage.directory?.log(partition);
    await expect(log?.sync()).rejects.toThrow("EIO");
    await storage.clock.settle();
    await storage.close(false);
    storage.disk.rule = ({ operation, path }) =>
      operation === "sync" && path.endsWith(".log.tmp")
        ? { code: "EIO" }
        : null;
    await expect(storage.open()).rejects.toMatchObject({
      code: "storage-offline",
    });
    expect(await rewrittenBy(storage)).toEqual(behindCheckpoint);
  });
});
