/**
 * In which run of the system the directory was written, so that an opening
 * knows whether the page cache can have lost anything since.
 *
 *   millrace.boot := bootId "\n"
 *
 * It speaks of everything that lies behind the recovery checkpoints: all of it
 * was written in that run, or has been checked since. So the file changes only
 * when no partition is in doubt any more:
 *
 *   boot A writes, power fails, boot B scans half of the partitions, is killed
 *   -> still says A: the other half must not be believed by its headers alone
 *
 * It is never synced: it means something only while the page cache lives.
 */
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import { readSmallFile, replaceRebuildableFile } from "./checkpoint.ts";
import { BOOT_FILE, joinPath } from "./layout.ts";

export class BootRecord {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #bootId: string | null;
  #recordedId: string | null;

  constructor(
    disk: Disk,
    directory: string,
    ids: { readonly current: string | null; readonly recorded: string | null },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#bootId = ids.current;
    this.#recordedId = ids.recorded;
  }

  /** Everything that was ever written is as it was written. */
  get isSameBoot(): boolean {
    return this.#bootId !== null && this.#bootId === this.#recordedId;
  }

  /** Some of what was not synced may be lost: known only where boots can be told apart. */
  get isOtherBoot(): boolean {
    return this.#bootId !== null && this.#bootId !== this.#recordedId;
  }

  /** No partition is in doubt. Without the file the next opening checks more: no failure matters. */
  async record(): Promise<void> {
    if (this.#bootId === null || this.isSameBoot) return;
    const at = { directory: this.#directory, name: BOOT_FILE };
    const content = new TextEncoder().encode(`${this.#bootId}\n`);
    this.#recordedId = this.#bootId;
    try {
      await replaceRebuildableFile(this.#disk, at, content);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }

  /** After a failed sync nobody knows what the page cache has dropped. */
  async forget(): Promise<void> {
    if (this.#recordedId === null) return;
    this.#recordedId = null;
    try {
      await this.#disk.remove(joinPath(this.#directory, BOOT_FILE));
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
}

/** Throws `DiskError`. */
export async function readBootRecord(
  disk: Disk,
  directory: string,
): Promise<BootRecord> {
  const current = await disk.bootId();
  const bytes = await readSmallFile(disk, joinPath(directory, BOOT_FILE));
  const recorded = bytes === null ? null : new TextDecoder().decode(bytes);
  return new BootRecord(disk, directory, {
    current,
    recorded: recorded?.trim() ?? null,
  });
}
