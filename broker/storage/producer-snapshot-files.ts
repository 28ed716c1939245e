/**
 * The producer snapshots of one partition while its log grows. Two may want to
 * write one of the same offset at the same time (a new segment and the recovery
 * checkpoint), so there is one write at a time.
 */
import type { Disk } from "../platform/disk.ts";
import { replaceFile, replaceRebuildableFile } from "./checkpoint.ts";
import { JobQueue } from "./job-queue.ts";
import { joinPath, segmentFileName } from "./layout.ts";
import { SNAPSHOTS_KEPT_COUNT } from "./partition-files.ts";

export class ProducerSnapshotFiles {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #jobs = new JobQueue(1);
  readonly #offsets: Set<number>;

  constructor(disk: Disk, directory: string, offsets: readonly number[]) {
    this.#disk = disk;
    this.#directory = directory;
    this.#offsets = new Set(offsets);
  }

  /** `isSynced`: durable when the promise resolves, with all names in the directory. Throws `DiskError`. */
  write(
    offset: number,
    content: Uint8Array,
    options: { readonly isSynced: boolean },
  ): Promise<void> {
    return this.#jobs.run(async () => {
      const at = { directory: this.#directory, name: nameOf(offset) };
      const replace = options.isSynced ? replaceFile : replaceRebuildableFile;
      await replace(this.#disk, at, content);
      this.#offsets.add(offset);
    });
  }

  /** Makes one durable that was written without a sync, if there is one. Throws `DiskError`. */
  sync(offset: number): Promise<void> {
    return this.#jobs.run(async () => {
      if (!this.#offsets.has(offset)) return;
      const path = joinPath(this.#directory, nameOf(offset));
      const file = await this.#disk.open(path, "append");
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#disk.syncDirectory(this.#directory);
    });
  }

  /** Removes all but the newest, and those that a segment begins with. Throws `DiskError`. */
  async tidy(isBaseOffset: (offset: number) => boolean): Promise<void> {
    const ascending = [...this.#offsets].sort((a, b) => a - b);
    for (const offset of ascending.slice(0, -SNAPSHOTS_KEPT_COUNT)) {
      if (isBaseOffset(offset)) continue;
      this.#offsets.delete(offset);
      await this.#disk.remove(joinPath(this.#directory, nameOf(offset)));
    }
  }
}

function nameOf(offset: number): string {
  return segmentFileName(offset, "producerSnapshot");
}
