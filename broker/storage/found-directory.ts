/**
 * Takes a data directory and reads what stands in it besides the partitions
 * themselves: whose it is, how it was left, and which partitions there are.
 *
 * The marker of a clean stop is taken away here, before anything is written.
 */
import type { Clock } from "../platform/clock.ts";
import type { Disk, DiskLock } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import { readBootRecord } from "./boot-record.ts";
import type { BootRecord } from "./boot-record.ts";
import { identifyDirectory } from "./directory-identity.ts";
import {
  CLEAN_SHUTDOWN_FILE,
  LOCK_FILE,
  isDeletedDirectoryName,
  joinPath,
  parsePartitionDirectoryName,
} from "./layout.ts";
import type { MetaProperties } from "./meta-properties.ts";
import { readOffsetCheckpoints } from "./offset-checkpoints.ts";
import type { OffsetCheckpoints } from "./offset-checkpoints.ts";
import { StorageError } from "./storage-error.ts";

export interface StoragePlatform {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

export interface FoundDirectory {
  readonly path: string;
  readonly lock: DiskLock;
  readonly meta: MetaProperties;
  readonly boot: BootRecord;
  readonly checkpoints: OffsetCheckpoints;
  /** Of the partitions' directories. */
  readonly names: Set<string>;
  /** The last stop was clean, or nothing was ever written. */
  readonly isClean: boolean;
}

interface FindOptions {
  readonly clusterId: string | null;
  readonly nodeId: number;
  readonly onDamage?: (fault: StorageError) => void;
}

/** Locked, and created where it was missing. Throws `StorageError`, `DiskError`. */
export async function findDirectory(
  path: string,
  platform: StoragePlatform,
  options: FindOptions,
): Promise<FoundDirectory> {
  const { disk } = platform;
  await disk.createDirectory(path);
  const locked = await disk.lock(joinPath(path, LOCK_FILE));
  if (locked.error !== null) {
    const { holderPid } = locked;
    const holder =
      holderPid === null ? "another process" : `process ${holderPid}`;
    const detail = `${holder} has this data directory open`;
    throw new StorageError("directory-locked", path, detail);
  }
  const { lock } = locked;
  try {
    return { lock, ...(await readDirectory(path, platform, options)) };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function readDirectory(
  path: string,
  { disk, random }: StoragePlatform,
  options: FindOptions,
): Promise<Omit<FoundDirectory, "lock">> {
  const meta = await identifyDirectory(disk, path, random, options);
  const names = new Set<string>();
  let isMarked = false;
  for (const { name, isDirectory } of await disk.list(path)) {
    if (name === CLEAN_SHUTDOWN_FILE) isMarked = true;
    if (!isDirectory) continue;
    // A deletion that a stop cut short.
    if (isDeletedDirectoryName(name)) {
      await disk.removeDirectory(joinPath(path, name));
    } else if (parsePartitionDirectoryName(name) !== null) names.add(name);
  }
  if (isMarked) {
    await disk.remove(joinPath(path, CLEAN_SHUTDOWN_FILE));
    await disk.syncDirectory(path);
  }
  const isClean = isMarked || names.size === 0;
  const boot = await readBootRecord(disk, path);
  // What was closed cleanly is not in doubt, whatever the boot.
  if (isClean) await boot.record();
  const { onDamage } = options;
  const checkpoints = await readOffsetCheckpoints(disk, path, names, onDamage);
  return { path, meta, boot, checkpoints, names, isClean };
}
