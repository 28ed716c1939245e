/**
 * A stopped data directory, kept from being started while somebody works on it.
 * Its faults have the names that the broker's have.
 */
import { BrokerError } from "../errors.ts";
import { type Disk, DiskError } from "../platform/disk.ts";
import {
  FORMAT_FILE,
  joinPath,
  LOCK_FILE,
  META_PROPERTIES_FILE,
  parsePartitionDirectoryName,
} from "../storage/layout.ts";
import { StorageError } from "../storage/storage-error.ts";

/** Throws `BrokerError`: `directory-in-use`, `directory-too-new`, `directory-unusable`. */
export async function withLockedDirectory<Result>(
  disk: Disk,
  path: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    await checkIsDataDirectory(disk, path);
    const locked = await disk.lock(joinPath(path, LOCK_FILE));
    if (locked.error !== null) {
      const { holderPid } = locked;
      const holder =
        holderPid === null ? "another process" : `process ${holderPid}`;
      throw new BrokerError(
        "directory-in-use",
        `${path}: ${holder} has this data directory open`,
      );
    }
    try {
      return await work();
    } finally {
      await locked.lock.release();
    }
  } catch (error) {
    throw namedFault(error);
  }
}

/** Before the lock, which would leave a file in whatever directory it is. */
async function checkIsDataDirectory(disk: Disk, path: string): Promise<void> {
  const entries = await disk.list(path);
  const isOne = entries.some(({ name, isDirectory }) =>
    isDirectory
      ? parsePartitionDirectoryName(name) !== null
      : name === FORMAT_FILE || name === META_PROPERTIES_FILE,
  );
  if (isOne) return;
  throw new BrokerError(
    "directory-unusable",
    `${path} is no data directory: it has no ${META_PROPERTIES_FILE} and no partitions`,
  );
}

function namedFault(error: unknown): unknown {
  if (error instanceof DiskError) {
    return new BrokerError("directory-unusable", error.message, error);
  }
  if (!(error instanceof StorageError)) return error;
  const code =
    error.code === "format-too-new"
      ? "directory-too-new"
      : "directory-unusable";
  return new BrokerError(code, error.message, error);
}
