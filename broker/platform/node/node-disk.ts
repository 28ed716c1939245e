/**
 * The machine's file system.
 *
 * What is created here is private to its owner: directories have mode 0700,
 * files 0600. Descriptors are closed in child processes (Node opens everything
 * so). libuv's threads belong to the embedder too, so syncs and read-aheads of
 * all files of one disk share a few slots.
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { DiskError } from "../disk.ts";
import type { Disk, DiskEntry, DiskFile, LockResult } from "../disk.ts";
import { takeFileLock } from "./file-lock.ts";
import type { MapProvider } from "./mmap/map.ts";
import { defaultWindowLimits, WindowCache } from "./mmap/window-cache.ts";
import { diskErrorOf } from "./disk-error.ts";
import { FrameChecker } from "./frame-checker.ts";
import { NodeFile } from "./node-file.ts";
import type { FileContext } from "./node-file.ts";
import { Slots } from "./slots.ts";

/** Two of libuv's four threads may wait for the disk to sync, one for a cold page. */
const SYNC_COUNT_MAX = 2;
const READ_AHEAD_COUNT_MAX = 1;

const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";

const openFile = promisify(fs.open);
const closeFile = promisify(fs.close);
const statFile = promisify(fs.fstat);
const syncFile = promisify(fs.fsync);

export class NodeDisk implements Disk {
  readonly #context: FileContext;

  /** `mappedSizeBytesMax`: of all windows that are kept for later. */
  constructor(
    maps: MapProvider,
    mappedSizeBytesMax = defaultWindowLimits.cacheSizeBytesMax,
  ) {
    this.#context = {
      windows: new WindowCache(maps, {
        ...defaultWindowLimits,
        cacheSizeBytesMax: mappedSizeBytesMax,
      }),
      syncs: new Slots(SYNC_COUNT_MAX),
      readAheads: new Slots(READ_AHEAD_COUNT_MAX),
      frames: new FrameChecker(),
    };
  }

  async open(
    path: string,
    mode: "read" | "append" | "create",
  ): Promise<DiskFile> {
    const { O_RDONLY, O_RDWR, O_CREAT, O_TRUNC } = fs.constants;
    const flags = {
      read: O_RDONLY,
      append: O_RDWR | O_CREAT,
      create: O_RDWR | O_CREAT | O_TRUNC,
    };
    let fd: number | null = null;
    try {
      fd = await openFile(path, flags[mode], 0o600);
      const { size, uid } = await statFile(fd);
      return new NodeFile(this.#context, {
        fd,
        path,
        sizeBytes: size,
        canGrow: mode !== "read",
        isOwn: uid === process.geteuid?.(),
      });
    } catch (error) {
      if (fd !== null) await closeFile(fd);
      throw diskErrorOf(error, path, "cannot open");
    }
  }

  async list(directory: string): Promise<readonly DiskEntry[]> {
    return attempt(directory, "cannot list", async () => {
      const found = await fs.promises.readdir(directory, {
        withFileTypes: true,
      });
      return found.map((entry) => ({
        name: entry.name,
        isDirectory: entry.isDirectory(),
      }));
    });
  }

  async sizeOf(path: string): Promise<number | null> {
    try {
      const stat = await fs.promises.stat(path);
      return stat.isFile() ? stat.size : null;
    } catch (error) {
      const failure = diskErrorOf(error, path, "cannot look at");
      if (failure.code === "ENOENT" || failure.code === "ENOTDIR") return null;
      throw failure;
    }
  }

  createDirectory(path: string): Promise<void> {
    return attempt(path, "cannot create the directory", () =>
      makeDirectories(path),
    );
  }

  rename(from: string, to: string): Promise<void> {
    return attempt(from, `cannot rename to ${to}`, () =>
      fs.promises.rename(from, to),
    );
  }

  async remove(path: string): Promise<void> {
    try {
      await fs.promises.unlink(path);
    } catch (error) {
      const failure = diskErrorOf(error, path, "cannot remove");
      if (failure.code !== "ENOENT") throw failure;
    }
  }

  removeDirectory(path: string): Promise<void> {
    return attempt(path, "cannot remove the directory", async () => {
      const stat = await fs.promises.lstat(path).catch(orMissing);
      if (stat === null) return;
      if (!stat.isDirectory()) {
        throw new DiskError("ENOTDIR", path, "cannot remove the directory");
      }
      await fs.promises.rm(path, { recursive: true, force: true });
    });
  }

  syncDirectory(directory: string): Promise<void> {
    // Windows cannot open a directory; its renames are in the file system's journal.
    if (process.platform === "win32") return Promise.resolve();
    return attempt(directory, "cannot sync the directory", async () => {
      const fd = await openFile(
        directory,
        fs.constants.O_RDONLY | fs.constants.O_DIRECTORY,
      );
      try {
        await this.#context.syncs.run(() => syncFile(fd));
      } finally {
        await closeFile(fd);
      }
    });
  }

  /** Linux tells; elsewhere nothing does without starting a process. */
  async bootId(): Promise<string | null> {
    try {
      const text = await fs.promises.readFile(BOOT_ID_PATH, "utf8");
      return text.trim() || null;
    } catch {
      // Any reason not to know it is good enough: more is checked then.
      return null;
    }
  }

  lock(path: string): Promise<LockResult> {
    return attempt(path, "cannot lock", async () => takeFileLock(path));
  }
}

async function attempt<Result>(
  path: string,
  detail: string,
  action: () => Promise<Result>,
): Promise<Result> {
  try {
    return await action();
  } catch (error) {
    throw diskErrorOf(error, path, detail);
  }
}

function orMissing(error: unknown): null {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") {
    return null;
  }
  throw error;
}

/**
 * With the parents that are missing. Node's own recursive `mkdir` never ends
 * where the system refuses with ENOENT below a directory that is there, as in
 * `/proc`: the parent is made once here, and the second refusal is final.
 */
async function makeDirectories(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await makeDirectory(path);
  } catch (error) {
    if (parent === path) throw error;
    orMissing(error);
    await makeDirectories(parent);
    await makeDirectory(path);
  }
}

/** Whatever the system says of one that is there, it is no failure. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await fs.promises.mkdir(path, { mode: 0o700 });
  } catch (error) {
    const there = await fs.promises.stat(path).catch(() => null);
    if (there?.isDirectory() !== true) throw error;
  }
}
