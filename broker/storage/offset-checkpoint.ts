/**
 * An offset of each partition, for the whole data directory, in one of Kafka's
 * text files:
 *
 *   log-start-offset-checkpoint       first offsets of partitions whose records were deleted;
 *                                     one that is not in it starts with its first segment
 *   recovery-point-offset-checkpoint  below these everything is on the disk, indexes too;
 *                                     one that is not in it has nothing to rely on
 *
 * Many partitions change at the same time, and each save writes all of them and
 * waits for the disk: what changes while a save runs shares the next one.
 */
import type { Disk } from "../platform/disk.ts";
import {
  formatPartitionOffsets,
  parsePartitionOffsets,
  readSmallFile,
  replaceFile,
} from "./checkpoint.ts";
import { joinPath, partitionDirectoryName } from "./layout.ts";
import type { FilePlace, PartitionOffset } from "./checkpoint.ts";
import type { TopicPartition } from "./layout.ts";
import type { SavedStart } from "./log-start.ts";

export class OffsetCheckpoint {
  readonly #disk: Disk;
  readonly #place: FilePlace;
  readonly #offsets: Map<string, PartitionOffset>;
  /** The file does not say what the memory says. */
  #isDirty = false;
  /** One replacement of the file at a time. Never rejects. */
  #saving: Promise<void> = Promise.resolve();
  /** The save that has not begun, so that it takes every change along. */
  #next: Promise<void> | null = null;

  constructor(
    disk: Disk,
    place: FilePlace,
    entries: readonly PartitionOffset[],
  ) {
    this.#disk = disk;
    this.#place = place;
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
      forget: () => this.forget(at),
    };
  }

  /** Durable when the promise resolves. Rejects with a `DiskError`. */
  set(at: TopicPartition, offset: number): Promise<void> {
    this.note(at, offset);
    return this.#save();
  }

  /** As `set`, and durable with the next save. */
  note(at: TopicPartition, offset: number): void {
    const { topic, partition } = at;
    const name = partitionDirectoryName(at);
    if (this.#offsets.get(name)?.offset === offset) return;
    this.#offsets.set(name, { topic, partition, offset });
    this.#isDirty = true;
  }

  /** The partition is gone. `save` is due before there may be another of its name. */
  forget(at: TopicPartition): void {
    if (this.#offsets.delete(partitionDirectoryName(at))) this.#isDirty = true;
  }

  /** The partitions with other directory names are gone; as `forget`. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, entry] of this.#offsets) {
      if (!names.has(name)) this.forget(entry);
    }
  }

  /** Makes durable what has changed. Rejects with a `DiskError`. */
  async save(): Promise<void> {
    // What is under way may fail, and then its change is to be made once more.
    if (!this.#isDirty) await this.#saving;
    if (this.#isDirty) await this.#save();
  }

  #save(): Promise<void> {
    if (this.#next !== null) return this.#next;
    const next = this.#saving.then(() => {
      this.#next = null;
      return this.#write();
    });
    this.#next = next;
    // The next one goes on whatever becomes of this one; its callers are told.
    this.#saving = next.catch(() => {});
    return next;
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    const content = formatPartitionOffsets([...this.#offsets.values()]);
    try {
      await replaceFile(this.#disk, this.#place, content);
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }
}

/** Throws `corrupt-file`, `DiskError`. */
export async function readOffsetCheckpoint(
  disk: Disk,
  place: FilePlace,
): Promise<OffsetCheckpoint> {
  const path = joinPath(place.directory, place.name);
  const bytes = await readSmallFile(disk, path);
  const entries = bytes === null ? [] : parsePartitionOffsets(bytes, path);
  return new OffsetCheckpoint(disk, place, entries);
}
