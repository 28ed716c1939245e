/**
 * First offsets of partitions whose records were deleted, for the whole data
 * directory: Kafka's `log-start-offset-checkpoint`. A partition that is not in
 * it starts with its first segment.
 */
import type { Disk } from "../platform/disk.ts";
import {
  formatPartitionOffsets,
  parsePartitionOffsets,
  readSmallFile,
  replaceFile,
} from "./checkpoint.ts";
import {
  LOG_START_OFFSET_FILE,
  joinPath,
  partitionDirectoryName,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import type { PartitionOffset } from "./checkpoint.ts";
import type { SavedStart } from "./log-start.ts";

export class StartOffsets {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #offsets: Map<string, PartitionOffset>;
  /** One replacement of the file at a time. */
  #saving: Promise<void> = Promise.resolve();

  constructor(
    disk: Disk,
    directory: string,
    entries: readonly PartitionOffset[],
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#offsets = new Map(
      entries.map((entry) => [partitionDirectoryName(entry), entry]),
    );
  }

  get(at: TopicPartition): number | null {
    return this.#offsets.get(partitionDirectoryName(at))?.offset ?? null;
  }

  /** What the log of one partition has to do with this. */
  of(at: TopicPartition): SavedStart {
    return {
      save: (offset) => this.set(at, offset),
      // The line that stays in the file until the next saving does no harm.
      forget: () => this.#offsets.delete(partitionDirectoryName(at)),
    };
  }

  /** Durable when the promise resolves. Rejects with a `DiskError`. */
  set(at: TopicPartition, offset: number): Promise<void> {
    const { topic, partition } = at;
    this.#offsets.set(partitionDirectoryName(at), { topic, partition, offset });
    return this.#save();
  }

  async delete(at: TopicPartition): Promise<void> {
    if (this.#offsets.delete(partitionDirectoryName(at))) await this.#save();
  }

  #save(): Promise<void> {
    const saved = this.#saving.then(() =>
      replaceFile(
        this.#disk,
        { directory: this.#directory, name: LOG_START_OFFSET_FILE },
        formatPartitionOffsets([...this.#offsets.values()]),
      ),
    );
    // The next one goes on whatever became of this one; its caller is told.
    this.#saving = saved.catch(() => {});
    return saved;
  }
}

/** Throws `corrupt-file`, `DiskError`. */
export async function readStartOffsets(
  disk: Disk,
  directory: string,
): Promise<StartOffsets> {
  const path = joinPath(directory, LOG_START_OFFSET_FILE);
  const bytes = await readSmallFile(disk, path);
  const entries = bytes === null ? [] : parsePartitionOffsets(bytes, path);
  return new StartOffsets(disk, directory, entries);
}
