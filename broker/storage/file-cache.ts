/**
 * Open files, at most so many at a time.
 *
 * Whoever needs a file leases it and gives the lease back; a file nobody leases
 * stays open until its place is wanted, the least recently used first. Only
 * leased files can push the count above the limit. So tens of thousands of
 * partitions can be open with a few hundred descriptors.
 *
 * When the system has none left (`EMFILE`), everything idle is closed and the
 * opening tried once more; then the error is the caller's.
 */
import { assert } from "../lib/assert.ts";
import { DiskError } from "../platform/disk.ts";
import type { Disk, DiskFile } from "../platform/disk.ts";

/** `any`: to read, through whatever handle is open; else opened with `read`. */
export type OpenMode = "read" | "append" | "any";

export interface FileLease {
  readonly file: DiskFile;
  /** To be called exactly once. */
  release(): void;
}

interface Entry {
  readonly path: string;
  readonly mode: "read" | "append";
  readonly opening: Promise<DiskFile>;
  file: DiskFile | null;
  leaseCount: number;
}

export class FileCache {
  readonly #disk: Disk;
  readonly #openFilesMax: number;
  /** By path, least recently leased first. */
  readonly #entries = new Map<string, Entry>();
  /** Closings under way, so that `close` can wait for them. */
  readonly #closings = new Set<Promise<void>>();

  constructor(disk: Disk, openFilesMax: number) {
    this.#disk = disk;
    this.#openFilesMax = openFilesMax;
  }

  get openCount(): number {
    return this.#entries.size;
  }

  /** A file that is open already, without waiting; null if it is not. */
  leaseIfOpen(path: string, mode: OpenMode): FileLease | null {
    const entry = this.#entries.get(path);
    if (entry === undefined || entry.file === null) return null;
    if (mode !== "any" && entry.mode !== mode) return null;
    return this.#lease(entry, entry.file);
  }

  /** Opens the file, or waits for who is opening it. Throws the `DiskError` of the opening. */
  async lease(path: string, mode: OpenMode): Promise<FileLease> {
    for (;;) {
      const entry = this.#entries.get(path);
      if (entry === undefined) break;
      if (mode === "any" || entry.mode === mode) {
        // Counted before waiting, so that nobody closes it in between.
        entry.leaseCount++;
        try {
          const file = await entry.opening;
          return this.#lease(entry, file, 0);
        } catch (error) {
          entry.leaseCount--;
          throw error;
        }
      }
      // Opened the other way, to grow or only to read: that one goes first.
      await this.forget(path);
    }
    const openedMode = mode === "any" ? "read" : mode;
    const entry: Entry = {
      path,
      mode: openedMode,
      opening: this.#open(path, openedMode),
      file: null,
      leaseCount: 1,
    };
    this.#entries.set(path, entry);
    try {
      entry.file = await entry.opening;
    } catch (error) {
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
      throw error;
    }
    this.#shrink();
    return this.#lease(entry, entry.file, 0);
  }

  /** Closes the file if it is open. Leases still out keep their handle until they are back. */
  async forget(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    if (entry.leaseCount === 0 && entry.file !== null) {
      await this.#close(entry.file);
    }
  }

  /** Closes everything. Nothing may be leased any more. */
  async close(): Promise<void> {
    for (const path of [...this.#entries.keys()]) await this.forget(path);
    await Promise.all(this.#closings);
  }

  #lease(entry: Entry, file: DiskFile, count = 1): FileLease {
    entry.leaseCount += count;
    if (this.#entries.get(entry.path) === entry) {
      this.#entries.delete(entry.path);
      this.#entries.set(entry.path, entry);
    }
    let isReleased = false;
    return {
      file,
      release: () => {
        assert(!isReleased, `lease of ${entry.path} released twice`);
        isReleased = true;
        entry.leaseCount--;
        this.#returned(entry, file);
      },
    };
  }

  #returned(entry: Entry, file: DiskFile): void {
    if (entry.leaseCount > 0) return;
    if (this.#entries.get(entry.path) !== entry) void this.#close(file);
    else this.#shrink();
  }

  async #open(path: string, mode: "read" | "append"): Promise<DiskFile> {
    try {
      return await this.#disk.open(path, mode);
    } catch (error) {
      const isOutOfDescriptors =
        error instanceof DiskError &&
        (error.code === "EMFILE" || error.code === "ENFILE");
      if (!isOutOfDescriptors) throw error;
      this.#closeIdle(0);
      await Promise.all(this.#closings);
      return await this.#disk.open(path, mode);
    }
  }

  #shrink(): void {
    if (this.#entries.size > this.#openFilesMax) {
      this.#closeIdle(this.#openFilesMax);
    }
  }

  #closeIdle(countKept: number): void {
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= countKept) return;
      if (entry.leaseCount > 0 || entry.file === null) continue;
      this.#entries.delete(entry.path);
      void this.#close(entry.file);
    }
  }

  /** Never rejects: nothing can be done about a failed close, and what was written is judged by syncs. */
  #close(file: DiskFile): Promise<void> {
    const closing = file.close().then(
      () => {
        this.#closings.delete(closing);
      },
      () => {
        this.#closings.delete(closing);
      },
    );
    this.#closings.add(closing);
    return closing;
  }
}
