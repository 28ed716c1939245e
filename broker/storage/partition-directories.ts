/**
 * What is known of the partitions' directories: which there are, whose they are,
 * and which may hold the traces of a crash or of a failed disk.
 *
 * A partition that was never written to has none. One that goes is renamed
 * first, so that no crash brings it back.
 */
import { DiskError } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import type { BootRecord } from "./boot-record.ts";
import { readSmallFile } from "./checkpoint.ts";
import { DeletedDirectories } from "./deleted-directories.ts";
import type { FoundDirectory } from "./found-directory.ts";
import {
  LEADER_EPOCH_FILE,
  PARTITION_METADATA_FILE,
  joinPath,
  parsePartitionDirectoryName,
  parseSegmentFileName,
  partitionDirectoryName,
  segmentFileName,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import { parseLeaderEpochs } from "./leader-epochs.ts";
import type { OffsetCheckpoints } from "./offset-checkpoints.ts";
import {
  readPartitionMetadata,
  writePartitionMetadata,
} from "./partition-metadata.ts";
import type { OpenOptions } from "./partition-recovery.ts";
import { SegmentPeeks } from "./peek-segment.ts";
import type { SegmentFacts } from "./retention.ts";
import { SuspectFiles } from "./rewrite-file.ts";
import { StorageError } from "./storage-error.ts";

export interface TopicPartitionId extends TopicPartition {
  readonly topicId: string;
  /**
   * Whether the topic with this other id is known to be deleted: what such a one
   * left under the name is removed. Without it nothing is.
   */
  readonly wasDeleted?: (topicId: string) => boolean;
}

/** Named by the partition's directory, as `partitionDirectoryName` has it. */
export class PartitionDirectories {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #boot: BootRecord;
  readonly #checkpoints: OffsetCheckpoints;
  readonly #deleted: DeletedDirectories;
  readonly #peeks: SegmentPeeks;
  readonly #suspects: SuspectFiles;
  /** On the disk, apart from those that open logs have created since. */
  readonly #names: Set<string>;
  /** May hold the traces of a crash. */
  readonly #unclean: Set<string>;
  /** Of partitions that are gone, though their directories could not be moved away yet. */
  readonly #leftBehind = new Set<string>();

  constructor(disk: Disk, random: Random, found: FoundDirectory) {
    this.#disk = disk;
    this.#path = found.path;
    this.#boot = found.boot;
    this.#checkpoints = found.checkpoints;
    this.#deleted = new DeletedDirectories(disk, found.path, random);
    this.#peeks = new SegmentPeeks(disk);
    this.#suspects = new SuspectFiles(disk);
    this.#names = found.names;
    this.#unclean = new Set(found.isClean ? [] : found.names);
  }

  names(): Iterable<string> {
    return this.#names;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  pathOf(name: string): string {
    return joinPath(this.#path, name);
  }

  /** None holds the traces of a crash. */
  get isClean(): boolean {
    return this.#unclean.size === 0;
  }

  /** How the files were left, for whoever opens them. */
  stateOf(name: string): Omit<OpenOptions, "startOffset" | "recoveryPoint"> {
    // A disk that has failed may have lost any of it.
    const isSuspect = this.#suspects.has(this.pathOf(name));
    return {
      isClean: !this.#unclean.has(name),
      isPageCacheIntact: this.#boot.isSameBoot && !isSuspect,
      isPageCacheLost: this.#boot.isOtherBoot || isSuspect,
      directoryExists: this.#names.has(name),
    };
  }

  /** See `peek-segment.ts`; null also where the files may have suffered. Throws `StorageError`. */
  async peek(name: string): Promise<SegmentFacts | null> {
    if (this.#unclean.has(name)) return null;
    return this.#peeks.at(this.pathOf(name));
  }

  /** The topic id that the directory names, or null. Throws `StorageError`, `DiskError`. */
  async topicIdOf(name: string): Promise<string | null> {
    if (!this.#names.has(name)) return null;
    return readPartitionMetadata(this.#disk, this.pathOf(name));
  }

  /** The newest leader epoch that the checkpoint knows, or null. Throws `StorageError`, `DiskError`. */
  async leaderEpochOf(name: string): Promise<number | null> {
    if (!this.#names.has(name)) return null;
    const path = joinPath(this.pathOf(name), LEADER_EPOCH_FILE);
    const bytes = await readSmallFile(this.#disk, path);
    if (bytes === null) return null;
    return parseLeaderEpochs(bytes, path).latest?.epoch ?? null;
  }

  /** A log is about to be opened: the directory is its own after this. Throws `StorageError`, `DiskError`. */
  async claim(at: TopicPartitionId): Promise<void> {
    const name = partitionDirectoryName(at);
    this.#peeks.forget(this.pathOf(name));
    if (this.#leftBehind.has(name)) await this.remove(at);
    if (this.#names.has(name)) await this.#checkOwner(at, name);
    // What an older partition of the name was promised must be gone from the disk.
    if (!this.#names.has(name)) await this.#checkpoints.save();
  }

  /** A log was opened: what a crash left is mended. */
  async noteOpened(name: string): Promise<void> {
    this.#unclean.delete(name);
    this.#suspects.forget(this.pathOf(name));
    this.#boot.noteMended(name);
    if (this.isClean) await this.#boot.record();
  }

  /** A log went offline: nobody knows what the disk has dropped. */
  noteFailed(name: string): void {
    this.#unclean.add(name);
    void this.#boot.noteFailed(name);
  }

  noteClosed(
    name: string,
    log: { readonly hasDirectory: boolean; readonly wasClosedClean: boolean },
  ): void {
    if (log.hasDirectory) this.#names.add(name);
    if (!log.wasClosedClean) this.#unclean.add(name);
  }

  /** These files have bytes that may not be on the disk though they can be read. */
  suspect(name: string, paths: readonly string[]): void {
    this.#suspects.add(this.pathOf(name), paths);
  }

  /** Writes anew what may not be on the disk though it can be read. Throws `StorageError`, `DiskError`. */
  async rewriteSuspects(name: string): Promise<void> {
    const path = this.pathOf(name);
    if (this.#boot.hasFailed(name) && !this.#suspects.has(path)) {
      // In an earlier process, which knew what it had synced.
      this.suspect(name, await this.#unpromisedPaths(name));
    }
    await this.#suspects.rewrite(path);
  }

  /** While this fails the directory counts as there, and its name as taken. Throws `DiskError`. */
  async remove(at: TopicPartition): Promise<void> {
    const name = partitionDirectoryName(at);
    if (!this.#names.has(name)) return;
    this.#leftBehind.add(name);
    await this.#deleted.take(at);
    this.#leftBehind.delete(name);
    this.#names.delete(name);
    this.#unclean.delete(name);
    this.#peeks.forget(this.pathOf(name));
    this.#suspects.forget(this.pathOf(name));
    this.#boot.noteMended(name);
    // Durable at the latest before another of the name is opened: there may be
    // no room before the files have gone.
    this.#checkpoints.forget(at);
  }

  /**
   * Resolves when what was removed has left the disk. What could not be moved
   * away is tried once more: a catalog that is loaded from a snapshot does not
   * know any more that it was deleted.
   */
  async settled(): Promise<void> {
    for (const name of this.#leftBehind) {
      const at = parsePartitionDirectoryName(name);
      try {
        if (at !== null) await this.remove(at);
      } catch (error) {
        if (!(error instanceof DiskError)) throw error;
      }
    }
    await this.#deleted.settled();
  }

  /** Of logs that reach behind the recovery checkpoint. Throws `DiskError`. */
  async #unpromisedPaths(name: string): Promise<readonly string[]> {
    if (!this.#names.has(name)) return [];
    const directory = this.pathOf(name);
    const at = parsePartitionDirectoryName(name);
    const { recoveryPoints } = this.#checkpoints;
    const promisedEnd = (at === null ? null : recoveryPoints.get(at)) ?? 0;
    const offsets = (await this.#disk.list(directory))
      .flatMap((entry) => parseSegmentFileName(entry.name) ?? [])
      .filter(({ kind }) => kind === "log")
      .map(({ baseOffset }) => baseOffset)
      .sort((a, b) => a - b);
    return offsets
      .filter(
        (_offset, slot) => (offsets[slot + 1] ?? promisedEnd + 1) > promisedEnd,
      )
      .map((offset) => joinPath(directory, segmentFileName(offset, "log")));
  }

  /**
   * What a deleted topic of the same name left is out of the way after this. A
   * directory that names a topic which nobody deleted is not touched: one wrong
   * letter in a small file must not cost a partition.
   */
  async #checkOwner(at: TopicPartitionId, name: string): Promise<void> {
    const directory = this.pathOf(name);
    const topicId = await readPartitionMetadata(this.#disk, directory);
    if (topicId === null) {
      await writePartitionMetadata(this.#disk, directory, at.topicId);
    } else if (at.wasDeleted?.(topicId) === true) {
      await this.remove(at);
    } else if (topicId !== at.topicId) {
      const detail = `names topic ${topicId}, expected ${at.topicId}: nothing was changed; stop the broker and run millrace repair, or move ${name} away`;
      const path = joinPath(directory, PARTITION_METADATA_FILE);
      throw new StorageError("corrupt-file", path, detail);
    }
  }
}
