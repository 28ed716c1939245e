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
import type { AppendResult } from "./append-result.ts";
import { AppendState } from "./append-state.ts";
import { LogCompaction } from "./compaction/log-compaction.ts";
import { HighWatermark } from "./high-watermark.ts";
import type { EpochEnd, LeaderEpochs } from "./leader-epochs.ts";
import { LogAppender } from "./log-appender.ts";
import { LogCommitter } from "./log-committer.ts";
import type { LogConfig } from "./log-config.ts";
import { LogHealth } from "./log-health.ts";
import { LogStart } from "./log-start.ts";
import { LogReader } from "./log-reader.ts";
import type { ReadRequest, ReadResult } from "./log-reader.ts";
import { LogWriter } from "./log-writer.ts";
import type { LogEnd } from "./log-writer.ts";
import type { LogOptions, OpenedLog } from "./opened-log.ts";
import { removeOldSegments } from "./old-segments.ts";
import type { RetentionLimits } from "./retention.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import type { StorageError } from "./storage-error.ts";
import { TimestampSearch } from "./timestamp-search.ts";
import type { FoundOffset } from "./timestamp-search.ts";

export type DeleteRecordsResult =
  | { readonly error: null; readonly startOffset: number }
  | { readonly error: "offset-out-of-range" };

export class PartitionLog {
  readonly #context: StorageContext;
  readonly #segments: SegmentList;
  readonly #epochs: LeaderEpochs;
  readonly #state: AppendState;
  readonly #writer: LogWriter;
  readonly #health: LogHealth;
  readonly #highWatermark: HighWatermark;
  readonly #committer: LogCommitter;
  readonly #start: LogStart;
  readonly #appender: LogAppender;
  readonly #reader: LogReader;
  readonly #search: TimestampSearch;
  readonly compaction: LogCompaction;

  constructor(
    opened: OpenedLog,
    context: StorageContext,
    config: LogConfig,
    options: LogOptions,
  ) {
    const { segments, epochs } = opened;
    const { directory } = opened.place;
    this.#context = context;
    this.#segments = segments;
    this.#epochs = epochs;
    this.#state = new AppendState(opened, context, config);
    const end: LogEnd = {
      offset: opened.endOffset,
      segment: segments.active,
      position: segments.active.sizeBytes,
    };
    this.#writer = new LogWriter(context, opened.place, epochs, {
      ...opened,
      end,
    });
    this.#highWatermark = new HighWatermark(end);
    this.#health = new LogHealth((fault) => {
      this.#committer.abandon(fault);
      options.onFault(fault);
      this.#highWatermark.notify();
    });
    const parts = {
      directory,
      segments,
      epochs,
      state: this.#state,
      writer: this.#writer,
      health: this.#health,
      highWatermark: this.#highWatermark,
    };
    this.#committer = new LogCommitter(context, parts, options);
    const { queue, commit } = this.#committer;
    this.#start = new LogStart(
      { ...parts, commit, saved: options.savedStart },
      opened.startOffset,
    );
    this.#appender = new LogAppender(context.clock, {
      ...parts,
      start: this.#start,
      tail: this.#writer.tail,
      queue,
      commit,
    });
    this.#reader = new LogReader(segments, this.#writer, options.onDamage);
    this.#search = new TimestampSearch(segments, epochs);
    this.compaction = new LogCompaction(
      context,
      { ...opened, writer: this.#writer, commit },
      {
        config: () => this.#state.config,
        offsets: () => this,
        reachCheckpoint: (offset) => this.#committer.reachCheckpoint(offset),
        goOffline: (fault) => this.#health.goOffline(fault),
      },
    );
  }

  get startOffset(): number {
    return this.#start.offset;
  }

  /** Consumers see what lies below. */
  get highWatermark(): number {
    return this.#highWatermark.offset;
  }

  /** Below every open transaction; without transactions, the high watermark. */
  get stableOffset(): number {
    return this.#highWatermark.offset;
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
    return this.#state.leaderEpoch;
  }

  /** Why the log takes nothing any more, or null. */
  get fault(): StorageError | null {
    return this.#health.fault;
  }

  /** Files with bytes that no sync has covered yet. */
  get unsyncedPaths(): readonly string[] {
    const first = this.#segments.floor(this.#committer.commit.syncedEndOffset);
    return this.#segments
      .all()
      .filter(({ baseOffset }) => baseOffset >= first.baseOffset)
      .map(({ log }) => log.path);
  }

  /** Batches appended from now on carry the epoch; it must not go back. */
  setLeaderEpoch(epoch: number): void {
    this.#state.setLeaderEpoch(epoch);
  }

  configure(config: LogConfig): void {
    this.#state.configure(config);
  }

  /** Calls the listener whenever the high watermark has moved, or the log failed; answers how to stop. */
  onAppend(listener: () => void): () => void {
    return this.#highWatermark.onMove(listener);
  }

  /**
   * Appends one batch. Its bytes are copied before this returns, and the caller's
   * stay as they are. They are stored as they came, unless the topic wants
   * another compression, but for what the log writes into every batch: the base
   * offset, the leader epoch and, if the topic says so, the append time.
   */
  append(produced: Uint8Array): AppendResult {
    return this.#appender.append(produced);
  }

  /** Bytes from the batch that holds the offset on; see `ReadRequest`. */
  read(request: ReadRequest): ReadResult | Promise<ReadResult> {
    if (this.#health.isOver) {
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
    const end = request.limit === "end" ? written : this.#highWatermark.end;
    const result = this.#reader.read(request, end, marks);
    return result instanceof Promise ? this.#health.watch(result) : result;
  }

  /** The first visible record whose timestamp is at least this, or null. Throws `StorageError`. */
  findOffsetByTimestamp(timestampMs: number): Promise<FoundOffset | null> {
    const range = {
      startOffset: this.startOffset,
      endOffset: this.highWatermark,
    };
    return this.#health.watch(this.#search.firstAtOrAfter(timestampMs, range));
  }

  /** The first visible record with the greatest timestamp, or null. Throws `StorageError`. */
  findMaxTimestamp(): Promise<FoundOffset | null> {
    const range = {
      startOffset: this.startOffset,
      endOffset: this.highWatermark,
    };
    return this.#health.watch(this.#search.greatest(range));
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
        isOver: () => this.#health.isOver,
        roll: () => this.#appender.roll(),
      },
    );
  }

  /** Syncs everything written so far. Rejects with a `StorageError`. */
  sync(): Promise<void> {
    return this.#committer.commit.wait(this.endOffset);
  }

  /**
   * Writes out what is queued and gives the files back. After a clean close the
   * next opening reads no records; false means that it has to.
   */
  async close(how: { readonly isClean: boolean }): Promise<boolean> {
    this.#health.close();
    await this.compaction.close();
    await this.#committer.drain();
    await this.#start.close();
    const isClean = await this.#committer.close(how);
    for (const segment of this.#segments.all()) await segment.retire();
    this.#highWatermark.notify();
    return isClean;
  }
}
