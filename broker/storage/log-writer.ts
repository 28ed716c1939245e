/**
 * The files of one partition while they grow: writes groups of batches, rolls
 * to new segments, syncs what is dirty, and completes everything on a clean
 * close. What is being assigned in memory meanwhile is `PartitionLog`'s.
 *
 * An empty partition has no directory: it appears with the first write. So
 * before the first sync counts, the directory is synced for its new files, and
 * the data directory for the new directory.
 */
import { takeBatches } from "./append-queue.ts";
import type { AppendGroup, Roll } from "./append-queue.ts";
import { replaceRebuildableFile } from "./checkpoint.ts";
import { LEADER_EPOCH_FILE, joinPath } from "./layout.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import { writePartitionMetadata } from "./partition-metadata.ts";
import { ProducerSnapshotFiles } from "./producer-snapshot-files.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import { StorageError, syncFault, writeFault } from "./storage-error.ts";
import { TailCache } from "./tail-cache.ts";

/** An end of the log: everything before it is written, or visible, or synced. */
export interface LogEnd {
  /** Exclusive. */
  readonly offset: number;
  readonly segment: Segment;
  /** Exclusive, in the segment's file. */
  readonly position: number;
}

export interface LogPlace {
  readonly dataDirectory: string;
  readonly directory: string;
  readonly topicId: string;
}

export class LogWriter {
  readonly #context: StorageContext;
  readonly #place: LogPlace;
  readonly #epochs: LeaderEpochs;
  readonly #snapshots: ProducerSnapshotFiles;
  readonly tail: TailCache;

  #written: LogEnd;
  #directoryExists: boolean;
  // What is not on the disk yet.
  readonly #dirtySegments = new Set<Segment>();
  readonly #unsyncedIndexes: Set<Segment>;
  #isDirectoryDirty = false;
  #isParentDirty = false;
  #areEpochsUnsynced = true;
  /** The files lack what a clean close leaves: something was written, or opening had to scan. */
  #isIncomplete: boolean;

  constructor(
    context: StorageContext,
    place: LogPlace,
    epochs: LeaderEpochs,
    state: {
      readonly end: LogEnd;
      readonly directoryExists: boolean;
      readonly isIncomplete: boolean;
      readonly unsyncedIndexes: readonly Segment[];
      readonly snapshotOffsets: readonly number[];
    },
  ) {
    this.#context = context;
    this.#place = place;
    this.#epochs = epochs;
    this.tail = new TailCache(context.tails);
    this.#snapshots = new ProducerSnapshotFiles(
      context.disk,
      place.directory,
      state.snapshotOffsets,
    );
    this.#written = state.end;
    this.#directoryExists = state.directoryExists;
    this.#isIncomplete = state.isIncomplete;
    this.#unsyncedIndexes = new Set(state.unsyncedIndexes);
  }

  /** What `write` has returned for. */
  get written(): LogEnd {
    return this.#written;
  }

  get directoryExists(): boolean {
    return this.#directoryExists;
  }

  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** Rejects with the disk's error; then `cutBack` is due. */
  async write(group: AppendGroup, config: LogConfig): Promise<void> {
    const { segment, batches } = group;
    this.#isIncomplete = true;
    if (!this.#directoryExists) await this.#createDirectory();
    if (group.roll !== null) await this.#completeSealed(group.roll, segment);
    if (this.#epochs.isDirty) await this.writeEpochs();
    const isNewFile = segment.sizeBytes === 0;
    this.#dirtySegments.add(segment);
    await segment.log.append(() =>
      takeBatches(group).map((batch) => batch.bytes),
    );
    // A sync that began meanwhile took the segment off, and may have missed this.
    this.#dirtySegments.add(segment);
    if (isNewFile) this.#isDirectoryDirty = true;
    let endOffset = this.#written.offset;
    for (const batch of batches) {
      segment.noteWritten(batch, config.indexIntervalSizeBytes);
      this.tail.add(segment, batch);
      batch.place?.chunk.release();
      endOffset = batch.lastOffset + 1;
    }
    this.#written = {
      offset: endOffset,
      segment,
      position: segment.sizeBytes,
    };
  }

  /** Hands gathered index entries to the system, if they are many enough. */
  async maybeFlushIndexes(): Promise<void> {
    const { segment } = this.#written;
    if (!segment.isIndexFlushDue) return;
    try {
      await segment.flushIndexes();
    } catch (error) {
      // Without room they stay in memory, and the next flush takes them along.
      const fault = writeFault(segment.log.path, error);
      if (fault.code !== "storage-full") throw fault;
    }
  }

  /** Brings the files back to the last whole batch after a failed write of the group. */
  async cutBack(group: AppendGroup): Promise<void> {
    if (!this.#directoryExists) return;
    await group.segment.log.cutBack();
    // A segment that got no batch is not the log's any more.
    if (group.segment !== this.#written.segment) {
      this.#dirtySegments.delete(group.segment);
      // What is appended next may go into the segment before. If a power cut
      // brought this one back, it would begin amid those offsets.
      this.#isDirectoryDirty = true;
      await group.segment.remove(this.#context);
    }
  }

  /** Makes durable what is written now; answers the offset that this reaches to. */
  async sync(): Promise<number> {
    const { offset, segment: active } = this.#written;
    const segments = [...this.#dirtySegments];
    this.#dirtySegments.clear();
    const isDirectoryDirty = this.#isDirectoryDirty;
    const isParentDirty = this.#isParentDirty;
    this.#isDirectoryDirty = false;
    this.#isParentDirty = false;
    for (const segment of segments) {
      if (segment.sizeBytes > 0) await segment.log.sync();
      if (segment.baseOffset < active.baseOffset) segment.log.seal();
    }
    const { disk } = this.#context;
    if (isDirectoryDirty) await disk.syncDirectory(this.#place.directory);
    if (isParentDirty) await disk.syncDirectory(this.#place.dataDirectory);
    return offset;
  }

  /** Segments that are no longer in the list: no sync from now on takes them along. */
  disown(segments: readonly Segment[]): void {
    for (const segment of segments) {
      this.#dirtySegments.delete(segment);
      this.#unsyncedIndexes.delete(segment);
    }
  }

  /** Of producers whose batches are about to be removed, the snapshot that a segment begins with is all there is. */
  async syncSnapshot(baseOffset: number): Promise<void> {
    await this.#snapshots.sync(baseOffset);
  }

  /** Removes the files of a segment that was disowned, and that no sync has in hand. */
  async remove(segment: Segment): Promise<void> {
    // Also where nothing else was written: the epochs' file lags behind.
    this.#isIncomplete = true;
    this.#isDirectoryDirty = true;
    await segment.remove(this.#context);
  }

  async syncDirectory(): Promise<void> {
    await this.#context.disk.syncDirectory(this.#place.directory);
  }

  async writeEpochs(): Promise<void> {
    if (!this.#directoryExists) return;
    await replaceRebuildableFile(
      this.#context.disk,
      { directory: this.#place.directory, name: LEADER_EPOCH_FILE },
      this.#epochs.encode(),
    );
    this.#epochs.noteWritten();
    this.#areEpochsUnsynced = true;
    this.#isDirectoryDirty = true;
  }

  /**
   * Makes durable what recovery relies on besides the records below the offset,
   * which are synced. May run beside writes. Rejects with the disk's error, and
   * with a `StorageError` when an index could not be synced.
   */
  async completeBelow(offset: number, snapshot: Uint8Array): Promise<void> {
    const { segment: active } = this.#written;
    await active.flushIndexes();
    for (const segment of [...this.#unsyncedIndexes]) {
      await this.#syncIndexes(segment, { isSealed: segment !== active });
      this.#unsyncedIndexes.delete(segment);
    }
    await this.#syncIndexes(active, { isSealed: false });
    if (this.#areEpochsUnsynced) await this.#syncEpochs();
    await this.#snapshots.write(offset, snapshot, { isSynced: true });
  }

  /** Removes snapshots of producers that no opening has a use for. */
  tidySnapshots(segments: SegmentList): Promise<void> {
    return this.#snapshots.tidy(
      (offset) => segments.floor(offset).baseOffset === offset,
    );
  }

  /** Everything that the next opening relies on, durable. Nothing may be queued any more. */
  async complete(snapshot: Uint8Array): Promise<void> {
    const { segment, offset } = this.#written;
    if (!this.#directoryExists) return;
    if (this.#epochs.isDirty) await this.writeEpochs();
    await segment.completeIndexes();
    await this.#snapshots.write(offset, snapshot, { isSynced: false });
    this.#unsyncedIndexes.add(segment);
    for (const unsynced of this.#unsyncedIndexes) {
      await unsynced.completeIndexes();
      await unsynced.syncIndexes();
    }
    this.#unsyncedIndexes.clear();
    this.#isDirectoryDirty = true;
    await this.sync();
  }

  async #createDirectory(): Promise<void> {
    const { disk } = this.#context;
    await disk.createDirectory(this.#place.directory);
    await writePartitionMetadata(
      disk,
      this.#place.directory,
      this.#place.topicId,
    );
    this.#directoryExists = true;
    this.#isParentDirty = true;
  }

  async #completeSealed(roll: Roll, next: Segment): Promise<void> {
    await roll.sealed.completeIndexes();
    this.#unsyncedIndexes.add(roll.sealed);
    const { baseOffset } = next;
    await this.#snapshots.write(baseOffset, roll.snapshot, { isSynced: false });
  }

  async #syncIndexes(
    segment: Segment,
    { isSealed }: { readonly isSealed: boolean },
  ): Promise<void> {
    try {
      // Opening may have found no room for them.
      if (isSealed) await segment.completeIndexes();
      await segment.syncIndexes().catch((error: unknown) => {
        throw syncFault(segment.log.path, error);
      });
    } catch (error) {
      // The segment was removed meanwhile, and its indexes with it.
      if (error instanceof StorageError && error.code === "log-closed") return;
      throw error;
    }
  }

  async #syncEpochs(): Promise<void> {
    this.#areEpochsUnsynced = false;
    const path = joinPath(this.#place.directory, LEADER_EPOCH_FILE);
    let isSynced = false;
    try {
      const file = await this.#context.disk.open(path, "append");
      try {
        await file.sync().catch((error: unknown) => {
          throw syncFault(path, error);
        });
        isSynced = true;
      } finally {
        await file.close();
      }
    } finally {
      // Where no descriptor was to be had, the next try has it to do.
      if (!isSynced) this.#areEpochsUnsynced = true;
    }
  }
}
