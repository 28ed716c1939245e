/** Damage as a disk does it at rest: one bit of a file, and nothing else. */
import type { Disk } from "../../broker/platform/disk.ts";

export async function flipBit(
  disk: Disk,
  path: string,
  position: number,
): Promise<void> {
  const bytes = new Uint8Array((await disk.sizeOf(path)) ?? 0);
  const file = await disk.open(path, "read");
  await file.read(bytes, 0);
  await file.close();
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  const written = await disk.open(path, "create");
  await written.append([bytes]);
  await written.close();
}
