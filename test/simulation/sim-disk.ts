/**
 * A process's view of the simulated medium: every call takes its time, may fail
 * as the world's faults say, and may be under way when the process dies.
 *
 * A call takes effect somewhere between its beginning and its end, as on a
 * thread pool: drawn for each, at the one or at the other.
 */
import type {
  Disk,
  DiskEntry,
  DiskFile,
  LockResult,
} from "../../broker/platform/disk.ts";
import type { SeededRandom } from "../support/seeded-random.ts";
import { SimDirectory } from "./sim-directory.ts";
import { SimFile } from "./sim-file.ts";
import { SimInode } from "./sim-inode.ts";
import type { SimProcess } from "./sim-process.ts";
import { failure, namesOf } from "./sim-storage.ts";
import type { SimStorage } from "./sim-storage.ts";

export type DiskCallKind =
  | "open"
  | "list"
  | "size"
  | "mkdir"
  | "rename"
  | "remove"
  | "syncdir"
  | "lock"
  | "boot"
  | "read"
  | "append"
  | "truncate"
  | "sync"
  | "close";

/** What may go wrong, decided call by call. */
export interface DiskFaults {
  /** The code that the call fails with, or null. */
  codeFor(kind: DiskCallKind): string | null;
  latencyMs(kind: DiskCallKind): number;
  /** Whether the process is killed in the middle of this write. */
  diesInWrite(): boolean;
  /** Whether a range can be mapped. */
  maps(): boolean;
  /** Whether a failed sync loses what it could not write. */
  dropsPages(): boolean;
}

/** One call: `effect` is done once, by the living or, if the process is killed meanwhile, perhaps. */
export interface DiskCall<T> {
  readonly kind: DiskCallKind;
  readonly path: string;
  readonly detail?: string;
  readonly effect: () => T;
  /** What a call that is made to fail has done by then; nothing by default. */
  readonly atFault?: () => void;
  /** Instead of `effect`, when the process is killed meanwhile. */
  readonly atDeath?: (random: SeededRandom) => void;
}

/** Of a dead process. */
export function never<T>(): Promise<T> {
  return new Promise(() => {});
}

export class SimDisk implements Disk {
  readonly process: SimProcess;
  readonly storage: SimStorage;
  readonly faults: DiskFaults;
  /** Kills the process in the middle of a write, at the medium's own risk. */
  readonly kill: () => void;

  constructor(
    process: SimProcess,
    storage: SimStorage,
    faults: DiskFaults,
    kill: () => void,
  ) {
    this.process = process;
    this.storage = storage;
    this.faults = faults;
    this.kill = kill;
  }

  open(path: string, mode: "read" | "append" | "create"): Promise<DiskFile> {
    const effect = (): DiskFile => {
      const { parent, name } = this.storage.placeOf(path);
      const found = parent.get(name);
      if (found instanceof SimDirectory) throw failure("EISDIR", path);
      if (found === null && mode === "read") throw failure("ENOENT", path);
      if (found === null && this.storage.freeSizeBytes <= 0) {
        throw failure("ENOSPC", path);
      }
      const inode = found ?? this.storage.newInode();
      if (found === null) parent.change([name, inode]);
      else if (mode === "create") inode.truncate(0);
      return new SimFile(this, inode, path, mode !== "read");
    };
    return this.call({ kind: "open", path, detail: mode, effect });
  }

  list(directory: string): Promise<readonly DiskEntry[]> {
    const effect = (): readonly DiskEntry[] => {
      const entries: DiskEntry[] = [];
      for (const [name, node] of this.storage.directoryAt(directory).entries) {
        const isDirectory = node instanceof SimDirectory;
        // In no order, as systems list.
        const at = this.process.random.integer(entries.length + 1);
        entries.splice(at, 0, { name, isDirectory });
      }
      return entries;
    };
    return this.call({ kind: "list", path: directory, effect });
  }

  sizeOf(path: string): Promise<number | null> {
    const effect = (): number | null => {
      const node = this.storage.find(path);
      return node instanceof SimInode ? node.sizeBytes : null;
    };
    return this.call({ kind: "size", path, effect });
  }

  createDirectory(path: string): Promise<void> {
    const effect = (): void => this.storage.createDirectory(path);
    return this.call({ kind: "mkdir", path, effect });
  }

  rename(from: string, to: string): Promise<void> {
    const effect = (): void => {
      const source = this.storage.placeOf(from);
      const target = this.storage.placeOf(to);
      const node = source.parent.get(source.name);
      if (node === null) throw failure("ENOENT", from);
      if (source.parent !== target.parent) throw failure("EXDEV", to);
      const replaced = target.parent.get(target.name);
      if (replaced instanceof SimDirectory && replaced.entries.size > 0) {
        throw failure("ENOTEMPTY", to);
      }
      if (source.name === target.name) return;
      source.parent.change([source.name, null], [target.name, node]);
    };
    return this.call({ kind: "rename", path: from, detail: to, effect });
  }

  remove(path: string): Promise<void> {
    const effect = (): void => {
      const { parent, name } = this.storage.placeOf(path);
      const node = parent.get(name);
      if (node instanceof SimDirectory) throw failure("EISDIR", path);
      if (node !== null) parent.change([name, null]);
    };
    return this.call({ kind: "remove", path, effect });
  }

  /** File by file: a crash may come between any two. */
  async removeDirectory(path: string): Promise<void> {
    const node = this.storage.find(path);
    if (node instanceof SimInode) throw failure("ENOTDIR", path);
    if (node === null) return;
    for (const [name, child] of [...node.entries]) {
      const childPath = `${path}/${name}`;
      if (child instanceof SimInode) await this.remove(childPath);
      else await this.removeDirectory(childPath);
    }
    const effect = (): void => {
      const { parent, name } = this.storage.placeOf(path);
      if (node.entries.size > 0) throw failure("ENOTEMPTY", path);
      if (parent.get(name) === node) parent.change([name, null]);
    };
    return this.call({ kind: "remove", path, effect });
  }

  syncDirectory(path: string): Promise<void> {
    let begun: { readonly directory: SimDirectory; readonly count: number };
    return this.call({
      kind: "syncdir",
      path,
      begin: () => {
        const directory = this.storage.directoryAt(path);
        begun = { directory, count: directory.beginSync() };
      },
      effect: () => begun.directory.endSync(begun.count),
    });
  }

  bootId(): Promise<string | null> {
    const effect = (): string => this.storage.bootId;
    return this.call({ kind: "boot", path: "", effect });
  }

  lock(path: string): Promise<LockResult> {
    const effect = (): LockResult => {
      const { parent, name } = this.storage.placeOf(path);
      if (parent.get(name) === null) {
        parent.change([name, this.storage.newInode()]);
      }
      let isHeld = true;
      const holds = (): boolean => isHeld && this.process.isAlive;
      if (!this.storage.lock(path, holds)) {
        return { error: "held", holderPid: null };
      }
      const release = async (): Promise<void> => {
        isHeld = false;
      };
      return { error: null, lock: { release } };
    };
    return this.call({ kind: "lock", path, effect });
  }

  /**
   * Makes one call: after a while it has happened, or failed. `begin` runs at
   * once and cannot fail by itself.
   */
  call<T>(call: DiskCall<T> & { readonly begin?: () => void }): Promise<T> {
    const { process, storage, faults } = this;
    if (!process.isAlive) return never();
    const { kind, path } = call;
    const code = faults.codeFor(kind);
    const detail = call.detail === undefined ? "" : ` ${call.detail}`;
    const what = `${namesOf(path).slice(1).join("/")}${detail}`;
    return new Promise((resolve, reject) => {
      let outcome: { readonly value: T } | { readonly error: unknown } | null =
        null;
      const perform = (): void => {
        try {
          if (code !== null) {
            call.atFault?.();
            throw failure(code, path, `injected into ${kind}`);
          }
          outcome = { value: call.effect() };
        } catch (error) {
          outcome = { error };
        }
      };
      try {
        call.begin?.();
      } catch (error) {
        outcome = { error };
      }
      if (outcome === null && process.random.fraction() < 0.5) perform();
      const atDeath = (random: SeededRandom): void => {
        if (outcome !== null || code !== null) return;
        if (call.atDeath !== undefined) call.atDeath(random);
        else if (random.fraction() < 0.5) perform();
      };
      storage.underway.add(atDeath);
      process.schedule(faults.latencyMs(kind), `disk ${kind}`, what, () => {
        storage.underway.delete(atDeath);
        if (outcome === null) perform();
        settle(outcome as never, resolve, reject);
      });
    });
  }
}

function settle<T>(
  outcome: { readonly value: T } | { readonly error: unknown },
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  if ("value" in outcome) resolve(outcome.value);
  else reject(outcome.error);
}
