/**
 * One stretch of a partition: a .log file and its indexes.
 *
 * Index entries follow from the log alone, by Kafka's rule: a batch that starts
 * more than `indexIntervalSizeBytes` behind the last indexed batch (or the
 * segment's start) gets an entry in both. So an index that is rebuilt is byte
 * for byte the one that was lost. When a segment is sealed or closed, its time
 * index also gets the greatest timestamp; where appending goes on after a close,
 * that entry is taken back first. Kafka leaves it in, so its time indexes tell
 * how often it was stopped.
 */
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import { joinPath, segmentFileKinds, segmentFileName } from "./layout.ts";
import { LogFile } from "./log-file.ts";
import { OffsetIndex } from "./offset-index.ts";
import { ReadCheck } from "./read-check.ts";
import type { StorageContext } from "./storage-context.ts";
import { TimeIndex } from "./time-index.ts";
import type { IndexedTimestamp } from "./time-index.ts";

/** What the segment must know of a batch that is now in its file. */
export interface WrittenBatch {
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
  readonly position: number;
}

/** What the files of a segment are known to hold when it is opened. */
export interface SegmentFiles {
  readonly logSizeBytes: number;
  readonly offsetEntryCount: number;
  readonly timeEntryCount: number;
  readonly isSealed: boolean;
}

export const emptySegmentFiles: SegmentFiles = {
  logSizeBytes: 0,
  offsetEntryCount: 0,
  timeEntryCount: 0,
  isSealed: false,
};

export class Segment {
  // Fixed at open.
  readonly directory: string;
  readonly baseOffset: number;
  readonly log: LogFile;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  readonly check: ReadCheck;
  /** When this process opened or created it. */
  readonly createdMs: number;
  readonly #suffix: string;
  readonly #clock: Clock;
  readonly #random: Random;

  // Moves with each write.
  #indexedPosition = 0;
  #firstTimestampMs: number | null = null;
  #modifiedMs: number;
  #jitterShare: number | null = null;
  /** Null until it has been read from the time index. */
  #greatest: IndexedTimestamp | null;

  constructor(
    at: {
      readonly directory: string;
      readonly baseOffset: number;
      /** Behind the names of all files, while they are not in place. */
      readonly suffix?: string;
    },
    context: StorageContext,
    files: SegmentFiles,
  ) {
    const { directory, baseOffset, suffix = "" } = at;
    const place = (kind: "log" | "offsetIndex" | "timeIndex") => ({
      path: joinPath(directory, segmentFileName(baseOffset, kind) + suffix),
      baseOffset,
    });
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.#suffix = suffix;
    this.createdMs = context.clock.now();
    this.#modifiedMs = this.createdMs;
    this.#clock = context.clock;
    this.#random = context.random;
    this.log = new LogFile(place("log").path, context, {
      sizeBytes: files.logSizeBytes,
      isSealed: files.isSealed,
    });
    this.offsetIndex = new OffsetIndex(
      place("offsetIndex"),
      context.files,
      context.blocks,
      files.offsetEntryCount,
    );
    this.timeIndex = new TimeIndex(
      place("timeIndex"),
      context.files,
      context.blocks,
      { entryCount: files.timeEntryCount, lastTimestampMs: -1 },
    );
    this.check = new ReadCheck(this);
    this.#greatest =
      files.timeEntryCount === 0
        ? { timestampMs: -1, offset: baseOffset }
        : null;
  }

  get sizeBytes(): number {
    return this.log.sizeBytes;
  }

  /** Where the last indexed batch starts, or 0. */
  get indexedPosition(): number {
    return this.#indexedPosition;
  }

  /** The first batch's greatest timestamp; null while there is no batch, or nobody has looked. */
  get firstTimestampMs(): number | null {
    return this.#firstTimestampMs;
  }

  /** Its own part of `segment.jitter.ms`, in [0, 1): the same for as long as it is open. */
  get jitterShare(): number {
    this.#jitterShare ??= this.#random.fraction();
    return this.#jitterShare;
  }

  /** Reads from the indexes what appending needs, after a clean opening. */
  async resume(firstTimestampMs: number | null): Promise<void> {
    this.#firstTimestampMs = firstTimestampMs;
    const { offset, position } = await this.offsetIndex.last();
    this.#indexedPosition = position;
    // No entry points to the segment's first batch.
    this.#greatest = await this.timeIndex.resume(position > 0 ? offset : null);
  }

  /** The greatest timestamp and the last offset of the first batch that has it; -1 for none. */
  async greatestTimestamp(): Promise<IndexedTimestamp> {
    this.#greatest ??= await this.timeIndex.last();
    return this.#greatest;
  }

  /**
   * What retention goes by: the greatest timestamp, or, as in Kafka, when the
   * file was last written to, where no record has one. Null while nobody has
   * read the greatest timestamp.
   */
  get ageTimestampMs(): number | null {
    if (this.#greatest === null) return null;
    const { timestampMs } = this.#greatest;
    return timestampMs >= 0 ? timestampMs : this.#modifiedMs;
  }

  /** Only for segments that were resumed, rebuilt or new: theirs is in memory. */
  noteWritten(batch: WrittenBatch, indexIntervalSizeBytes: number): void {
    this.#modifiedMs = this.#clock.now();
    if (batch.position === 0) this.#firstTimestampMs = batch.maxTimestampMs;
    let greatest = this.#greatest ?? {
      timestampMs: -1,
      offset: this.baseOffset,
    };
    if (batch.maxTimestampMs > greatest.timestampMs) {
      greatest = {
        timestampMs: batch.maxTimestampMs,
        offset: batch.lastOffset,
      };
    }
    this.#greatest = greatest;
    if (batch.position - this.#indexedPosition > indexIntervalSizeBytes) {
      this.offsetIndex.append(batch.lastOffset, batch.position);
      this.timeIndex.maybeAppend(greatest.timestampMs, greatest.offset);
      this.#indexedPosition = batch.position;
    }
  }

  get isIndexFlushDue(): boolean {
    return this.offsetIndex.entries.isFlushDue;
  }

  /** Throws `DiskError`; nothing is lost then. */
  async flushIndexes(): Promise<void> {
    await this.offsetIndex.entries.flush();
    await this.timeIndex.entries.flush();
  }

  /**
   * Completes the indexes: the time index ends with the greatest timestamp, and
   * both files exist even when empty, as Kafka rebuilds what is missing.
   */
  async completeIndexes(): Promise<void> {
    const greatest = await this.greatestTimestamp();
    this.timeIndex.maybeAppend(greatest.timestampMs, greatest.offset);
    await this.flushIndexes();
    for (const index of [this.offsetIndex, this.timeIndex]) {
      (await index.entries.file.lease("append")).release();
    }
  }

  /** Cuts off what the files hold behind the entries that are known. Throws `DiskError`. */
  async truncateIndexes(): Promise<void> {
    await this.offsetIndex.entries.truncate();
    await this.timeIndex.entries.truncate();
  }

  async syncIndexes(): Promise<void> {
    await this.offsetIndex.entries.sync();
    await this.timeIndex.entries.sync();
  }

  /** Whoever still has the segment gets to its files no more; leases that are out stay good. */
  async retire(): Promise<void> {
    await this.log.file.retire();
    await this.offsetIndex.entries.file.retire();
    await this.timeIndex.entries.file.retire();
  }

  /** Removes all files that belong to the segment. Throws `DiskError`. */
  async remove(context: StorageContext): Promise<void> {
    await this.retire();
    // By the one table of suffixes, so that no later companion is forgotten.
    for (const kind of segmentFileKinds) {
      const name = segmentFileName(this.baseOffset, kind) + this.#suffix;
      await context.disk.remove(joinPath(this.directory, name));
    }
  }
}
