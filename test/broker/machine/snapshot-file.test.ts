import { expect, test } from "vitest";
import { createSnapshotFiles } from "../../../broker/machine/snapshot-file.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";

const DIRECTORY = "/data/__cluster_metadata-0";

async function diskWithDirectory(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.createDirectory(DIRECTORY);
  return disk;
}

async function namesOn(disk: MemoryDisk): Promise<string[]> {
  return (await disk.list(DIRECTORY)).map(({ name }) => name);
}

test("a directory that is not there has no snapshot", async () => {
  const files = createSnapshotFiles(new MemoryDisk(), DIRECTORY);
  expect(await files.load()).toBeNull();
});

test("what was saved is loaded, under Kafka's name", async () => {
  const disk = await diskWithDirectory();
  const files = createSnapshotFiles(disk, DIRECTORY);
  await files.save({ endOffset: 12_345, bytes: Buffer.from("batches") });
  expect(await namesOn(disk)).toEqual([
    "00000000000000012345-0000000000.checkpoint",
  ]);
  const loaded = await files.load();
  expect(loaded?.endOffset).toBe(12_345);
  expect(Buffer.from(loaded?.bytes ?? []).toString()).toBe("batches");
});

test("a newer snapshot takes the place of older ones, whole or half written", async () => {
  const disk = await diskWithDirectory();
  const files = createSnapshotFiles(disk, DIRECTORY);
  await files.save({ endOffset: 9, bytes: Buffer.from("old") });
  const half = await disk.open(
    `${DIRECTORY}/00000000000000000012-0000000000.checkpoint.part`,
    "create",
  );
  await half.append([Buffer.from("ha")]);
  await half.close();
  const stranger = await disk.open(`${DIRECTORY}/0.log`, "create");
  await stranger.close();
  expect((await files.load())?.endOffset).toBe(9);

  await files.save({ endOffset: 100, bytes: Buffer.from("new") });
  expect((await namesOn(disk)).sort()).toEqual([
    "0.log",
    "00000000000000000100-0000000000.checkpoint",
  ]);
});

test("on a full disk the snapshot before stays, and nothing half written", async () => {
  const disk = new MemoryDisk({ capacitySizeBytes: 100 });
  await disk.createDirectory(DIRECTORY);
  const files = createSnapshotFiles(disk, DIRECTORY);
  await files.save({ endOffset: 9, bytes: new Uint8Array(50) });
  await expect(
    files.save({ endOffset: 10, bytes: new Uint8Array(80) }),
  ).rejects.toMatchObject({ code: "ENOSPC" });
  expect(await namesOn(disk)).toEqual([
    "00000000000000000009-0000000000.checkpoint",
  ]);
});
