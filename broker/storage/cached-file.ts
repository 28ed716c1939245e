/**
 * One file of a log, through the cache of open files, until it is retired.
 *
 * Paths come again: a topic that is deleted and made anew has the same ones, and
 * so has a segment that replaces another. Whoever still has the old object must
 * not get to the new file through it:
 *
 *   read starts, topic deleted, topic made anew, read opens its file by its path
 *   -> bytes of another topic's records
 *
 * So the old object is retired before its file goes. Leases that are out keep
 * the file they have, as the system keeps it for them; no other is given.
 */
import type { FileCache, FileLease, OpenMode } from "./file-cache.ts";
import { StorageError } from "./storage-error.ts";

export class CachedFile {
  readonly path: string;
  readonly #files: FileCache;
  #isRetired = false;

  constructor(path: string, files: FileCache) {
    this.path = path;
    this.#files = files;
  }

  /** Throws the `DiskError` of the opening; `log-closed` once it is retired. */
  async lease(mode: OpenMode): Promise<FileLease> {
    if (this.#isRetired) throw this.#gone();
    const lease = await this.#files.lease(this.path, mode);
    if (!this.#isRetired) return lease;
    // While it was being opened: nobody knows which file it is.
    lease.release();
    throw this.#gone();
  }

  /** The file if it is open already; null also once it is retired. */
  leaseIfOpen(mode: OpenMode): FileLease | null {
    if (this.#isRetired) return null;
    return this.#files.leaseIfOpen(this.path, mode);
  }

  /** No lease from now on: the file is about to be removed, or its log is closed. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    await this.#files.forget(this.path);
  }

  #gone(): StorageError {
    return new StorageError(
      "log-closed",
      this.path,
      "the file was removed, or its log closed, during the call",
    );
  }
}
