/**
 * Any disk, with calls that take a random number of turns of the event loop: so
 * calls that are under way at the same time end in any order.
 */
import type { Disk, DiskFile } from "../../broker/platform/disk.ts";
import type { Random } from "../../broker/platform/random.ts";

const TURNS_MAX = 2;

/** `rename` gives each path the one that it has on the disk below. */
export function createJitteryDisk(
  disk: Disk,
  random: Random,
  rename: (path: string) => string = (path) => path,
): Disk {
  const wait = async (): Promise<void> => {
    const turns = Math.floor(random.fraction() * (TURNS_MAX + 1));
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  const jittery = async <Result>(
    call: () => Promise<Result>,
  ): Promise<Result> => {
    await wait();
    const result = await call();
    await wait();
    return result;
  };
  const fileOf = (file: DiskFile): DiskFile => ({
    get sizeBytes() {
      return file.sizeBytes;
    },
    read: (target, position) => jittery(() => file.read(target, position)),
    map: (position, sizeBytes) => file.map(position, sizeBytes),
    warm: (position, sizeBytes) =>
      jittery(() => file.warm(position, sizeBytes)),
    stream: (position, sizeBytes) => file.stream(position, sizeBytes),
    checkFrames: (...range) => jittery(() => file.checkFrames(...range)),
    append: (parts) => jittery(() => file.append(parts)),
    appendSync: (parts) => file.appendSync(parts),
    truncate: (sizeBytes) => jittery(() => file.truncate(sizeBytes)),
    sync: () => jittery(() => file.sync()),
    close: () => jittery(() => file.close()),
  });
  const one =
    <Result>(call: (path: string) => Promise<Result>) =>
    (path: string) =>
      jittery(() => call(rename(path)));
  return {
    open: async (path, mode) =>
      fileOf(await jittery(() => disk.open(rename(path), mode))),
    list: one((path) => disk.list(path)),
    sizeOf: one((path) => disk.sizeOf(path)),
    createDirectory: one((path) => disk.createDirectory(path)),
    rename: (from, to) => jittery(() => disk.rename(rename(from), rename(to))),
    remove: one((path) => disk.remove(path)),
    removeDirectory: one((path) => disk.removeDirectory(path)),
    syncDirectory: one((path) => disk.syncDirectory(path)),
    lock: one((path) => disk.lock(path)),
    bootId: () => disk.bootId(),
  };
}
