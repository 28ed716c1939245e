/**
 * Directories on their way out: renamed first, so that a crash leaves no half of
 * one under its partition's name, then removed in the background.
 *
 * Kafka keeps them for `file.delete.delay.ms` (a minute), for readers that still
 * have their files open. Here nothing opens a file of a closed log any more, and
 * what is open stays readable by itself, so they go at once.
 */
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import {
  deletedDirectoryName,
  joinPath,
  partitionDirectoryName,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";

export class DeletedDirectories {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #random: Random;
  readonly #removals = new Set<Promise<void>>();

  constructor(disk: Disk, path: string, random: Random) {
    this.#disk = disk;
    this.#path = path;
    this.#random = random;
  }

  /** The partition's name is free when the promise resolves. Throws `DiskError`: it is not. */
  async take(at: TopicPartition): Promise<void> {
    const from = joinPath(this.#path, partitionDirectoryName(at));
    const uniqueId = Buffer.from(this.#random.bytes(16)).toString("hex");
    const to = joinPath(this.#path, deletedDirectoryName(at, uniqueId));
    await this.#disk.rename(from, to);
    try {
      await this.#disk.syncDirectory(this.#path);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      // Left for the next opening, which knows it by either name.
      return;
    }
    const removal = this.#remove(to).finally(() => {
      this.#removals.delete(removal);
    });
    this.#removals.add(removal);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#removals);
  }

  /** Never rejects: what is left over the next opening removes. */
  async #remove(path: string): Promise<void> {
    try {
      await this.#disk.removeDirectory(path);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
    }
  }
}
