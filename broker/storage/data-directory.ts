/**
 * A data directory: locked, identified, and full of partitions.
 *
 * Partitions are opened one by one, when somebody needs them; one that was
 * never written to has no directory and costs no call. Faults of the disk end
 * here: a log that fails goes offline with its reason, the others go on.
 *
 * The marker of a clean stop is put back at closing only if every partition is
 * in order: each was either closed cleanly now, or not opened since the last
 * clean stop.
 */
import type { DiskLock } from "../platform/disk.ts";
import { replaceFile } from "./checkpoint.ts";
import { FileCache } from "./file-cache.ts";
import { findDirectory } from "./found-directory.ts";
import type { FoundDirectory, StoragePlatform } from "./found-directory.ts";
import { JobQueue } from "./job-queue.ts";
import {
  CLEAN_SHUTDOWN_FILE,
  parsePartitionDirectoryName,
  partitionDirectoryName,
} from "./layout.ts";
import type { TopicPartition } from "./layout.ts";
import type { LogConfig } from "./log-config.ts";
import type { MetaProperties } from "./meta-properties.ts";
import type { OffsetCheckpoints } from "./offset-checkpoints.ts";
import { PartitionDirectories } from "./partition-directories.ts";
import type { TopicPartitionId } from "./partition-directories.ts";
import { PartitionLog } from "./partition-log.ts";
import { openPartitionFiles } from "./partition-recovery.ts";
import type { Finding, RecoveryReport } from "./recovery-report.ts";
import type { SegmentFacts } from "./retention.ts";
import { IndexBlockCache } from "./sparse-index.ts";
import type { StorageContext } from "./storage-context.ts";
import { readFault, writeFault } from "./storage-error.ts";
import type { StorageError } from "./storage-error.ts";
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

export interface OpenedPartition {
  readonly log: PartitionLog;
  /** What recovery found; null where nothing had to be scanned, or another caller was told. */
  readonly report: RecoveryReport | null;
}

/** Throws `StorageError`: locked, too new, or not readable. */
export async function openDataDirectory(
  path: string,
  platform: StoragePlatform,
  options: DataDirectoryOptions,
): Promise<DataDirectory> {
  try {
    const found = await findDirectory(path, platform, options);
    return new DataDirectory(platform, options, found);
  } catch (error) {
    throw readFault(path, error);
  }
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
  readonly #checkpoints: OffsetCheckpoints;
  readonly #directories: PartitionDirectories;

  // By the name of the partition's directory.
  readonly #opening = new Map<string, Promise<OpenedPartition>>();
  readonly #logs = new Map<string, PartitionLog>();

  /** Use `openDataDirectory`. */
  constructor(
    platform: StoragePlatform,
    options: DataDirectoryOptions,
    found: FoundDirectory,
  ) {
    const { disk, clock, random } = platform;
    this.path = found.path;
    this.meta = found.meta;
    this.isClean = found.isClean;
    this.#options = options;
    this.#lock = found.lock;
    this.#checkpoints = found.checkpoints;
    this.#directories = new PartitionDirectories(disk, random, found);
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
    const names = new Set([...this.#directories.names(), ...this.#logs.keys()]);
    return [...names].flatMap(
      (name) => parsePartitionDirectoryName(name) ?? [],
    );
  }

  /** Whether the partition has a directory: false until its first write. */
  hasDirectory(at: TopicPartition): boolean {
    const name = partitionDirectoryName(at);
    const log = this.#logs.get(name);
    return log?.hasDirectory ?? this.#directories.has(name);
  }

  /** Up to where the partition's log was compacted; null: never. */
  cleanedOffset(at: TopicPartition): number | null {
    return this.#checkpoints.cleaned.get(at);
  }

  /** Durable when the promise resolves. Throws `StorageError`. */
  async setCleanedOffset(at: TopicPartition, offset: number): Promise<void> {
    try {
      await this.#checkpoints.cleaned.set(at, offset);
    } catch (error) {
      throw writeFault(this.path, error);
    }
  }

  /** See `peek-segment.ts`; null also where the log is open or may have suffered. Throws `StorageError`. */
  async peek(at: TopicPartition): Promise<SegmentFacts | null> {
    const name = partitionDirectoryName(at);
    return this.#logs.has(name) ? null : this.#directories.peek(name);
  }

  /** The topic id that the partition's directory names, or null. Throws `StorageError`. */
  async topicIdOf(at: TopicPartition): Promise<string | null> {
    const name = partitionDirectoryName(at);
    try {
      return await this.#directories.topicIdOf(name);
    } catch (error) {
      throw readFault(this.#directories.pathOf(name), error);
    }
  }

  /**
   * The newest leader epoch that the partition's checkpoint knows, or null where
   * there is none to read. Throws `StorageError`.
   */
  async leaderEpochOf(at: TopicPartition): Promise<number | null> {
    const name = partitionDirectoryName(at);
    try {
      return await this.#directories.leaderEpochOf(name);
    } catch (error) {
      throw readFault(this.#directories.pathOf(name), error);
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
      await this.#directories.remove(at);
    } catch (error) {
      throw writeFault(this.#directories.pathOf(name), error);
    }
  }

  /** Closes all logs and lets the directory go. True: cleanly. */
  async close(how: { readonly isClean: boolean }): Promise<boolean> {
    await Promise.allSettled(this.#opening.values());
    for (const name of [...this.#logs.keys()]) {
      await this.#closeLog(name, how.isClean);
    }
    await this.#directories.settled();
    await this.#context.files.close();
    const isClean = how.isClean && this.#directories.isClean;
    try {
      if (isClean) {
        await this.#checkpoints.recoveryPoints.save();
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
    const log = this.#logs.get(name);
    if (log !== undefined) this.#directories.suspect(name, log.unsyncedPaths);
    await this.#closeLog(name, false);
    return this.#open(at, name, config);
  }

  async #open(
    at: TopicPartitionId,
    name: string,
    config: LogConfig,
  ): Promise<OpenedPartition> {
    const { topicId } = at;
    const { starts, recoveryPoints } = this.#checkpoints;
    const directory = this.#directories.pathOf(name);
    const place = { dataDirectory: this.path, directory, topicId };
    try {
      await this.#directories.claim(at);
      await this.#directories.rewriteSuspects(name);
      const { opened, report } = await openPartitionFiles(
        place,
        this.#context,
        config,
        {
          ...this.#directories.stateOf(name),
          startOffset: starts.get(at),
          recoveryPoint: recoveryPoints.get(at),
        },
      );
      const log = new PartitionLog(opened, this.#context, config, {
        visibility: this.#options.visibility,
        savedStart: starts.of(at),
        saveRecoveryPoint: (offset) => recoveryPoints.set(at, offset),
        onDamage: (finding) => this.#options.onDamagedBatch?.(at, finding),
        onFault: (fault) => {
          this.#directories.noteFailed(name);
          this.#options.onFault(at, fault);
        },
      });
      this.#logs.set(name, log);
      await this.#directories.noteOpened(name);
      return { log, report };
    } catch (error) {
      throw readFault(directory, error);
    }
  }

  async #closeLog(name: string, isClean: boolean): Promise<void> {
    const log = this.#logs.get(name);
    if (log === undefined) return;
    this.#logs.delete(name);
    const wasClosedClean = await log.close({ isClean });
    const { hasDirectory } = log;
    this.#directories.noteClosed(name, { hasDirectory, wasClosedClean });
    const at = parsePartitionDirectoryName(name);
    if (wasClosedClean && hasDirectory && at !== null) {
      this.#checkpoints.recoveryPoints.note(at, log.endOffset);
    }
  }
}
