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

const CHUNK_SIZE_BYTES = 1024 * 1024;

/** The directory is for the caller to sync. Throws `DiskError`. */
export async function rewriteFile(disk: Disk, path: string): Promise<void> {
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
