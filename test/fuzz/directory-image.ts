/** All files of a memory disk as bytes, and a disk made of them: so that one is written once and damaged often. */
import type { Disk } from "../../broker/platform/disk.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";

/** By path. A directory without files is not kept. */
export type Image = ReadonlyMap<string, Uint8Array>;

export async function imageOf(disk: Disk, directory = ""): Promise<Image> {
  const image = new Map<string, Uint8Array>();
  for (const { name, isDirectory } of await disk.list(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) {
      for (const [inner, bytes] of await imageOf(disk, path)) {
        image.set(inner, bytes);
      }
    } else {
      image.set(path, await contentOf(disk, path));
    }
  }
  return image;
}

export async function diskOf(image: Image): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  for (const [path, bytes] of image) {
    await disk.createDirectory(path.slice(0, path.lastIndexOf("/")));
    const file = await disk.open(path, "create");
    await file.append([bytes]);
    await file.close();
  }
  return disk;
}

async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, "read");
  const bytes = new Uint8Array(file.sizeBytes);
  await file.read(bytes, 0);
  await file.close();
  return bytes;
}
