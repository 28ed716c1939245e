/**
 * A disk in this process's memory: for a broker without a data directory, and
 * for tests.
 *
 * Nothing here fails but what a healthy disk can refuse: a missing file, and,
 * where a capacity is given, `ENOSPC` after as many bytes as still fit (which
 * is what a real append does on a full disk). What a power cut may undo is not
 * its concern: everything counts as durable at once.
 *
 * Paths are slash-separated; directories must exist before files in them.
 */
import { DiskError } from "../disk.ts";
import type { Disk, DiskEntry, DiskFile, LockResult } from "../disk.ts";
import { MemoryFile, MemoryFileHandle } from "./memory-file.ts";
import type { Space } from "./memory-file.ts";

export interface MemoryDiskOptions {
  /** What all files together may hold; unlimited by default. */
  readonly capacitySizeBytes?: number;
  /** What `bootId` answers; none by default, so that everything is checked. */
  readonly bootId?: string;
}

type Directory = Map<string, Node>;
type Node = MemoryFile | Directory;

export class MemoryDisk implements Disk {
  readonly #root: Directory = new Map();
  readonly #space: Space;
  readonly #locked = new Set<string>();
  readonly #bootId: string | null;

  constructor(options: MemoryDiskOptions = {}) {
    this.#space = {
      freeSizeBytes: options.capacitySizeBytes ?? Number.POSITIVE_INFINITY,
    };
    this.#bootId = options.bootId ?? null;
  }

  async open(
    path: string,
    mode: "read" | "append" | "create",
  ): Promise<DiskFile> {
    const { parent, name } = this.#placeOf(path);
    const found = parent.get(name);
    if (found instanceof Map) throw failure("EISDIR", path);
    if (found === undefined && mode === "read") throw failure("ENOENT", path);
    const file = found ?? new MemoryFile(this.#space);
    if (found === undefined) parent.set(name, file);
    else if (mode === "create") file.truncate(0);
    return new MemoryFileHandle(file, path, mode !== "read");
  }

  async list(directory: string): Promise<readonly DiskEntry[]> {
    const entries: DiskEntry[] = [];
    for (const [name, node] of this.#directoryAt(directory)) {
      entries.push({ name, isDirectory: node instanceof Map });
    }
    return entries;
  }

  async sizeOf(path: string): Promise<number | null> {
    const node = this.#find(path);
    return node instanceof MemoryFile ? node.sizeBytes : null;
  }

  async createDirectory(path: string): Promise<void> {
    let directory = this.#root;
    for (const name of namesOf(path)) {
      const next = directory.get(name) ?? new Map<string, Node>();
      if (next instanceof MemoryFile) throw failure("EEXIST", path);
      directory.set(name, next);
      directory = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#placeOf(from);
    const target = this.#placeOf(to);
    const node = source.parent.get(source.name);
    if (node === undefined) throw failure("ENOENT", from);
    const replaced = target.parent.get(target.name);
    if (replaced === node) return;
    // As the system call does: a file replaces a file, a directory replaces
    // only an empty directory.
    if (replaced instanceof Map) {
      if (!(node instanceof Map)) throw failure("EISDIR", to);
      if (replaced.size > 0) throw failure("ENOTEMPTY", to);
    } else if (replaced !== undefined) {
      if (node instanceof Map) throw failure("ENOTDIR", to);
      replaced.unlink();
    }
    source.parent.delete(source.name);
    target.parent.set(target.name, node);
  }

  async remove(path: string): Promise<void> {
    const { parent, name } = this.#placeOf(path);
    const node = parent.get(name);
    if (node === undefined) return;
    if (node instanceof Map) throw failure("EISDIR", path);
    parent.delete(name);
    node.unlink();
  }

  async removeDirectory(path: string): Promise<void> {
    const node = this.#find(path);
    if (node === null) return;
    if (node instanceof MemoryFile) throw failure("ENOTDIR", path);
    unlinkAll(node);
    const { parent, name } = this.#placeOf(path);
    parent.delete(name);
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#directoryAt(directory);
  }

  async bootId(): Promise<string | null> {
    return this.#bootId;
  }

  async lock(path: string): Promise<LockResult> {
    this.#placeOf(path);
    const key = namesOf(path).join("/");
    // The holder can only be this process, and memory has no process ids.
    if (this.#locked.has(key)) return { error: "held", holderPid: null };
    this.#locked.add(key);
    return {
      error: null,
      lock: {
        release: async () => {
          this.#locked.delete(key);
        },
      },
    };
  }

  #find(path: string): Node | null {
    let node: Node = this.#root;
    for (const name of namesOf(path)) {
      if (node instanceof MemoryFile) return null;
      const next = node.get(name);
      if (next === undefined) return null;
      node = next;
    }
    return node;
  }

  #directoryAt(path: string): Directory {
    const node = this.#find(path);
    if (node === null) throw failure("ENOENT", path);
    if (node instanceof MemoryFile) throw failure("ENOTDIR", path);
    return node;
  }

  /** The directory that holds the path's last name, which need not exist itself. */
  #placeOf(path: string): {
    readonly parent: Directory;
    readonly name: string;
  } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw failure("EISDIR", path);
    const parent = this.#find(names.join("/"));
    if (parent === null) throw failure("ENOENT", path);
    if (parent instanceof MemoryFile) throw failure("ENOTDIR", path);
    return { parent, name };
  }
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function unlinkAll(directory: Directory): void {
  for (const node of directory.values()) {
    if (node instanceof Map) unlinkAll(node);
    else node.unlink();
  }
}

function failure(code: string, path: string): DiskError {
  return new DiskError(code, path, "memory disk");
}
