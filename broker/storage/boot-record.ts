/**
 * In which run of the system the directory was written, so that an opening
 * knows whether the page cache can have lost anything since.
 *
 *   millrace.boot := [ bootId ] "\n" { bootId " " directoryName "\n" }
 *
 * The first line speaks of everything that lies behind the recovery checkpoints:
 * all of it was written in that run, or has been checked since. So it changes
 * only when no partition is in doubt any more:
 *
 *   boot A writes, power fails, boot B scans half of the partitions, is killed
 *   -> still says A: the other half must not be believed by its headers alone
 *
 * It is empty from the time when a disk fails, and then each partition that
 * failed has a line. The system may show bytes of these that it has given up to
 * write, for as long as the run lasts, also to another process:
 *
 *   sync fails, kill, recovery reads whole batches and syncs: nothing to do
 *   -> what is promised behind them is cut off with them, when the power fails
 *
 * The file is never synced: it means something only while the page cache lives.
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
  /** Directories of partitions that failed in this run, and were not opened since. */
  readonly #failedNames: Set<string>;
  /** One replacement of the file at a time. Never rejects. */
  #writing: Promise<void> = Promise.resolve();

  constructor(
    disk: Disk,
    directory: string,
    ids: {
      readonly current: string | null;
      readonly recorded: string | null;
      readonly failedNames: readonly string[];
    },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#bootId = ids.current;
    this.#recordedId = ids.recorded;
    this.#failedNames = new Set(ids.failedNames);
  }

  /** Everything that was ever written is as it was written. */
  get isSameBoot(): boolean {
    return this.#bootId !== null && this.#bootId === this.#recordedId;
  }

  /** Some of what was not synced may be lost: known only where boots can be told apart. */
  get isOtherBoot(): boolean {
    return this.#bootId !== null && this.#bootId !== this.#recordedId;
  }

  /** What can be read of the partition may not be on the disk, whatever a sync says. */
  hasFailed(name: string): boolean {
    return this.#failedNames.has(name);
  }

  /** No partition is in doubt. Without the file the next opening checks more: no failure matters. */
  async record(): Promise<void> {
    if (this.#bootId === null || this.isSameBoot) return;
    this.#recordedId = this.#bootId;
    await this.#write();
  }

  /** After a failed sync nobody knows what the page cache has dropped. */
  async noteFailed(name: string): Promise<void> {
    if (this.#bootId === null) return;
    this.#recordedId = null;
    this.#failedNames.add(name);
    await this.#write();
  }

  /** The partition is on the disk as it can be read, or gone. Told with the next change. */
  noteMended(name: string): void {
    this.#failedNames.delete(name);
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#replace());
    return this.#writing;
  }

  async #replace(): Promise<void> {
    const at = { directory: this.#directory, name: BOOT_FILE };
    const failed = [...this.#failedNames].map(
      (name) => `${this.#bootId} ${name}\n`,
    );
    const text = `${this.#recordedId ?? ""}\n${failed.join("")}`;
    try {
      await replaceRebuildableFile(
        this.#disk,
        at,
        new TextEncoder().encode(text),
      );
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
  const text = bytes === null ? "" : new TextDecoder().decode(bytes);
  const [recorded = "", ...failed] = text.split("\n");
  return new BootRecord(disk, directory, {
    current,
    recorded: recorded.trim() || null,
    // Those of another run have lost what they had not written.
    failedNames: failed.flatMap((line) => {
      const [bootId, name] = line.split(" ");
      return bootId === current && name !== undefined ? [name] : [];
    }),
  });
}
