/**
 * Snapshots as files, named and made like Kafka's (KIP-630):
 *
 *   00000000000000012345-0000000000.checkpoint
 *   endOffset, 20 digits  epoch, 10 digits (0 here)
 *
 * with record batches inside. Written beside its place, synced, renamed, and
 * the directory synced: so what has the name is whole. Only then older ones go.
 */
import { DiskError, type Disk } from "../platform/disk.ts";
import type { Snapshot, SnapshotStore } from "./machine-log.ts";

const NAME = /^(\d{20})-(\d{10})\.checkpoint$/;
const TEMPORARY_SUFFIX = ".part";

export function createSnapshotFiles(
  disk: Disk,
  directory: string,
): SnapshotStore {
  return {
    load: () => loadNewest(disk, directory),
    save: (snapshot) => save(disk, directory, snapshot),
  };
}

async function loadNewest(
  disk: Disk,
  directory: string,
): Promise<Snapshot | null> {
  const names = await namesIn(disk, directory);
  // The digits sort as the numbers do.
  const name = names
    .filter((entry) => NAME.test(entry))
    .sort()
    .at(-1);
  if (name === undefined) return null;
  const file = await disk.open(`${directory}/${name}`, "read");
  try {
    const bytes = new Uint8Array(file.sizeBytes);
    const sizeBytes = await file.read(bytes, 0);
    return {
      endOffset: endOffsetOf(name),
      bytes: bytes.subarray(0, sizeBytes),
    };
  } finally {
    await file.close();
  }
}

async function save(
  disk: Disk,
  directory: string,
  { endOffset, bytes }: Snapshot,
): Promise<void> {
  const name = `${String(endOffset).padStart(20, "0")}-${"0".repeat(10)}.checkpoint`;
  const path = `${directory}/${name}`;
  const temporaryPath = path + TEMPORARY_SUFFIX;
  try {
    const file = await disk.open(temporaryPath, "create");
    try {
      await file.append([bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(temporaryPath, path);
  } catch (error) {
    // Room on a full disk is worth more than half a snapshot.
    await disk.remove(temporaryPath);
    throw error;
  }
  await disk.syncDirectory(directory);
  for (const old of await namesIn(disk, directory)) {
    const isOurs = NAME.test(old.replace(TEMPORARY_SUFFIX, ""));
    if (isOurs && old !== name) await disk.remove(`${directory}/${old}`);
  }
}

/** None where the directory itself is not there yet. */
async function namesIn(
  disk: Disk,
  directory: string,
): Promise<readonly string[]> {
  try {
    return (await disk.list(directory)).map(({ name }) => name);
  } catch (error) {
    if (error instanceof DiskError && error.code === "ENOENT") return [];
    throw error;
  }
}

function endOffsetOf(name: string): number {
  return Number(NAME.exec(name)?.[1]);
}

/** The end offset of the snapshot with that name, or null if it is no snapshot's. */
export function parseSnapshotFileName(name: string): number | null {
  const endOffset = endOffsetOf(name);
  return Number.isSafeInteger(endOffset) ? endOffset : null;
}
