/**
 * The medium of a simulated disk: a tree that outlives the processes which use
 * it, room for so many bytes, and what becomes of all that in a crash.
 *
 *   a process is killed   everything that was handed to the system stays; a
 *                         call under way happened, or not, an append in part
 *   the power fails       besides, what was not synced is there in part, out
 *                         of order, or not at all
 *
 * Paths are slash-separated. Files are renamed within their directory only, as
 * the broker does it: a rename between two could survive by half.
 */
import { DiskError } from "../../broker/platform/disk.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { SimDirectory } from "./sim-directory.ts";
import type { SimNode } from "./sim-directory.ts";
import { SimInode } from "./sim-inode.ts";

export interface SimPlace {
  readonly parent: SimDirectory;
  readonly name: string;
}

export class SimStorage {
  #root = new SimDirectory();
  #inodeCount = 0;
  #bootCount = 1;
  readonly #locks = new Map<string, () => boolean>();
  /** Calls under way, with what happens if their process is killed now. */
  readonly underway = new Set<(random: SeededRandom) => void>();
  /** What all files together may hold. */
  capacitySizeBytes = Number.POSITIVE_INFINITY;

  newInode(): SimInode {
    this.#inodeCount += 1;
    return new SimInode(this.#inodeCount);
  }

  find(path: string): SimNode | null {
    let node: SimNode | null = this.#root;
    for (const name of namesOf(path)) {
      if (!(node instanceof SimDirectory)) return null;
      node = node.get(name);
    }
    return node;
  }

  directoryAt(path: string): SimDirectory {
    const node = this.find(path);
    if (node === null) throw failure("ENOENT", path);
    if (node instanceof SimInode) throw failure("ENOTDIR", path);
    return node;
  }

  placeOf(path: string): SimPlace {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw failure("EINVAL", path);
    return { parent: this.directoryAt(names.join("/")), name };
  }

  createDirectory(path: string): void {
    let directory = this.#root;
    for (const name of namesOf(path)) {
      let next = directory.get(name);
      if (next instanceof SimInode) throw failure("EEXIST", path);
      if (next === null) {
        next = new SimDirectory();
        directory.change([name, next]);
      }
      directory = next;
    }
  }

  /** As many bytes as still fit. */
  get freeSizeBytes(): number {
    if (this.capacitySizeBytes === Number.POSITIVE_INFINITY) {
      return Number.POSITIVE_INFINITY;
    }
    return Math.max(0, this.capacitySizeBytes - this.usedSizeBytes);
  }

  get usedSizeBytes(): number {
    let sizeBytes = 0;
    for (const [, inode] of filesIn(this.#root, "")) {
      sizeBytes += inode.sizeBytes;
    }
    return sizeBytes;
  }

  /** By path, the content of every file below a directory. */
  files(path: string): ReadonlyMap<string, Uint8Array> {
    const node = this.find(path);
    if (!(node instanceof SimDirectory)) return new Map();
    return new Map(
      [...filesIn(node, "")].map(([name, inode]) => [name, inode.content()]),
    );
  }

  /** False where somebody alive holds it. */
  lock(path: string, isHeld: () => boolean): boolean {
    const key = namesOf(path).join("/");
    if (this.#locks.get(key)?.() === true) return false;
    this.#locks.set(key, isHeld);
    return true;
  }

  /** The process that used it was killed. */
  processKilled(random: SeededRandom): void {
    const calls = [...this.underway];
    this.underway.clear();
    for (const atDeath of calls) atDeath(random);
  }

  /** Of the system's present run; the next one comes with the power. */
  get bootId(): string {
    return `boot-${this.#bootCount}`;
  }

  powerFailed(random: SeededRandom): void {
    this.#bootCount += 1;
    this.processKilled(random);
    this.#root.loseUnsynced(random);
  }

  /** The same files in a medium of its own, all of it durable. */
  clone(): SimStorage {
    const copy = new SimStorage();
    copy.#root = this.#root.clone();
    copy.#inodeCount = this.#inodeCount;
    return copy;
  }
}

export function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

export function failure(code: string, path: string, detail = code): DiskError {
  return new DiskError(code, path, detail);
}

function* filesIn(
  directory: SimDirectory,
  prefix: string,
): Generator<readonly [string, SimInode]> {
  for (const [name, node] of directory.entries) {
    const path = prefix === "" ? name : `${prefix}/${name}`;
    if (node instanceof SimInode) yield [path, node];
    else yield* filesIn(node, path);
  }
}
