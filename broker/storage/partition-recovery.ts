/**
 * From the files of a partition to an open `PartitionLog`.
 *
 * After a clean close nothing is scanned: sizes, the indexes' last entries, the
 * epochs and the producers' snapshot say everything. Where one of them is
 * missing or says what cannot be, it is built anew from the batches, and since
 * everything was on the disk, nothing is cut. After any other stop that holds
 * for what lies below the recovery checkpoint; see log-recovery.ts.
 */
import { readSmallFile, replaceRebuildableFile } from "./checkpoint.ts";
import { findBatch } from "./batch-scan.ts";
import { LEADER_EPOCH_FILE, joinPath, segmentFileName } from "./layout.ts";
import { LeaderEpochs, parseLeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import { recoverSegments } from "./log-recovery.ts";
import type { RecoveredSegments, RecoveryStart } from "./log-recovery.ts";
import type { LogPlace } from "./log-writer.ts";
import { segmentFilesOf, surveyDirectory } from "./partition-files.ts";
import type { PartitionFiles } from "./partition-files.ts";
import type { OpenedLog } from "./opened-log.ts";
import { decodeProducerSnapshot } from "./producer-snapshot.ts";
import { ProducerState } from "./producer-state.ts";
import type { Finding, RecoveryReport } from "./recovery-report.ts";
import { SegmentTail } from "./roll-rule.ts";
import { SegmentList } from "./segment-list.ts";
import { Segment, emptySegmentFiles } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import { StorageError, isPassing } from "./storage-error.ts";

export interface OpenOptions {
  /** Everything was closed cleanly the last time. */
  readonly isClean: boolean;
  /** What was written since the recovery checkpoint can have lost nothing but its torn end. */
  readonly isPageCacheIntact: boolean;
  /** What was written since the last sync may have lost any part. */
  readonly isPageCacheLost: boolean;
  /** False: the partition has no directory yet, so nothing is looked at. */
  readonly directoryExists: boolean;
  /** The log's start as it was saved, or null. */
  readonly startOffset: number | null;
  /** Below it everything is on the disk; null where that was never said. */
  readonly recoveryPoint: number | null;
}

export interface OpeningResult {
  readonly opened: OpenedLog;
  /** Null where nothing had to be scanned. */
  readonly report: RecoveryReport | null;
}

type ProducersAt = Pick<RecoveryStart, "producers" | "producersOffset">;

/** Throws `DiskError`; `corrupt-file` for what no scan can mend. */
export async function openPartitionFiles(
  place: LogPlace,
  context: StorageContext,
  config: LogConfig,
  options: OpenOptions,
): Promise<OpeningResult> {
  const opening = new Opening(place, context, config);
  const { startOffset, recoveryPoint } = options;
  if (!options.directoryExists) {
    return { opened: opening.empty(startOffset ?? 0, false), report: null };
  }
  const found = await surveyDirectory(context.disk, place.directory);
  const files = await opening.withoutDeleted(found, startOffset ?? 0);
  if (files.segments.length === 0) {
    return opening.withoutSegments(startOffset ?? 0, recoveryPoint ?? 0);
  }
  const resumed = options.isClean ? await opening.resume(files, options) : null;
  if (resumed !== null) {
    const opened = await opening.applyStart(resumed, startOffset);
    return { opened, report: null };
  }
  const { opened, report } = await opening.recover(files, options);
  return { opened: await opening.applyStart(opened, startOffset), report };
}

class Opening {
  readonly #place: LogPlace;
  readonly #context: StorageContext;
  readonly #config: LogConfig;

  constructor(place: LogPlace, context: StorageContext, config: LogConfig) {
    this.#place = place;
    this.#context = context;
    this.#config = config;
  }

  empty(startOffset: number, directoryExists: boolean): OpenedLog {
    const segment = this.#segment(startOffset);
    return {
      place: this.#place,
      segments: new SegmentList([segment]),
      epochs: new LeaderEpochs(),
      producers: new ProducerState(),
      startOffset,
      endOffset: startOffset,
      tail: new SegmentTail(segment),
      directoryExists,
      isIncomplete: directoryExists,
      unsyncedIndexes: [],
      snapshotOffsets: [],
    };
  }

  /**
   * Removes what lies wholly below the log's saved start. Names of segments that
   * were removed may come back after a power cut, some of them and others not:
   * they are no log with a hole in it.
   */
  async withoutDeleted(
    { segments, snapshotOffsets }: PartitionFiles,
    startOffset: number,
  ): Promise<PartitionFiles> {
    const deleted = segments.filter((_segment, slot) => {
      const next = segments[slot + 1];
      return next !== undefined && next.baseOffset <= startOffset;
    });
    for (const { baseOffset } of deleted) {
      await this.#segment(baseOffset).remove(this.#context);
    }
    const gone = new Set(deleted.map(({ baseOffset }) => baseOffset));
    return {
      segments: segments.slice(deleted.length),
      snapshotOffsets: snapshotOffsets.filter((offset) => !gone.has(offset)),
    };
  }

  /** Nothing but a directory: where records were promised, they are missing. */
  withoutSegments(startOffset: number, recoveryPoint: number): OpeningResult {
    const endOffset = Math.max(startOffset, recoveryPoint);
    const opened = this.empty(endOffset, true);
    // Retention may have taken all of them, and saves the start before.
    if (startOffset === endOffset) return { opened, report: null };
    const { directory } = this.#place;
    const detail = `offsets ${startOffset} to ${endOffset - 1} are missing`;
    const damage = { path: directory, position: 0, sizeBytes: 0, detail };
    const report = { directory, scannedSizeBytes: 0, endOffset };
    return { opened, report: { ...report, cuts: [], damages: [damage] } };
  }

  /** Without a scan; null where something that a clean close leaves is missing. */
  async resume(
    files: PartitionFiles,
    { recoveryPoint }: OpenOptions,
  ): Promise<OpenedLog | null> {
    const epochs = await this.#readEpochs();
    if (epochs === null) return null;
    const found: Segment[] = [];
    for (const segment of files.segments) {
      const isSealed = segment !== files.segments.at(-1);
      const known = segmentFilesOf(segment, { isSealed });
      if (known === null) return null;
      found.push(this.#segment(segment.baseOffset, known));
    }
    const segments = new SegmentList(found);
    const endOffset = await resumeActive(segments.active);
    if (endOffset === null || endOffset < (recoveryPoint ?? 0)) return null;
    // Kafka takes no snapshot of a log to which nothing was ever written.
    const isUnused =
      endOffset === segments.first.baseOffset &&
      files.snapshotOffsets.length === 0;
    const producers = isUnused
      ? new ProducerState()
      : await this.#readProducers(files, endOffset);
    if (producers === null) return null;
    return {
      ...this.#opened(files, segments, { epochs, producers, endOffset }),
      isIncomplete: false,
    };
  }

  /** Scans what cannot be relied on. */
  async recover(
    files: PartitionFiles,
    options: OpenOptions,
  ): Promise<{ readonly opened: OpenedLog; readonly report: RecoveryReport }> {
    const recovered = await this.#recoverSegments(files, options);
    const segments = new SegmentList(recovered.segments);
    const damages = [...recovered.damages];
    const endOffset = this.#continueBehindDamage(segments, recovered, {
      promisedEndOffset: promisedEndOf(files, options),
      damages,
    });
    const { epochs, producers, scannedSizeBytes, cuts } = recovered;
    epochs.truncateFromEnd(endOffset);
    const nowMs = this.#context.clock.now();
    producers.expire(nowMs, this.#config.producerIdExpirationMs);
    const { directory } = this.#place;
    const { disk } = this.#context;
    if (epochs.isDirty) {
      const at = { directory, name: LEADER_EPOCH_FILE };
      try {
        await replaceRebuildableFile(disk, at, epochs.encode());
        epochs.noteWritten();
      } catch (error) {
        // On a full disk the next write takes them along.
        if (!isPassing(error)) throw error;
      }
    }
    // Of offsets that will be given again, to other records.
    for (const offset of files.snapshotOffsets) {
      if (offset <= endOffset) continue;
      const name = segmentFileName(offset, "producerSnapshot");
      await disk.remove(joinPath(directory, name));
    }
    await disk.syncDirectory(directory);
    return {
      opened: {
        ...this.#opened(files, segments, { epochs, producers, endOffset }),
        unsyncedIndexes: recovered.rebuilt,
      },
      report: { directory, scannedSizeBytes, endOffset, cuts, damages },
    };
  }

  /** Takes away what lies below the log's saved start: a crash may have come between. */
  async applyStart(
    opened: OpenedLog,
    savedOffset: number | null,
  ): Promise<OpenedLog> {
    if (savedOffset === null || savedOffset <= opened.startOffset)
      return opened;
    if (savedOffset > opened.endOffset) {
      // Records behind the start are gone; their offsets must not come again.
      for (const segment of opened.segments.all()) {
        await segment.remove(this.#context);
      }
      return { ...this.empty(savedOffset, true), epochs: opened.epochs };
    }
    for (const segment of opened.segments.removeBelow(savedOffset)) {
      await segment.remove(this.#context);
    }
    return { ...opened, startOffset: savedOffset };
  }

  async #recoverSegments(
    files: PartitionFiles,
    options: OpenOptions,
  ): Promise<RecoveredSegments> {
    const at = { directory: this.#place.directory, config: this.#config };
    const trustedEndOffset = options.isClean
      ? Number.MAX_SAFE_INTEGER
      : (options.recoveryPoint ?? 0);
    const recoverWith = async (isPageCacheIntact: boolean) => {
      const start: RecoveryStart = {
        trustedEndOffset,
        isPageCacheIntact,
        isPageCacheLost: options.isPageCacheLost,
        epochs: await this.#readEpochs(),
        ...(await this.#producersBefore(files, trustedEndOffset)),
      };
      return recoverSegments(files, this.#context, at, start);
    };
    const recovered = options.isPageCacheIntact
      ? await recoverWith(true)
      : null;
    const checked = recovered ?? (await recoverWith(false));
    if (checked?.segments === null) {
      const left = await surveyDirectory(this.#context.disk, at.directory);
      const rest = await this.#recoverSegments(left, options);
      return { ...rest, cuts: [...checked.cuts, ...rest.cuts] };
    }
    if (checked !== null) return checked;
    throw new StorageError(
      "corrupt-file",
      at.directory,
      "changed while it was being read",
    );
  }

  /**
   * Where the last segment ends in damage, or before what was promised to be
   * there, the log goes on in a new segment: nothing good may be written behind
   * bad, and no offset be given twice. Answers the log's end.
   */
  #continueBehindDamage(
    segments: SegmentList,
    { endOffset, isEndDamaged }: RecoveredSegments,
    known: {
      readonly promisedEndOffset: number;
      readonly damages: Finding[];
    },
  ): number {
    const { promisedEndOffset, damages } = known;
    const isShort = endOffset < promisedEndOffset;
    if (!isEndDamaged && !isShort) return endOffset;
    const last = segments.active;
    if (isShort) {
      const detail = `offsets ${endOffset} to ${promisedEndOffset - 1} are missing`;
      const { path, sizeBytes } = last.log;
      damages.push({ path, position: sizeBytes, sizeBytes: 0, detail });
    }
    const nextOffset = Math.max(
      endOffset,
      promisedEndOffset,
      last.baseOffset + 1,
    );
    last.log.seal();
    segments.add(this.#segment(nextOffset));
    return nextOffset;
  }

  #opened(
    files: PartitionFiles,
    segments: SegmentList,
    state: Pick<OpenedLog, "epochs" | "producers" | "endOffset">,
  ): OpenedLog {
    return {
      ...state,
      place: this.#place,
      segments,
      startOffset: segments.first.baseOffset,
      tail: new SegmentTail(segments.active),
      directoryExists: true,
      isIncomplete: true,
      unsyncedIndexes: [],
      snapshotOffsets: files.snapshotOffsets.filter(
        (offset) => offset <= state.endOffset,
      ),
    };
  }

  #segment(baseOffset: number, files = emptySegmentFiles): Segment {
    const { directory } = this.#place;
    return new Segment({ directory, baseOffset }, this.#context, files);
  }

  /** Null where the file is missing or cannot be read as what it should be. */
  async #readEpochs(): Promise<LeaderEpochs | null> {
    const path = joinPath(this.#place.directory, LEADER_EPOCH_FILE);
    const bytes = await readSmallFile(this.#context.disk, path);
    if (bytes === null) return null;
    try {
      return parseLeaderEpochs(bytes, path);
    } catch (error) {
      // The batches say it too, so it is built anew from them.
      if (error instanceof StorageError) return null;
      throw error;
    }
  }

  /**
   * The producers at some offset that is not behind `endOffset`, or at the log's
   * beginning, which may lie behind it after retention: as the last
   * snapshot but one says, where there are two; else the last; else none, at the
   * log's beginning. Snapshots that cannot be read are passed over.
   */
  async #producersBefore(
    files: PartitionFiles,
    endOffset: number,
  ): Promise<ProducersAt> {
    const first = files.segments[0]?.baseOffset ?? 0;
    let newest: ProducersAt | null = null;
    for (const offset of files.snapshotOffsets.toReversed()) {
      // In front of the first record nothing can be torn any more.
      if (offset > Math.max(endOffset, first) || offset < first) continue;
      const producers = await this.#readProducers(files, offset);
      if (producers === null) continue;
      const found = { producers, producersOffset: offset };
      if (newest !== null) return found;
      newest = found;
    }
    // In front of the first record there was nobody.
    if (newest !== null && first > 0) return newest;
    return { producers: new ProducerState(), producersOffset: first };
  }

  /** The snapshot for exactly this offset, or null. */
  async #readProducers(
    files: PartitionFiles,
    offset: number,
  ): Promise<ProducerState | null> {
    if (!files.snapshotOffsets.includes(offset)) return null;
    const name = segmentFileName(offset, "producerSnapshot");
    const path = joinPath(this.#place.directory, name);
    const bytes = await readSmallFile(this.#context.disk, path);
    const entries = bytes === null ? null : decodeProducerSnapshot(bytes);
    return entries === null ? null : new ProducerState(entries);
  }
}

/** The log reached at least so far when it was promised to be on the disk. */
function promisedEndOf(
  { snapshotOffsets }: PartitionFiles,
  { isClean, recoveryPoint }: OpenOptions,
): number {
  // A clean close leaves a snapshot of the producers at the log's end.
  const closedAt = isClean ? (snapshotOffsets.at(-1) ?? 0) : 0;
  return Math.max(recoveryPoint ?? 0, closedAt);
}

/** The end offset: from the last index entry it is a few batch headers away. Null if they do not hold. */
async function resumeActive(segment: Segment): Promise<number | null> {
  const endPosition = segment.sizeBytes;
  const first = await findBatch(
    segment.log,
    { position: 0, endPosition },
    () => true,
  );
  if (first.error === "corrupt-batch") return null;
  await segment.resume(
    first.error === null ? first.batch.maxTimestampMs : null,
  );
  let endOffset = segment.baseOffset;
  const rest = await findBatch(
    segment.log,
    { position: segment.indexedPosition, endPosition },
    (batch) => {
      endOffset = batch.lastOffset + 1;
      return false;
    },
  );
  return rest.error === "corrupt-batch" ? null : endOffset;
}
