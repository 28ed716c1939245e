/**
 * A disk in memory that forgets in a power cut what was not synced: bytes behind
 * the last sync of their file, and any of the names that were made, changed or
 * removed since the last sync of the directory, each by itself.
 */
import { DiskError } from "../../../../broker/platform/disk.ts";
import type {
  Disk,
  DiskEntry,
  DiskFile,
  LockResult,
} from "../../../../broker/platform/disk.ts";
import {
  MemoryFile,
  MemoryFileHandle,
} from "../../../../broker/platform/memory/memory-file.ts";

type Names = Map<string, MemoryFile>;

interface Change {
  readonly directory: string;
  readonly apply: (names: Names) => void;
}

export class PowerCutDisk implements Disk {
  readonly #directories = new Set<string>([""]);
  readonly #synced = new Map<MemoryFile, number>();
  #names: Names = new Map();
  #durable: Names = new Map();
  #changes: Change[] = [];
  #cutCount = 0;

  /** What is left; `keeps` says of each change, and of half the bytes, whether it had reached the disk. */
  cut(keeps: () => boolean): void {
    for (const { apply } of this.#changes) if (keeps()) apply(this.#durable);
    this.#cutCount++;
    this.#changes = [];
    this.#names = new Map(this.#durable);
    for (const file of new Set(this.#names.values())) {
      const synced = this.#synced.get(file) ?? 0;
      if (!keeps()) file.truncate(synced);
      else if (!keeps()) {
        file.truncate(synced + Math.floor((file.sizeBytes - synced) / 2));
      }
    }
  }

  async open(
    path: string,
    mode: "read" | "append" | "create",
  ): Promise<DiskFile> {
    let file = this.#names.get(path);
    if (file === undefined) {
      if (mode === "read") throw missing(path);
      const created = new MemoryFile({ freeSizeBytes: 2 ** 40 });
      this.#change(path, (names) => names.set(path, created));
      file = created;
    } else if (mode === "create") {
      file.truncate(0);
      this.#synced.set(file, 0);
    }
    const opened = file;
    return new SyncedHandle(opened, path, mode !== "read", (sizeBytes) => {
      this.#synced.set(opened, sizeBytes);
    });
  }

  async list(directory: string): Promise<readonly DiskEntry[]> {
    const entries: DiskEntry[] = [];
    for (const path of this.#names.keys()) {
      if (directoryOf(path) === directory) {
        entries.push({ name: nameOf(path), isDirectory: false });
      }
    }
    for (const path of this.#directories) {
      if (path !== "" && directoryOf(path) === directory) {
        entries.push({ name: nameOf(path), isDirectory: true });
      }
    }
    return entries;
  }

  async sizeOf(path: string): Promise<number | null> {
    return this.#names.get(path)?.sizeBytes ?? null;
  }

  async createDirectory(path: string): Promise<void> {
    this.#directories.add(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#names.get(from);
    if (file === undefined) throw missing(from);
    this.#change(to, (names) => {
      names.delete(from);
      names.set(to, file);
    });
  }

  async remove(path: string): Promise<void> {
    if (this.#names.has(path)) {
      this.#change(path, (names) => names.delete(path));
    }
  }

  async removeDirectory(): Promise<void> {
    throw new Error("nothing here removes a directory");
  }

  async syncDirectory(directory: string): Promise<void> {
    const isIn = (change: Change) => change.directory === directory;
    for (const change of this.#changes) {
      if (isIn(change)) change.apply(this.#durable);
    }
    this.#changes = this.#changes.filter((change) => !isIn(change));
  }

  async bootId(): Promise<string> {
    return `boot ${this.#cutCount}`;
  }

  async lock(): Promise<LockResult> {
    return { error: null, lock: { release: async () => {} } };
  }

  #change(path: string, apply: Change["apply"]): void {
    apply(this.#names);
    this.#changes.push({ directory: directoryOf(path), apply });
  }
}

class SyncedHandle extends MemoryFileHandle {
  readonly #onSync: (sizeBytes: number) => void;

  constructor(
    file: MemoryFile,
    path: string,
    canGrow: boolean,
    onSync: (sizeBytes: number) => void,
  ) {
    super(file, path, canGrow);
    this.#onSync = onSync;
  }

  override async sync(): Promise<void> {
    await super.sync();
    this.#onSync(this.sizeBytes);
  }
}

function directoryOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function missing(path: string): DiskError {
  return new DiskError("ENOENT", path, "power cut disk");
}
