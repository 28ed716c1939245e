import { describe, expect, it } from "vitest";
import type { DiskFile } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { createDeferred } from "../../../broker/storage/deferred.ts";
import { JobQueue } from "../../../broker/storage/job-queue.ts";
import { GroupCommit } from "../../../broker/storage/sync-policy.ts";
import { TestStorage, append, batchOf, logPath } from "./support.ts";

/** A sync that ends when the test says so. */
function heldSync() {
  const running: { finish: () => void; fail: (error: Error) => void }[] = [];
  let writtenOffset = 0;
  return {
    running,
    write: (offset: number) => {
      writtenOffset = offset;
    },
    sync: () => {
      const reaches = writtenOffset;
      const { promise, resolve, reject } = createDeferred();
      running.push({ finish: resolve, fail: reject });
      return promise.then(() => reaches);
    },
  };
}

/** Every sync and asynchronous write of the log ends when the test says so. */
class HeldDisk extends MemoryDisk {
  readonly syncs: (() => void)[] = [];
  readonly writes: (() => void)[] = [];
  /** What the file held when each sync began. */
  readonly syncedSizes: number[] = [];

  override async open(
    path: string,
    mode: "read" | "append" | "create",
  ): Promise<DiskFile> {
    const file = await super.open(path, mode);
    if (path !== logPath) return file;
    const sync = async (): Promise<void> => {
      this.syncedSizes.push(file.sizeBytes);
      await new Promise<void>((resolve) => this.syncs.push(resolve));
    };
    const write = async (parts: readonly Uint8Array[]): Promise<void> => {
      await new Promise<void>((resolve) => this.writes.push(resolve));
      await file.append(parts);
    };
    return new Proxy(file, {
      get(_file, name) {
        if (name === "sync") return sync;
        if (name === "append") return write;
        const value: unknown = Reflect.get(file, name, file);
        return typeof value === "function"
          ? (value.bind(file) as unknown)
          : value;
      },
    });
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("group commit", () => {
  it("answers everything written while a sync ran with the next one", async () => {
    const held = heldSync();
    const commit = new GroupCommit(new JobQueue(2), held.sync, 0);
    const done: number[] = [];
    const wait = (offset: number) => {
      held.write(offset);
      void commit.wait(offset).then(() => done.push(offset));
    };
    wait(1);
    wait(2);
    wait(3);
    await turn();
    expect(held.running.length).toBe(1);
    held.running[0]?.finish();
    await turn();
    expect(done).toEqual([1]);
    held.running[1]?.finish();
    await turn();
    expect(done.toSorted()).toEqual([1, 2, 3]);
    expect(held.running.length).toBe(2);
  });

  it("never takes a sync that already runs for its own", async () => {
    const held = heldSync();
    const commit = new GroupCommit(new JobQueue(2), held.sync, 0);
    held.write(1);
    void commit.wait(1);
    await turn();
    held.write(2);
    let isDone = false;
    void commit.wait(2).then(() => (isDone = true));
    held.running[0]?.finish();
    await turn();
    expect(isDone).toBe(false);
    held.running[1]?.finish();
    await turn();
    expect(isDone).toBe(true);
  });

  /**
   *   write A, sync 1 for A, write B, write C begins, sync 2 for B begins,
   *   write C ends, sync 2 ends        // C is not on the disk
   */
  it("syncs again for a write that was under way when the last sync began", async () => {
    const disk = new HeldDisk();
    const log = await new TestStorage({}, {}, disk).open();
    const settle = async () => {
      for (let turns = 0; turns < 10; turns++) await turn();
    };
    const write = (value: string) => {
      const result = log.append(batchOf(value));
      if (result.error !== null) throw new Error(result.error);
      return result.durable();
    };
    const durable = [write("a")];
    await settle();
    durable.push(write("b"));
    await settle();
    disk.writes.shift()?.();
    await settle();
    let isDurable = false;
    durable.push(write("c").then(() => void (isDurable = true)));
    await settle();
    disk.syncs.shift()?.();
    await settle();
    disk.writes.shift()?.();
    await settle();
    disk.syncs.shift()?.();
    await settle();
    expect(isDurable).toBe(false);
    const sizeBytes = 3 * batchOf("a").length;
    expect(disk.syncedSizes.at(-1)).toBe(sizeBytes);
    disk.syncs.shift()?.();
    await Promise.all(durable);
  });

  it("tells a failure to all who wait", async () => {
    const held = heldSync();
    const commit = new GroupCommit(new JobQueue(2), held.sync, 0);
    const first = commit.request();
    await turn();
    const second = commit.request();
    held.running[0]?.fail(new Error("broken"));
    await expect(first).rejects.toThrow("broken");
    await expect(second).rejects.toThrow("broken");
  });

  it("keeps two syncs of a disk under way and no more", async () => {
    const held = heldSync();
    const queue = new JobQueue(2);
    for (let index = 0; index < 5; index++) {
      void new GroupCommit(queue, held.sync, 0).request();
    }
    await turn();
    expect(held.running.length).toBe(2);
    held.running[0]?.finish();
    await turn();
    expect(held.running.length).toBe(3);
  });
});

describe("a durable append", () => {
  it("syncs the file, its directory for the new file, and the data directory for the new partition", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    storage.syncedPaths.length = 0;
    await (await append(log, "a")).durable();
    expect(storage.syncedPaths).toEqual([logPath, "/data/orders-3", "/data"]);
    storage.syncedPaths.length = 0;
    await (await append(log, "b")).durable();
    expect(storage.syncedPaths).toEqual([logPath]);
  });

  it("shares one sync with all that were written before it", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    await (await append(log, "a")).durable();
    storage.syncedPaths.length = 0;
    const results = ["b", "c", "d"].map((value) => log.append(batchOf(value)));
    await Promise.all(
      results.map((result) =>
        result.error === null ? result.durable() : null,
      ),
    );
    expect(storage.syncedPaths).toEqual([logPath]);
  });

  it("covers a segment that was sealed since", async () => {
    const storage = new TestStorage({ segmentSizeBytes: 150 });
    const log = await storage.open();
    for (const value of ["a", "b", "c"]) await append(log, value);
    await log.sync();
    expect(storage.syncedPaths).toContain(logPath);
    expect(storage.syncedPaths).toContain(
      "/data/orders-3/00000000000000000002.log",
    );
  });

  it("waits, as a duplicate, for the sync that covers its original", async () => {
    const storage = new TestStorage();
    const log = await storage.open();
    const batch = {
      values: ["a"],
      producer: { id: 7, epoch: 0, baseSequence: 0 },
    };
    const original = log.append(batchOf(batch));
    const duplicate = log.append(batchOf(batch));
    expect(duplicate).toMatchObject({
      error: null,
      baseOffset: 0,
      isDuplicate: true,
    });
    storage.syncedPaths.length = 0;
    if (duplicate.error === null) await duplicate.durable();
    expect(storage.syncedPaths).toContain(logPath);
    expect(original).toMatchObject({ error: null, isDuplicate: false });
    expect(log.endOffset).toBe(1);
  });

  it("is seen only after its sync where visibility is durable", async () => {
    const storage = new TestStorage({}, { visibility: "durable" });
    const log = await storage.open();
    const result = await append(log, "a");
    const seen = log.highWatermark;
    await result.durable();
    expect([seen, log.highWatermark]).toEqual([0, 1]);
  });

  it("is due after flush.messages records, before the answer", async () => {
    const storage = new TestStorage({ flushMessages: 2 });
    const log = await storage.open();
    storage.syncedPaths.length = 0;
    await append(log, "a");
    expect(storage.syncedPaths).toEqual([]);
    await append(log, "b");
    expect(storage.syncedPaths).toContain(logPath);
  });

  it("is due after flush.ms", async () => {
    const storage = new TestStorage({ flushMs: 100 });
    const log = await storage.open();
    await append(log, "a");
    storage.syncedPaths.length = 0;
    await storage.clock.advanceAndSettle(99);
    expect(storage.syncedPaths).toEqual([]);
    await storage.clock.advanceAndSettle(1);
    expect(storage.syncedPaths).toContain(logPath);
  });
});
