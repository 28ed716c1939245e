/**
 * One partition: appends, and what is known of its offsets.
 *
 *   startOffset <= highWatermark <= written end <= assigned end
 *
 * `append` gives offsets synchronously, in the order of the calls, and answers
 * at once; the bytes follow. There is one writer, so there is no lock: nothing
 * is awaited between reading a counter and moving it. Nothing is visible before
 * its write has returned, nor answered.
 *
 * After a failed write the log is back at its last written batch and goes on.
 * After a failed sync, or a write that failed for good, it is offline until it
 * is opened anew: nobody knows what is in the file.
 */
import {
  lastOffsetDeltaOf,
  maxTimestampOf,
  setLogAppendTime,
} from "../record/batch.ts";
import { assert } from "../lib/assert.ts";
import { checkAppend, storedForm } from "./append-check.ts";
import { AppendQueue, sizeBytesOf } from "./append-queue.ts";
import type { AppendGroup } from "./append-queue.ts";
import type { Appended, AppendResult } from "./append-result.ts";
import { AppendState } from "./append-state.ts";
import type { IncomingBatch } from "./append-state.ts";
import { LogCompaction } from "./compaction/log-compaction.ts";
import { FlushPolicy } from "./flush-policy.ts";
import type { EpochEnd, LeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import { LogStart } from "./log-start.ts";
import { LogReader } from "./log-reader.ts";
import type { ReadRequest, ReadResult } from "./log-reader.ts";
import { LogWriter } from "./log-writer.ts";
import type { LogEnd, LogPlace } from "./log-writer.ts";
import type { LogOptions, OpenedLog } from "./opened-log.ts";
import { producerOf } from "./producer-state.ts";
import type { Duplicate } from "./producer-state.ts";
import { removeOldSegments } from "./old-segments.ts";
import type { RetentionLimits } from "./retention.ts";
import { RecoveryCheckpoint } from "./recovery-checkpoint.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import {
  StorageError,
  isPassing,
  syncFault,
  writeFault,
} from "./storage-error.ts";
import { GroupCommit } from "./sync-policy.ts";
import { TimestampSearch } from "./timestamp-search.ts";
import type { FoundOffset } from "./timestamp-search.ts";

export type DeleteRecordsResult =
  | { readonly error: null; readonly startOffset: number }
  | { readonly error: "offset-out-of-range" };

export class PartitionLog {
  // Fixed at open.
  readonly #context: StorageContext;
  readonly #options: LogOptions;
  readonly #place: LogPlace;
  readonly #segments: SegmentList;
  readonly #epochs: LeaderEpochs;
  readonly #state: AppendState;
  readonly #writer: LogWriter;
  readonly #queue: AppendQueue;
  readonly #commit: GroupCommit;
  readonly #start: LogStart;
  readonly #flushes: FlushPolicy;
  readonly #checkpoint: RecoveryCheckpoint;
  readonly #reader: LogReader;
  readonly #search: TimestampSearch;
  readonly compaction: LogCompaction;
  readonly #listeners = new Set<() => void>();

  // Moves with each write or sync.
  #visible: LogEnd;

  // Moves when told to.
  #config: LogConfig;
  #leaderEpoch = 0;
  #fault: StorageError | null = null;
  #isClosed = false;

  constructor(
    opened: OpenedLog,
    context: StorageContext,
    config: LogConfig,
    options: LogOptions,
  ) {
    this.#context = context;
    this.#options = options;
    this.#config = config;
    this.#place = opened.place;
    this.#segments = opened.segments;
    this.#epochs = opened.epochs;
    this.#state = new AppendState(opened, context);
    this.#leaderEpoch = opened.epochs.latest?.epoch ?? 0;
    const end: LogEnd = {
      offset: opened.endOffset,
      segment: opened.segments.active,
      position: opened.segments.active.sizeBytes,
    };
    this.#visible = end;
    this.#writer = new LogWriter(context, opened.place, opened.epochs, {
      end,
      directoryExists: opened.directoryExists,
      isIncomplete: opened.isIncomplete,
      unsyncedIndexes: opened.unsyncedIndexes,
      snapshotOffsets: opened.snapshotOffsets,
    });
    this.#commit = new GroupCommit(
      context.syncs,
      () => this.#sync(),
      opened.endOffset,
    );
    this.#start = new LogStart(
      {
        directory: opened.place.directory,
        segments: opened.segments,
        epochs: opened.epochs,
        writer: this.#writer,
        commit: this.#commit,
        saved: options.savedStart,
      },
      opened.startOffset,
    );
    this.#flushes = new FlushPolicy(context.clock, this.#commit);
    this.#queue = new AppendQueue(context.clock, {
      write: (group) => this.#write(group),
      rollBack: (groups, error) => this.#rollBack(groups, error),
      cutBack: (group) => this.#cutBack(group),
    });
    this.#checkpoint = new RecoveryCheckpoint(
      context.clock,
      opened.place.directory,
      {
        state: this.#state,
        queue: this.#queue,
        commit: this.#commit,
        writer: this.#writer,
        save: options.saveRecoveryPoint,
        tidy: () => this.#writer.tidySnapshots(this.#segments),
        failed: (fault) => this.#goOffline(fault),
      },
    );
    this.#reader = new LogReader(
      this.#segments,
      this.#writer,
      options.onDamage,
    );
    this.#search = new TimestampSearch(this.#segments, this.#epochs);
    this.compaction = new LogCompaction(
      context,
      { ...opened, writer: this.#writer, commit: this.#commit },
      {
        config: () => this.#config,
        offsets: () => this,
        goOffline: (fault) => this.#goOffline(fault),
      },
    );
  }

  get startOffset(): number {
    return this.#start.offset;
  }

  /** Consumers see what lies below. */
  get highWatermark(): number {
    return this.#visible.offset;
  }

  /** Below every open transaction; without transactions, the high watermark. */
  get stableOffset(): number {
    return this.#visible.offset;
  }

  /** What has been written; what is assigned but not yet written lies behind it. */
  get endOffset(): number {
    return this.#writer.written.offset;
  }

  /** The size of all segments' records, as far as they are written. */
  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const segment of this.#segments.all()) sizeBytes += segment.sizeBytes;
    return sizeBytes;
  }

  /** False until the first write. */
  get hasDirectory(): boolean {
    return this.#writer.directoryExists;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  /** Why the log takes nothing any more, or null. */
  get fault(): StorageError | null {
    return this.#fault;
  }

  /** Files with bytes that no sync has covered yet. */
  get unsyncedPaths(): readonly string[] {
    const first = this.#segments.floor(this.#commit.syncedEndOffset);
    return this.#segments
      .all()
      .filter(({ baseOffset }) => baseOffset >= first.baseOffset)
      .map(({ log }) => log.path);
  }

  /** Batches appended from now on carry the epoch; it must not go back. */
  setLeaderEpoch(epoch: number): void {
    assert(epoch >= this.#leaderEpoch, "a leader epoch does not go back");
    this.#leaderEpoch = epoch;
  }

  configure(config: LogConfig): void {
    this.#config = config;
  }

  /** Calls the listener whenever the high watermark has moved, or the log failed; answers how to stop. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /**
   * Appends one batch. Its bytes are copied before this returns, and the caller's
   * stay as they are. They are stored as they came, unless the topic wants
   * another compression, but for what the log writes into every batch: the base
   * offset, the leader epoch and, if the topic says so, the append time.
   */
  append(produced: Uint8Array): AppendResult {
    if (this.#fault !== null || this.#isClosed) {
      const detail =
        this.#fault?.message ?? `${this.#place.directory} is closed`;
      return { error: "storage-offline", detail };
    }
    const config = this.#config;
    const nowMs = this.#context.clock.now();
    const refused = checkAppend(produced, config, nowMs);
    if (refused !== null) return refused;
    const bytes = storedForm(produced, config);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const isStamped = config.messageTimestampType === "LogAppendTime";
    const baseOffset = this.#state.endOffset;
    const incoming: IncomingBatch = {
      sizeBytes: bytes.length,
      baseOffset,
      lastOffset: baseOffset + lastOffsetDeltaOf(bytes, 0),
      maxTimestampMs: isStamped ? nowMs : maxTimestampOf(bytes, 0),
    };
    const producer = producerOf(bytes, 0, incoming);
    const answer =
      producer === null ? null : this.#state.checkSequence(producer);
    if (answer !== null && answer.error !== null) return answer;
    if (answer !== null && answer.duplicate !== null) {
      return this.#answerDuplicate(answer.duplicate, isStamped);
    }
    const leaderEpoch = this.#leaderEpoch;
    const rules = { config, leaderEpoch };
    const own = this.#writer.tail.copy(bytes);
    if (isStamped) setLogAppendTime(own.bytes, 0, nowMs);
    const assigned = this.#state.assign(own, incoming, producer, rules);
    const { segment, roll, batch } = assigned;
    const written = this.#queue.push(segment, roll, batch);
    return this.#answer({
      baseOffset,
      lastOffset: incoming.lastOffset,
      logAppendTimeMs: isStamped ? nowMs : null,
      isDuplicate: false,
      written,
    });
  }

  /** Bytes from the batch that holds the offset on; see `ReadRequest`. */
  read(request: ReadRequest): ReadResult | Promise<ReadResult> {
    if (this.#fault !== null || this.#isClosed) {
      return { error: "storage-offline" };
    }
    const { written } = this.#writer;
    const marks = () => ({
      startOffset: this.startOffset,
      highWatermark: this.highWatermark,
      stableOffset: this.stableOffset,
    });
    if (request.offset < this.startOffset || request.offset > written.offset) {
      return { error: "offset-out-of-range", ...marks() };
    }
    const end = request.limit === "end" ? written : this.#visible;
    const result = this.#reader.read(request, end, marks);
    return result instanceof Promise ? this.#watch(result) : result;
  }

  /** The first visible record whose timestamp is at least this, or null. Throws `StorageError`. */
  findOffsetByTimestamp(timestampMs: number): Promise<FoundOffset | null> {
    const range = {
      startOffset: this.startOffset,
      endOffset: this.highWatermark,
    };
    return this.#watch(this.#search.firstAtOrAfter(timestampMs, range));
  }

  /** The first visible record with the greatest timestamp, or null. Throws `StorageError`. */
  findMaxTimestamp(): Promise<FoundOffset | null> {
    const range = {
      startOffset: this.startOffset,
      endOffset: this.highWatermark,
    };
    return this.#watch(this.#search.greatest(range));
  }

  /** The leader epoch that the record with this offset was written in, or null. */
  epochOf(offset: number): number | null {
    return this.#epochs.epochOf(offset);
  }

  /**
   * Where that leader epoch ended; see `LeaderEpochs.endOffsetFor`. The current
   * one may not be entered yet, as nothing was written in it: it ends at the end.
   */
  endOffsetForEpoch(epoch: number): EpochEnd | null {
    if (epoch === this.leaderEpoch && epoch >= 0) {
      return { epoch, endOffset: this.endOffset };
    }
    return this.#epochs.endOffsetFor(epoch, this.endOffset);
  }

  /**
   * Makes `offset` the log's start, and removes segments that lie below it;
   * null means everything visible. Throws `StorageError`.
   */
  async deleteRecordsBefore(
    offset: number | null,
  ): Promise<DeleteRecordsResult> {
    const target = offset ?? this.highWatermark;
    if (target < 0 || target > this.highWatermark) {
      return { error: "offset-out-of-range" };
    }
    await this.#start.moveTo(target);
    return { error: null, startOffset: this.startOffset };
  }

  /**
   * Removes the segments that the limits let go, and begins a new one first if
   * the one that is written to goes too. Answers those that are gone. Throws
   * `StorageError`.
   */
  removeOldSegments(limits: RetentionLimits): Promise<readonly Segment[]> {
    return removeOldSegments(
      { segments: this.#segments, writer: this.#writer, start: this.#start },
      limits,
      {
        now: () => ({
          nowMs: this.#context.clock.now(),
          startOffset: this.startOffset,
          highWatermark: this.highWatermark,
          endOffset: this.#state.endOffset,
        }),
        isOver: () => this.#fault !== null || this.#isClosed,
        roll: () => this.#roll(),
      },
    );
  }

  /** Syncs everything written so far. Rejects with a `StorageError`. */
  sync(): Promise<void> {
    return this.#commit.wait(this.endOffset);
  }

  /**
   * Writes out what is queued and gives the files back. After a clean close the
   * next opening reads no records; false means that it has to.
   */
  async close(how: { readonly isClean: boolean }): Promise<boolean> {
    this.#isClosed = true;
    await this.compaction.close();
    await this.#queue.idle();
    this.#flushes.stop();
    await this.#start.close();
    await this.#checkpoint.stop();
    await this.#commit.idle();
    let isClean = how.isClean && this.#fault === null;
    if (isClean && this.#writer.isIncomplete) {
      try {
        await this.#writer.complete(this.#state.encodeProducers());
      } catch (error) {
        // Without room the next opening has to look, and that is all.
        if (!isPassing(error)) {
          this.#goOffline(syncFault(this.#place.directory, error));
        }
        isClean = false;
      }
    }
    const closed = new StorageError(
      "log-closed",
      this.#place.directory,
      "the log was closed",
    );
    this.#commit.fail(closed);
    for (const segment of this.#segments.all()) await segment.retire();
    this.#notify();
    return isClean;
  }

  /** The original may still be on its way to the file: its write and sync count. */
  #answerDuplicate(duplicate: Duplicate, isStamped: boolean): AppendResult {
    const { baseOffset, lastOffset, timestampMs } = duplicate;
    return this.#answer({
      baseOffset,
      lastOffset,
      logAppendTimeMs: isStamped ? timestampMs : null,
      isDuplicate: true,
      written: this.#queue.writeOf(lastOffset),
    });
  }

  #answer(
    appended: Omit<Appended, "error" | "startOffset" | "durable">,
  ): Appended {
    return {
      error: null,
      ...appended,
      startOffset: this.startOffset,
      durable: async () => {
        await appended.written;
        await this.#commit.wait(appended.lastOffset + 1);
      },
    };
  }

  /** Begins a new segment, behind what is assigned. Rejects with a `StorageError`. */
  #roll(): Promise<void> {
    const { segment, roll } = this.#state.startSegment(this.#config);
    return this.#queue.push(segment, roll, null);
  }

  async #write(group: AppendGroup): Promise<void> {
    if (this.#fault !== null) throw this.#fault;
    await this.#writer.write(group, this.#config);
    // A sync failed while the write ran: what the file holds before it may be
    // gone, and recovery cuts there. So the write counts for nobody.
    if (this.#fault !== null) throw this.#fault;
    const { written } = this.#writer;
    this.#checkpoint.noteWritten(sizeBytesOf(group));
    if (this.#options.visibility === "page-cache") {
      this.#visible = written;
      this.#notify();
    } else void this.#commit.request();
    // A sealed file that is on the disk is opened anew to be mapped whole.
    if (group.roll !== null) void this.#commit.request();
    await this.#writer.maybeFlushIndexes();
    await this.#flushes.afterWrite(written.offset, this.#config);
  }

  async #sync(): Promise<number> {
    if (this.#fault !== null) throw this.#fault;
    const end = this.#writer.written;
    try {
      const endOffset = await this.#writer.sync();
      if (this.#options.visibility === "durable") {
        this.#visible = end;
        this.#notify();
      }
      return endOffset;
    } catch (error) {
      const fault = syncFault(this.#place.directory, error);
      this.#goOffline(fault);
      throw fault;
    }
  }

  #rollBack(groups: readonly AppendGroup[], error: unknown): StorageError {
    const fault = writeFault(this.#place.directory, error);
    const { written } = this.#writer;
    this.#state.rollBack(groups, written);
    if (fault.code === "storage-offline") this.#goOffline(fault);
    return fault;
  }

  async #cutBack(group: AppendGroup): Promise<void> {
    if (this.#fault !== null) return;
    try {
      await this.#writer.cutBack(group);
    } catch (error) {
      this.#goOffline(syncFault(this.#place.directory, error));
    }
  }

  /** A disk that cannot give back what is on it: the log goes offline. */
  async #watch<Result>(reading: Promise<Result>): Promise<Result> {
    try {
      return await reading;
    } catch (error) {
      const isFault =
        error instanceof StorageError && error.code === "storage-offline";
      if (isFault && !this.#isClosed) this.#goOffline(error);
      throw error;
    }
  }

  #goOffline(fault: StorageError): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#flushes.stop();
    this.#commit.fail(fault);
    this.#options.onFault(fault);
    this.#notify();
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
