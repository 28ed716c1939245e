/**
 * A data directory: locked, identified, and full of partitions.
 *
 * Partitions are opened one by one, when somebody needs them; one that was
 * never written to has no directory and costs no call. Faults of the disk end
 * here: a log that fails goes offline with its reason, the others go on.
 *
 * The marker of a clean stop is taken away at opening, before anything is
 * written, and put back at closing only if every partition is in order: each
 * was either closed cleanly now, or not opened since the last clean stop.
 */
import type { Clock } from "../platform/clock.ts";
import type { Disk, DiskLock } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import { readBootRecord } from "./boot-record.ts";
import type { BootRecord } from "./boot-record.ts";
import { readSmallFile, replaceFile } from "./checkpoint.ts";
import type { FilePlace } from "./checkpoint.ts";
import { identifyDirectory } from "./directory-identity.ts";
import { DeletedDirectories } from "./deleted-directories.ts";
import { FileCache } from "./file-cache.ts";
import { JobQueue } from "./job-queue.ts";
import {
  CLEAN_SHUTDOWN_FILE,
  CLEANER_OFFSET_FILE,
  LEADER_EPOCH_FILE,
  LOCK_FILE,
  LOG_START_OFFSET_FILE,
  PARTITION_METADATA_FILE,
  RECOVERY_POINT_FILE,
  isDeletedDirectoryName,
  joinPath,
  parsePartitionDirectoryName,
  partitionDirectoryName,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import { parseLeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogPlace } from "./log-writer.ts";
import type { MetaProperties } from "./meta-properties.ts";
import { PartitionLog } from "./partition-log.ts";
import {
  readPartitionMetadata,
  writePartitionMetadata,
} from "./partition-metadata.ts";
import { OffsetCheckpoint, readOffsetCheckpoint } from "./offset-checkpoint.ts";
import { openPartitionFiles } from "./partition-recovery.ts";
import type { Finding, RecoveryReport } from "./recovery-report.ts";
import { SegmentPeeks } from "./peek-segment.ts";
import type { SegmentFacts } from "./retention.ts";
import { IndexBlockCache } from "./sparse-index.ts";
import { SuspectFiles } from "./rewrite-file.ts";
import type { StorageContext } from "./storage-context.ts";
import { StorageError, readFault, writeFault } from "./storage-error.ts";
import { SYNCS_IN_FLIGHT_MAX } from "./sync-policy.ts";
import { TailMemory } from "./tail-memory.ts";
import { WriteWay } from "./write-way.ts";

/** Newest batches of all partitions that are kept for readers: 16 MB; a larger batch than a chunk is not. */
const TAIL_CHUNK_SIZE_BYTES = 2 * 1024 * 1024;
const TAIL_CHUNK_COUNT_MAX = 8;

/** As Kafka writes it at a clean stop, with its word for a broker epoch that is not known. */
const CLEAN_SHUTDOWN_CONTENT = '{"version":0,"brokerEpoch":-1}';

export interface DataDirectoryOptions {
  /** For a new directory; one that exists keeps its own. Null: a random one. */
  readonly clusterId: string | null;
  readonly nodeId: number;
  readonly openFilesMax: number;
  readonly visibility: "page-cache" | "durable";
  /** A partition went offline; called once for each fault. */
  readonly onFault: (at: TopicPartition, fault: StorageError) => void;
  /** A file of the directory's own does not hold what it should; it goes on without. */
  readonly onDamage?: (fault: StorageError) => void;
  /** A first read found batches that are not what was written; called once for each place. */
  readonly onDamagedBatch?: (at: TopicPartition, finding: Finding) => void;
}

export interface TopicPartitionId extends TopicPartition {
  readonly topicId: string;
  /**
   * Whether the topic with this other id is known to be deleted: what such a one
   * left under the name is removed. Without it nothing is.
   */
  readonly wasDeleted?: (topicId: string) => boolean;
}

export interface OpenedPartition {
  readonly log: PartitionLog;
  /** What recovery found; null where nothing had to be scanned, or another caller was told. */
  readonly report: RecoveryReport | null;
}

/** Throws `StorageError`: locked, too new, or not readable. */
export async function openDataDirectory(
  path: string,
  platform: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  },
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const { disk } = platform;
  try {
    await disk.createDirectory(path);
    const locked = await disk.lock(joinPath(path, LOCK_FILE));
    if (locked.error !== null) {
      const { holderPid } = locked;
      const holder =
        holderPid === null ? "another process" : `process ${holderPid}`;
      const detail = `${holder} has this data directory open`;
      throw new StorageError("directory-locked", path, detail);
    }
    try {
      return await readDataDirectory(path, locked.lock, platform, options);
    } catch (error) {
      await locked.lock.release();
      throw error;
    }
  } catch (error) {
    throw readFault(path, error);
  }
}

async function readDataDirectory(
  path: string,
  lock: DiskLock,
  platform: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  },
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  const { disk, random } = platform;
  const meta = await identifyDirectory(disk, path, random, options);
  const names = new Set<string>();
  let isClean = false;
  for (const { name, isDirectory } of await disk.list(path)) {
    if (name === CLEAN_SHUTDOWN_FILE) isClean = true;
    if (!isDirectory) continue;
    // A deletion that a stop cut short.
    if (isDeletedDirectoryName(name)) {
      await disk.removeDirectory(joinPath(path, name));
    } else if (parsePartitionDirectoryName(name) !== null) names.add(name);
  }
  if (isClean) {
    await disk.remove(joinPath(path, CLEAN_SHUTDOWN_FILE));
    await disk.syncDirectory(path);
  }
  const found = { meta, names, isClean: isClean || names.size === 0 };
  const boot = await readBootRecord(disk, path);
  // What was closed cleanly is not in doubt, whatever the boot.
  if (found.isClean) await boot.record();
  const at = (name: string) => ({ directory: path, name });
  // Without it a log begins with its first segment: as in Kafka, what was
  // deleted of that shows again, and no partition is held up by it.
  const startOffsets = await readOrForget(
    disk,
    at(LOG_START_OFFSET_FILE),
    options.onDamage,
  );
  startOffsets.keepOnly(names);
  // Without it everything is scanned, and nobody need know.
  const recoveryPoints = await readOrForget(disk, at(RECOVERY_POINT_FILE));
  recoveryPoints.keepOnly(names);
  const cleanedOffsets = await readOrForget(disk, at(CLEANER_OFFSET_FILE));
  cleanedOffsets.keepOnly(names);
  return new DataDirectory(path, platform, options, {
    ...found,
    lock,
    boot,
    startOffsets,
    recoveryPoints,
    cleanedOffsets,
  });
}

/** One that cannot be read promises nothing. */
async function readOrForget(
  disk: Disk,
  place: FilePlace,
  onDamage: (fault: StorageError) => void = () => {},
): Promise<OffsetCheckpoint> {
  try {
    return await readOffsetCheckpoint(disk, place);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    onDamage(error);
    return new OffsetCheckpoint(disk, place, []);
  }
}

interface FoundDirectory {
  readonly meta: MetaProperties;
  readonly lock: DiskLock;
  readonly boot: BootRecord;
  readonly startOffsets: OffsetCheckpoint;
  readonly recoveryPoints: OffsetCheckpoint;
  readonly cleanedOffsets: OffsetCheckpoint;
  /** Of partitions. */
  readonly names: Set<string>;
  readonly isClean: boolean;
}

export class DataDirectory {
  // Fixed at open.
  readonly path: string;
  readonly meta: MetaProperties;
  /** The last stop was clean, or nothing was ever written. */
  readonly isClean: boolean;
  readonly #context: StorageContext;
  readonly #options: DataDirectoryOptions;
  readonly #lock: DiskLock;
  readonly #boot: BootRecord;
  readonly #startOffsets: OffsetCheckpoint;
  readonly #recoveryPoints: OffsetCheckpoint;
  readonly #cleanedOffsets: OffsetCheckpoint;

  // By the name of the partition's directory.
  /** Directories on the disk, apart from those that open logs have created since. */
  readonly #names: Set<string>;
  /** Directories that may hold the traces of a crash. */
  readonly #unclean: Set<string>;
  readonly #suspects: SuspectFiles;
  readonly #peeks: SegmentPeeks;
  readonly #opening = new Map<string, Promise<OpenedPartition>>();
  readonly #logs = new Map<string, PartitionLog>();
  readonly #deleted: DeletedDirectories;

  /** Use `openDataDirectory`. */
  constructor(
    path: string,
    platform: {
      readonly disk: Disk;
      readonly clock: Clock;
      readonly random: Random;
    },
    options: DataDirectoryOptions,
    found: FoundDirectory,
  ) {
    const { disk, clock, random } = platform;
    this.path = path;
    this.meta = found.meta;
    this.isClean = found.isClean;
    this.#peeks = new SegmentPeeks(disk);
    this.#suspects = new SuspectFiles(disk);
    this.#deleted = new DeletedDirectories(disk, path, random);
    this.#options = options;
    this.#lock = found.lock;
    this.#boot = found.boot;
    this.#startOffsets = found.startOffsets;
    this.#recoveryPoints = found.recoveryPoints;
    this.#cleanedOffsets = found.cleanedOffsets;
    this.#names = found.names;
    this.#unclean = new Set(found.isClean ? [] : found.names);
    const syncs = new JobQueue(SYNCS_IN_FLIGHT_MAX);
    this.#context = {
      disk,
      clock,
      random,
      files: new FileCache(disk, options.openFilesMax),
      blocks: new IndexBlockCache(),
      syncs,
      writes: new WriteWay(clock, syncs),
      tails: new TailMemory(TAIL_CHUNK_SIZE_BYTES, TAIL_CHUNK_COUNT_MAX),
    };
  }

  /** Partitions that have a directory, and those that were opened. */
  partitions(): readonly TopicPartition[] {
    const names = new Set([...this.#names, ...this.#logs.keys()]);
    return [...names].flatMap(
      (name) => parsePartitionDirectoryName(name) ?? [],
    );
  }

  /** Whether the partition has a directory: false until its first write. */
  hasDirectory(at: TopicPartition): boolean {
    const name = partitionDirectoryName(at);
    const log = this.#logs.get(name);
    return log?.hasDirectory ?? this.#names.has(name);
  }

  /** Up to where the partition's log was compacted; null: never. */
  cleanedOffset(at: TopicPartition): number | null {
    return this.#cleanedOffsets.get(at);
  }

  /** Durable when the promise resolves. Throws `StorageError`. */
  async setCleanedOffset(at: TopicPartition, offset: number): Promise<void> {
    try {
      await this.#cleanedOffsets.set(at, offset);
    } catch (error) {
      throw writeFault(this.path, error);
    }
  }

  /** See `peek-segment.ts`; null also where the log is open or may have suffered. Throws `StorageError`. */
  async peek(at: TopicPartition): Promise<SegmentFacts | null> {
    const name = partitionDirectoryName(at);
    if (this.#logs.has(name) || this.#unclean.has(name)) return null;
    return this.#peeks.at(joinPath(this.path, name));
  }

  /** The topic id that the partition's directory names, or null. Throws `StorageError`. */
  async topicIdOf(at: TopicPartition): Promise<string | null> {
    const name = partitionDirectoryName(at);
    if (!this.#names.has(name)) return null;
    const directory = joinPath(this.path, name);
    try {
      return await readPartitionMetadata(this.#context.disk, directory);
    } catch (error) {
      throw readFault(directory, error);
    }
  }

  /**
   * The newest leader epoch that the partition's checkpoint knows, or null where
   * there is none to read. Throws `StorageError`.
   */
  async leaderEpochOf(at: TopicPartition): Promise<number | null> {
    const name = partitionDirectoryName(at);
    if (!this.#names.has(name)) return null;
    const path = joinPath(joinPath(this.path, name), LEADER_EPOCH_FILE);
    try {
      const bytes = await readSmallFile(this.#context.disk, path);
      if (bytes === null) return null;
      return parseLeaderEpochs(bytes, path).latest?.epoch ?? null;
    } catch (error) {
      throw readFault(path, error);
    }
  }

  /** The partition's log if it is open. */
  log(at: TopicPartition): PartitionLog | null {
    return this.#logs.get(partitionDirectoryName(at)) ?? null;
  }

  /** Opens the partition's log, or answers the one that is open. Throws `StorageError`. */
  openLog(at: TopicPartitionId, config: LogConfig): Promise<OpenedPartition> {
    const name = partitionDirectoryName(at);
    const log = this.#logs.get(name);
    if (log !== undefined) return Promise.resolve({ log, report: null });
    return this.#openOnce(name, () => this.#open(at, name, config));
  }

  /** Opens a log anew that went offline: what is in its files is scanned. Throws `StorageError`. */
  reopenLog(at: TopicPartitionId, config: LogConfig): Promise<OpenedPartition> {
    const name = partitionDirectoryName(at);
    return this.#openOnce(name, () => this.#reopen(at, name, config));
  }

  /** Whoever comes while it is being opened waits for that, and is not told what was found. */
  async #openOnce(
    name: string,
    open: () => Promise<OpenedPartition>,
  ): Promise<OpenedPartition> {
    const known = this.#opening.get(name);
    if (known !== undefined) return { log: (await known).log, report: null };
    const opening = open().finally(() => {
      this.#opening.delete(name);
    });
    this.#opening.set(name, opening);
    return opening;
  }

  /**
   * Removes a partition: when the promise resolves its name is free again and
   * no crash brings it back; its files go in the background. Throws `StorageError`.
   */
  async deleteLog(at: TopicPartition): Promise<void> {
    const name = partitionDirectoryName(at);
    // One that cannot be opened can be deleted all the same.
    await this.#opening.get(name)?.catch(() => {});
    await this.#closeLog(name, false);
    try {
      await this.#removeDirectory(at, name);
    } catch (error) {
      throw writeFault(joinPath(this.path, name), error);
    }
  }

  /** Closes all logs and lets the directory go. True: cleanly. */
  async close(how: { readonly isClean: boolean }): Promise<boolean> {
    await Promise.allSettled(this.#opening.values());
    for (const name of [...this.#logs.keys()]) {
      await this.#closeLog(name, how.isClean);
    }
    await this.#deleted.settled();
    await this.#context.files.close();
    const isClean = how.isClean && this.#unclean.size === 0;
    try {
      if (isClean) {
        await this.#recoveryPoints.save();
        const at = { directory: this.path, name: CLEAN_SHUTDOWN_FILE };
        const content = new TextEncoder().encode(CLEAN_SHUTDOWN_CONTENT);
        await replaceFile(this.#context.disk, at, content);
      }
    } catch (error) {
      throw writeFault(this.path, error);
    } finally {
      await this.#lock.release();
    }
    return isClean;
  }

  async #reopen(
    at: TopicPartitionId,
    name: string,
    config: LogConfig,
  ): Promise<OpenedPartition> {
    const directory = joinPath(this.path, name);
    const log = this.#logs.get(name);
    this.#suspects.add(directory, log?.unsyncedPaths ?? []);
    await this.#closeLog(name, false);
    await this.#suspects.rewrite(directory);
    const opened = await this.#open(at, name, config);
    this.#suspects.forget(directory);
    return opened;
  }

  async #open(
    at: TopicPartitionId,
    name: string,
    config: LogConfig,
  ): Promise<OpenedPartition> {
    const directory = joinPath(this.path, name);
    const { topicId } = at;
    this.#peeks.forget(directory);
    const place: LogPlace = { dataDirectory: this.path, directory, topicId };
    try {
      if (this.#names.has(name)) await this.#checkOwner(at, name);
      // What an older partition of the name was promised must be gone from the disk.
      if (!this.#names.has(name)) {
        for (const offsets of this.#checkpoints()) await offsets.save();
      }
      const { opened, report } = await openPartitionFiles(
        place,
        this.#context,
        config,
        {
          isClean: !this.#unclean.has(name),
          // A disk that has failed may have lost any of it.
          isPageCacheIntact:
            this.#boot.isSameBoot && !this.#suspects.has(directory),
          isPageCacheLost:
            this.#boot.isOtherBoot || this.#suspects.has(directory),
          directoryExists: this.#names.has(name),
          startOffset: this.#startOffsets.get(at),
          recoveryPoint: this.#recoveryPoints.get(at),
        },
      );
      const log = new PartitionLog(opened, this.#context, config, {
        visibility: this.#options.visibility,
        savedStart: this.#startOffsets.of(at),
        saveRecoveryPoint: (offset) => this.#recoveryPoints.set(at, offset),
        onDamage: (finding) => this.#options.onDamagedBatch?.(at, finding),
        onFault: (fault) => {
          this.#unclean.add(name);
          void this.#boot.forget();
          this.#options.onFault(at, fault);
        },
      });
      this.#unclean.delete(name);
      this.#logs.set(name, log);
      if (this.#unclean.size === 0) await this.#boot.record();
      return { log, report };
    } catch (error) {
      throw readFault(directory, error);
    }
  }

  /**
   * What a deleted topic of the same name left is out of the way after this. A
   * directory that names a topic which nobody deleted is not touched: one wrong
   * letter in a small file must not cost a partition.
   */
  async #checkOwner(at: TopicPartitionId, name: string): Promise<void> {
    const { disk } = this.#context;
    const directory = joinPath(this.path, name);
    const topicId = await readPartitionMetadata(disk, directory);
    if (topicId === null) {
      await writePartitionMetadata(disk, directory, at.topicId);
    } else if (at.wasDeleted?.(topicId) === true) {
      await this.#removeDirectory(at, name);
    } else if (topicId !== at.topicId) {
      const detail = `names topic ${topicId}, expected ${at.topicId}: nothing was changed; stop the broker and run millrace repair, or move ${name} away`;
      const path = joinPath(directory, PARTITION_METADATA_FILE);
      throw new StorageError("corrupt-file", path, detail);
    }
  }

  /** While this fails the directory counts as there, and its name as taken. */
  async #removeDirectory(at: TopicPartition, name: string): Promise<void> {
    if (!this.#names.has(name)) return;
    await this.#deleted.take(at);
    this.#names.delete(name);
    this.#unclean.delete(name);
    this.#peeks.forget(joinPath(this.path, name));
    this.#suspects.forget(joinPath(this.path, name));
    // Durable at the latest before another of the name is opened: there may be
    // no room before the files have gone.
    for (const offsets of this.#checkpoints()) offsets.forget(at);
  }

  #checkpoints(): readonly OffsetCheckpoint[] {
    return [this.#startOffsets, this.#recoveryPoints, this.#cleanedOffsets];
  }

  async #closeLog(name: string, isClean: boolean): Promise<void> {
    const log = this.#logs.get(name);
    if (log === undefined) return;
    this.#logs.delete(name);
    const wasClosedClean = await log.close({ isClean });
    if (log.hasDirectory) this.#names.add(name);
    if (!wasClosedClean) this.#unclean.add(name);
    const at = parsePartitionDirectoryName(name);
    if (wasClosedClean && log.hasDirectory && at !== null) {
      this.#recoveryPoints.note(at, log.endOffset);
    }
  }
}
