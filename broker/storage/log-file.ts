/**
 * One .log file: batches, one behind the other.
 *
 * The size known here is the size of what was written whole. A failed write can
 * leave more than that in the file; it is cut off before anything else is
 * written. A sealed file is opened anew, only to be read, because such a file
 * can be mapped up to its last byte.
 */
import { DiskError } from "../platform/disk.ts";
import { CachedFile } from "./cached-file.ts";
import type { FileLease, OpenMode } from "./file-cache.ts";
import type { StorageContext } from "./storage-context.ts";
import { StorageError, syncFault } from "./storage-error.ts";
import type { WriteWay } from "./write-way.ts";

export class LogFile {
  readonly file: CachedFile;
  readonly #writes: WriteWay;
  #sizeBytes: number;
  #openedSizeBytes: number;
  #mode: OpenMode;

  constructor(
    path: string,
    context: Pick<StorageContext, "files" | "writes">,
    state: { readonly sizeBytes: number; readonly isSealed: boolean },
  ) {
    this.file = new CachedFile(path, context.files);
    this.#writes = context.writes;
    this.#sizeBytes = state.sizeBytes;
    this.#openedSizeBytes = state.sizeBytes;
    this.#mode = state.isSealed ? "read" : "append";
  }

  get path(): string {
    return this.file.path;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What was there when it was opened; the rest was appended by this process. */
  get openedSizeBytes(): number {
    return this.#openedSizeBytes;
  }

  /**
   * Creates the file on first use. `take` is asked for the parts when the disk
   * is free for them. Throws `DiskError`; then `cutBack` is due.
   */
  async append(take: () => readonly Uint8Array[]): Promise<void> {
    const lease = this.leaseIfOpen() ?? (await this.lease());
    try {
      if (lease.file.sizeBytes > this.#sizeBytes) {
        await lease.file.truncate(this.#sizeBytes);
      } else if (lease.file.sizeBytes < this.#sizeBytes) {
        throw new StorageError(
          "storage-offline",
          this.path,
          `the file has ${lease.file.sizeBytes} bytes, expected ${this.#sizeBytes}: something else cut it`,
        );
      }
      let sizeBytes = 0;
      await this.#writes.append(lease.file, () => {
        const parts = take();
        for (const part of parts) sizeBytes += part.length;
        return parts;
      });
      this.#sizeBytes += sizeBytes;
    } finally {
      lease.release();
    }
  }

  /** Removes what a failed append left. Throws `DiskError`. */
  async cutBack(): Promise<void> {
    let lease;
    try {
      lease = await this.lease();
    } catch (error) {
      // No descriptor to be had: then the append had none either, and wrote nothing.
      const code = error instanceof DiskError ? error.code : null;
      if (code === "EMFILE" || code === "ENFILE" || code === "ENOSPC") return;
      throw error;
    }
    try {
      if (lease.file.sizeBytes > this.#sizeBytes) {
        await lease.file.truncate(this.#sizeBytes);
      }
    } finally {
      lease.release();
    }
  }

  /** Reads until `target` is full or the file ends; answers how many bytes. Throws `DiskError`. */
  async read(target: Uint8Array, position: number): Promise<number> {
    const lease = this.leaseIfOpen() ?? (await this.lease());
    try {
      return await lease.file.read(target, position);
    } finally {
      lease.release();
    }
  }

  /** Throws `StorageError` where the sync itself failed, of whatever reason: that is final. */
  async sync(): Promise<void> {
    const lease = await this.lease();
    try {
      await lease.file.sync().catch((error: unknown) => {
        throw syncFault(this.path, error);
      });
    } finally {
      lease.release();
    }
  }

  /** Opening found the file to hold so many good bytes. */
  adopt(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes;
    this.#openedSizeBytes = sizeBytes;
  }

  /** Nothing will be appended any more, and what there is has been synced. */
  seal(): void {
    this.#mode = "read";
  }

  lease(): Promise<FileLease> {
    return this.file.lease(this.#mode);
  }

  leaseIfOpen(): FileLease | null {
    return this.file.leaseIfOpen(this.#mode);
  }
}
