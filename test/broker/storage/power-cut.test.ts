/**
 * Records that were promised to be on the disk, and a power cut that comes at
 * the worst moment and takes whatever was not synced, each by itself.
 */
import { describe, expect, it } from "vitest";
import { parseLeaderEpochs } from "../../../broker/storage/leader-epochs.ts";
import { OffsetCheckpoint } from "../../../broker/storage/offset-checkpoint.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import type { DiskCall } from "../../support/failing-disk.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { PowerCutDisk } from "./compaction/power-cut-disk.ts";
import {
  TestStorage,
  append,
  batchOf,
  partitionPath,
  readAll,
} from "./support.ts";

const batchSizeBytes = batchOf("a").length;

function cutAtRandom(disk: PowerCutDisk, seed: number): void {
  const random = new SeededRandom(seed);
  disk.cut(() => random.fraction() < 0.5);
}

/** Fails the first call of this kind, and no other. */
function once(
  operation: DiskCall["operation"],
  part: string,
  code: string,
): (call: DiskCall) => { readonly code: string } | null {
  let isDue = true;
  return (call) => {
    const isIt = call.operation === operation && call.path.includes(part);
    if (!isIt || !isDue) return null;
    isDue = false;
    return { code };
  };
}

const seeds = Array.from({ length: 32 }, (_, seed) => seed);

describe("after a power cut", () => {
  it("a segment that was begun in vain does not cut off what went into the one before", async () => {
    for (const seed of seeds) {
      const disk = new PowerCutDisk();
      const config = { segmentSizeBytes: 4 * batchSizeBytes };
      const storage = new TestStorage(config, {}, disk);
      const log = await storage.open();
      await append(log, "a");
      await (await append(log, "b")).durable();
      storage.disk.rule = once("append", "0002.log", "ENOSPC");
      const large = "x".repeat(2 * batchSizeBytes);
      await expect(append(log, large)).rejects.toMatchObject({
        code: "storage-full",
      });
      await (await append(log, "c")).durable();
      expect(await storage.names()).not.toContain("00000000000000000002.log");
      cutAtRandom(disk, seed);
      storage.directory = null;
      const again = await storage.open();
      expect(await readAll(again)).toEqual(["0:a", "1:b", "2:c"]);
    }
  });
});

describe("the leader epochs' file", () => {
  it("is synced before the recovery checkpoint counts on it, also when there were no descriptors at first", async () => {
    const storage = new TestStorage();
    await append(await storage.open(), "a");
    storage.disk.rule = once("open", "leader-epoch-checkpoint", "EMFILE");
    storage.clock.advance(30_000);
    await storage.clock.settle();
    storage.watchSyncs();
    storage.clock.advance(30_000);
    await storage.clock.settle();
    expect(
      await storage.memory.sizeOf("/data/recovery-point-offset-checkpoint"),
    ).not.toBe(null);
    expect(storage.syncedPaths).toContain(
      `${partitionPath}/leader-epoch-checkpoint`,
    );
  });

  it("is not believed where any of its end is missing", () => {
    const bytes = new TextEncoder().encode("0\n2\n0 0\n7 1234\n");
    const whole = parseLeaderEpochs(bytes, "epochs").starts();
    expect(whole).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 7, startOffset: 1234 },
    ]);
    for (let size = 0; size < bytes.length; size++) {
      const torn = bytes.subarray(0, size);
      expect(() => parseLeaderEpochs(torn, "epochs")).toThrow("corrupt-file");
    }
  });
});

describe("an offset checkpoint", () => {
  it("is not saved while the save under way fails: a new partition must not get what the old one was promised", async () => {
    const disk = new FailingDisk(new MemoryDisk());
    await disk.createDirectory("/data");
    const place = { directory: "/data", name: "checkpoint" };
    const old = { topic: "old", partition: 0 };
    const other = { topic: "other", partition: 0 };
    const checkpoint = new OffsetCheckpoint(disk, place, []);
    await checkpoint.set(old, 500);
    checkpoint.forget(old);
    disk.rule = once("append", "checkpoint", "ENOSPC");
    const failing = checkpoint.set(other, 1);
    // It takes the change along, but comes to nothing.
    await Promise.resolve();
    await Promise.resolve();
    const saved = checkpoint.save();
    await expect(failing).rejects.toMatchObject({ code: "ENOSPC" });
    await saved;
    const file = await disk.open("/data/checkpoint", "read");
    const bytes = new Uint8Array(file.sizeBytes);
    await file.read(bytes, 0);
    expect(new TextDecoder().decode(bytes)).toBe("0\n1\nother 0 1\n");
  });
});
