/**
 * Writes a file's content to the disk once more, under a name of its own, and
 * puts that in its place.
 *
 * After a sync has failed, the system may keep what it could not write as if it
 * had: reading shows it, the next sync finds nothing to do and succeeds, and a
 * power cut takes it. What is written anew is synced for certain, or fails again.
 */
import type { Disk } from "../platform/disk.ts";
import { TEMPORARY_SUFFIX } from "./layout.ts";
import { writeFault } from "./storage-error.ts";

const CHUNK_SIZE_BYTES = 1024 * 1024;

/** Files of logs that failed, with bytes that may not be on the disk though they can be read. */
export class SuspectFiles {
  readonly #disk: Disk;
  /** By the partition's directory. */
  readonly #paths = new Map<string, Set<string>>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Until `forget`, whatever becomes of the tries to open the partition. */
  add(directory: string, paths: readonly string[]): void {
    const known = this.#paths.get(directory) ?? [];
    this.#paths.set(directory, new Set([...known, ...paths]));
  }

  has(directory: string): boolean {
    return this.#paths.has(directory);
  }

  forget(directory: string): void {
    this.#paths.delete(directory);
  }

  /** Throws `StorageError`. */
  async rewrite(directory: string): Promise<void> {
    try {
      for (const path of this.#paths.get(directory) ?? []) {
        await rewriteFile(this.#disk, path);
      }
    } catch (error) {
      throw writeFault(directory, error);
    }
  }
}

/** The directory is for the caller to sync. Throws `DiskError`. */
async function rewriteFile(disk: Disk, path: string): Promise<void> {
  if ((await disk.sizeOf(path)) === null) return;
  const temporaryPath = path + TEMPORARY_SUFFIX;
  const from = await disk.open(path, "read");
  try {
    const to = await disk.open(temporaryPath, "create");
    try {
      for (let position = 0; position < from.sizeBytes;) {
        const chunk = new Uint8Array(
          Math.min(CHUNK_SIZE_BYTES, from.sizeBytes - position),
        );
        const sizeRead = await from.read(chunk, position);
        if (sizeRead === 0) break;
        await to.append([chunk.subarray(0, sizeRead)]);
        position += sizeRead;
      }
      await to.sync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
  await disk.rename(temporaryPath, path);
}
