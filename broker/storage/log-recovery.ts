/**
 * Opens a partition's files when they may not be complete: after a stop that
 * was not clean, or where something is missing that a clean one leaves.
 *
 * Below the recovery checkpoint everything was on the disk when the checkpoint
 * was written: records, indexes, and a snapshot of the producers. So
 *
 * - a segment that ends below it keeps its indexes and is not read;
 * - the segment that holds it, or ends at it, is scanned from the last index entry
 *   below it on;
 * - segments behind it are scanned whole, and their indexes built anew.
 *
 * One that ends at it was the last when the checkpoint was written: its indexes
 * were synced then, and completed when it was sealed, which no sync covers.
 *
 * Of producers and leader epochs the files know what was true at or below the
 * checkpoint; the batches from there on tell the rest.
 *
 * What does not hold behind the checkpoint, in the last segment, is a torn tail
 * and cut off. After a power cut, where boots can be told apart, the tail may begin
 * earlier: of what was written since the last sync anything may be there.
 *
 *   a segment ends, its sync is under way, the next one is written to, power fails
 *   -> the first has a hole or lacks its end, and the next one may be whole
 *
 * A sync covers everything before it, so nothing behind such a hole was promised
 * to be on the disk: it is cut off, with the segments behind it, or offsets would
 * be missing for ever between records that nobody was promised.
 *
 * Anything else is damage: it stays, is reported, and what lies behind it is
 * served. A last segment whose end is damaged is not written to any
 * more: the log goes on in a new one, at the offset where it was to go on.
 *
 * In the boot that wrote them, batches are believed by their headers and only
 * the last one is checked whole: a killed process tears nothing but its last
 * write. If that one does not hold, all of them are checked after all.
 */
import { partitionLeaderEpochOf } from "../record/batch.ts";
import type { DiskFile } from "../platform/disk.ts";
import { findBatch } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import { readOffsetIndexPrefix, readTimeIndexPrefix } from "./index-prefix.ts";
import type { OffsetIndexPrefix } from "./index-prefix.ts";
import { segmentFilesOf } from "./partition-files.ts";
import type { PartitionFiles, SurveyedSegment } from "./partition-files.ts";
import { LeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import { producerOf } from "./producer-state.ts";
import type { ProducerState } from "./producer-state.ts";
import type { Finding } from "./recovery-report.ts";
import { scanSegment, verifyBatch } from "./segment-recovery.ts";
import type { ScanResult } from "./segment-recovery.ts";
import { Segment, emptySegmentFiles } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import { isPassing } from "./storage-error.ts";

export interface RecoveryStart {
  /** Below it everything was on the disk. */
  readonly trustedEndOffset: number;
  /** False: any batch behind the trusted end may be torn. */
  readonly isPageCacheIntact: boolean;
  /** Of what was written since the last sync, any part may be there. */
  readonly isPageCacheLost: boolean;
  /** As the file says; null where it is not to be had, and the batches tell. */
  readonly epochs: LeaderEpochs | null;
  readonly producers: ProducerState;
  /** What the producers' state is the state of. */
  readonly producersOffset: number;
}

export interface RecoveredSegments {
  readonly segments: readonly Segment[];
  readonly endOffset: number;
  readonly epochs: LeaderEpochs;
  readonly producers: ProducerState;
  /** Their indexes were built anew: not on the disk yet, nor in the file where that had no room. */
  readonly rebuilt: readonly Segment[];
  /** Nothing more may be appended to the last segment. */
  readonly isEndDamaged: boolean;
  readonly scannedSizeBytes: number;
  readonly cuts: readonly Finding[];
  readonly damages: readonly Finding[];
}

/** Segments behind a hole were removed: what is left is to be recovered, from what it is now. */
export interface ShortenedLog {
  readonly segments: null;
  readonly cuts: readonly Finding[];
}

/** Null: the last batch does not hold, so nothing may be believed by its header. Throws `DiskError`. */
export async function recoverSegments(
  files: PartitionFiles,
  context: StorageContext,
  at: { readonly directory: string; readonly config: LogConfig },
  start: RecoveryStart,
): Promise<RecoveredSegments | ShortenedLog | null> {
  return new LogRecovery(context, at, start).run(files);
}

interface OpenedSegment {
  readonly segment: Segment;
  /** Its indexes lack entries, all of them or the newest. */
  readonly isRebuilt: boolean;
  /** All of them, also what the checkpoint may have promised. */
  readonly isBare: boolean;
}

class LogRecovery {
  readonly #context: StorageContext;
  readonly #directory: string;
  readonly #config: LogConfig;
  readonly #start: RecoveryStart;
  readonly #epochs: LeaderEpochs;
  #scannedSizeBytes = 0;
  readonly #cuts: Finding[] = [];
  readonly #damages: Finding[] = [];

  constructor(
    context: StorageContext,
    at: { readonly directory: string; readonly config: LogConfig },
    start: RecoveryStart,
  ) {
    this.#context = context;
    this.#directory = at.directory;
    this.#config = at.config;
    this.#start = start;
    this.#epochs = start.epochs ?? new LeaderEpochs();
  }

  async run(
    files: PartitionFiles,
  ): Promise<RecoveredSegments | ShortenedLog | null> {
    const segments: Segment[] = [];
    const rebuilt: Segment[] = [];
    let endOffset = files.segments[0]?.baseOffset ?? 0;
    let isEndDamaged = false;
    for (const [slot, found] of files.segments.entries()) {
      const next = files.segments[slot + 1]?.baseOffset ?? null;
      const opened = await this.#openSegment(found, next);
      if (this.#mustScan(opened.isRebuilt, next)) {
        const result = await this.#scan(opened, next);
        if (result === null) return null;
        if (this.#isHole(result, next)) {
          await this.#removeSegments(files.segments.slice(slot + 1));
          return { segments: null, cuts: this.#cuts };
        }
        ({ endOffset, isEndDamaged } = result);
      }
      segments.push(opened.segment);
      if (opened.isRebuilt) rebuilt.push(opened.segment);
    }
    return {
      segments,
      endOffset,
      epochs: this.#epochs,
      producers: this.#start.producers,
      rebuilt,
      isEndDamaged,
      scannedSizeBytes: this.#scannedSizeBytes,
      cuts: this.#cuts,
      damages: this.#damages,
    };
  }

  /** Batches from this offset on have something to tell. */
  get #learnFromOffset(): number {
    return this.#start.epochs === null ? 0 : this.#start.producersOffset;
  }

  #isTrusted(next: number | null): boolean {
    return next !== null && next <= this.#start.trustedEndOffset;
  }

  /** Nothing was added to its indexes since the checkpoint was written. */
  #areIndexesTrusted(next: number | null): boolean {
    return next !== null && next < this.#start.trustedEndOffset;
  }

  /** Not a sealed segment below the checkpoint, with its indexes, whose producers are known. */
  #mustScan(isRebuilt: boolean, next: number | null): boolean {
    if (isRebuilt || !this.#isTrusted(next)) return true;
    return next === null || next > this.#learnFromOffset;
  }

  async #openSegment(
    found: SurveyedSegment,
    next: number | null,
  ): Promise<OpenedSegment> {
    const { baseOffset } = found;
    const kept = segmentFilesOf(found, { isSealed: next !== null });
    if (this.#areIndexesTrusted(next) && kept !== null) {
      const segment = this.#segment(baseOffset, kept);
      return { segment, isRebuilt: false, isBare: false };
    }
    if (baseOffset < this.#start.trustedEndOffset) {
      const partial = await this.#keepIndexPrefix(found, next);
      if (partial !== null) {
        return { segment: partial, isRebuilt: true, isBare: false };
      }
    }
    const segment = this.#segment(baseOffset, {
      ...emptySegmentFiles,
      logSizeBytes: found.logSizeBytes,
      isSealed: next !== null,
    });
    for (const { entries } of [segment.offsetIndex, segment.timeIndex]) {
      await this.#removeIndex(entries.path);
    }
    return { segment, isRebuilt: true, isBare: true };
  }

  async #removeIndex(path: string): Promise<void> {
    // A handle from a first try would write to the file that is gone.
    await this.#context.files.forget(path);
    await this.#context.disk.remove(path);
  }

  /** The segment with what its indexes say of batches below the checkpoint; null where that is nothing. */
  async #keepIndexPrefix(
    found: SurveyedSegment,
    next: number | null,
  ): Promise<Segment | null> {
    const { baseOffset, logSizeBytes } = found;
    if (found.offsetIndexSizeBytes === null) return null;
    if (found.timeIndexSizeBytes === null) return null;
    const bare = this.#segment(baseOffset, {
      ...emptySegmentFiles,
      logSizeBytes,
      isSealed: true,
    });
    const prefix = await this.#offsetPrefix(bare, logSizeBytes);
    if (prefix === null) return null;
    const { lastRelativeOffset, entryCount } = prefix;
    const timePath = bare.timeIndex.entries.path;
    const timeEntryCount = await this.#withFile(timePath, (file) =>
      readTimeIndexPrefix(file, lastRelativeOffset),
    );
    const segment = this.#segment(baseOffset, {
      logSizeBytes,
      offsetEntryCount: entryCount,
      timeEntryCount,
      isSealed: next !== null,
    });
    // At once: what is behind it now must not be taken for entries later.
    await segment.truncateIndexes();
    const first = await findBatch(
      segment.log,
      { position: 0, endPosition: logSizeBytes },
      () => true,
    );
    await segment.resume(
      first.error === null ? first.batch.maxTimestampMs : null,
    );
    return segment;
  }

  /** The entries up to the newest whose batch is where it should be. */
  async #offsetPrefix(
    bare: Segment,
    logSizeBytes: number,
  ): Promise<OffsetIndexPrefix | null> {
    const { trustedEndOffset } = this.#start;
    const { path } = bare.offsetIndex.entries;
    const prefixes = await this.#withFile(path, (file) =>
      readOffsetIndexPrefix(file, {
        endRelativeOffset: trustedEndOffset - bare.baseOffset,
        logSizeBytes,
      }),
    );
    for (const prefix of prefixes.toReversed()) {
      const offset = bare.baseOffset + prefix.lastRelativeOffset;
      const range = {
        position: prefix.lastPosition,
        endPosition: logSizeBytes,
      };
      const found = await findBatch(bare.log, range, () => true);
      if (found.error === null && found.batch.lastOffset === offset) {
        return prefix;
      }
    }
    return null;
  }

  async #withFile<Result>(
    path: string,
    use: (file: DiskFile) => Promise<Result>,
  ): Promise<Result> {
    const file = await this.#context.disk.open(path, "read");
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  /** The tail of what was written begins in this segment, though others follow. */
  #isHole(result: ScanResult, next: number | null): boolean {
    const { trustedEndOffset, isPageCacheLost } = this.#start;
    if (next === null || !isPageCacheLost || this.#isTrusted(next)) {
      return false;
    }
    if (result.torn !== null) return true;
    // Compaction may have taken the last offsets.
    const isShort = result.endOffset < next && !this.#config.needsKeys;
    return isShort && result.endOffset >= trustedEndOffset;
  }

  async #removeSegments(segments: readonly SurveyedSegment[]): Promise<void> {
    for (const { baseOffset, logSizeBytes } of segments) {
      const segment = this.#segment(baseOffset);
      this.#cuts.push({
        path: segment.log.path,
        position: 0,
        sizeBytes: logSizeBytes,
        detail: "offsets before it are missing",
      });
      await segment.remove(this.#context);
    }
  }

  /** Null as of `recoverSegments`. */
  async #scan(
    { segment, isRebuilt, isBare }: OpenedSegment,
    next: number | null,
  ): Promise<ScanResult | null> {
    const { disk } = this.#context;
    const { path } = segment.log;
    const { trustedEndOffset, isPageCacheIntact, isPageCacheLost } =
      this.#start;
    const isTrusted = this.#isTrusted(next);
    const startPosition = await this.#scanStart(segment, isRebuilt);
    // Whatever handle is open does not know of the cut.
    await this.#context.files.forget(path);
    const file = await disk.open(path, isTrusted ? "read" : "append");
    try {
      const damages: Finding[] = [];
      const result = await scanSegment(file, {
        startPosition,
        startOffset: segment.baseOffset,
        trustedEndOffset,
        nextBaseOffset: next,
        canBeTorn: next === null || (!isTrusted && isPageCacheLost),
        verifiesCrc: !isPageCacheIntact,
        visit: (batch, header) => {
          this.#note(segment, batch, isRebuilt);
          this.#learn(batch, header);
        },
        damaged: ({ position, sizeBytes, detail, batches }) => {
          damages.push({ path, position, sizeBytes, detail });
          for (const batch of batches) this.#note(segment, batch, isRebuilt);
        },
      });
      const { last } = result;
      const isLastInDoubt =
        isPageCacheIntact &&
        next === null &&
        last !== null &&
        last.baseOffset >= trustedEndOffset;
      if (isLastInDoubt && !(await verifyBatch(file, last))) return null;
      this.#scannedSizeBytes += file.sizeBytes - startPosition;
      this.#damages.push(...damages);
      if (result.torn !== null) await this.#cut(file, path, result);
      // What is found is on the disk before it is served.
      if (!isTrusted) await file.sync();
      segment.log.adopt(file.sizeBytes);
      if (isRebuilt) await this.#completeIndexes(segment, next, result);
      // The checkpoint says that entries below it are on the disk.
      if (isBare && segment.baseOffset < trustedEndOffset) {
        await segment.syncIndexes();
      }
      return result;
    } finally {
      await file.close();
    }
  }

  async #cut(file: DiskFile, path: string, result: ScanResult): Promise<void> {
    const position = result.endPosition;
    this.#cuts.push({
      path,
      position,
      sizeBytes: file.sizeBytes - position,
      detail: result.torn ?? "",
    });
    await file.truncate(position);
  }

  /** Where the first batch starts that has something to tell. */
  async #scanStart(segment: Segment, isRebuilt: boolean): Promise<number> {
    const learnFrom = Math.max(this.#learnFromOffset, segment.baseOffset);
    const { position } = await segment.offsetIndex.lookup(learnFrom);
    // Entries are missing behind the last one that was kept.
    return isRebuilt ? Math.min(position, segment.indexedPosition) : position;
  }

  async #completeIndexes(
    segment: Segment,
    next: number | null,
    { isEndDamaged }: ScanResult,
  ): Promise<void> {
    try {
      if (next === null && !isEndDamaged) await segment.flushIndexes();
      else await segment.completeIndexes();
    } catch (error) {
      // On a full disk they stay in memory, where they are searched as well.
      if (!isPassing(error)) throw error;
      for (const { entries } of [segment.offsetIndex, segment.timeIndex]) {
        // No file is better than one that has a part and looks whole.
        if (entries.isUnwritten) await this.#removeIndex(entries.path);
      }
    }
  }

  #note(segment: Segment, batch: ScannedBatch, isRebuilt: boolean): void {
    // What lies before the last entry that was kept has been counted.
    const isCounted =
      segment.offsetIndex.entries.entryCount > 0 &&
      batch.position <= segment.indexedPosition;
    if (!isRebuilt || isCounted) return;
    segment.noteWritten(batch, this.#config.indexIntervalSizeBytes);
  }

  /** What a batch says of epochs and producers. */
  #learn(batch: ScannedBatch, header: Uint8Array): void {
    const epoch = partitionLeaderEpochOf(header, 0);
    if (epoch >= 0) this.#epochs.assign(epoch, batch.baseOffset);
    if (batch.baseOffset < this.#start.producersOffset) return;
    const producer = producerOf(header, 0, batch);
    if (producer !== null) {
      this.#start.producers.apply(producer, batch.maxTimestampMs);
    }
  }

  #segment(baseOffset: number, files = emptySegmentFiles): Segment {
    const at = { directory: this.#directory, baseOffset };
    return new Segment(at, this.#context, files);
  }
}
