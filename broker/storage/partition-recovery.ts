/**
 * From the files of a partition to an open `PartitionLog`.
 *
 * After a clean close nothing is scanned: sizes, the indexes' last entries, the
 * epochs and the producers' snapshot say everything. Otherwise every batch is
 * read and checked, and indexes, epochs and producers are built anew:
 *
 * - In the last segment, the file is cut at the first batch that does not hold:
 *   what a crash leaves behind the last whole write.
 * - In a sealed segment, a batch with a wrong CRC between good ones is damage
 *   and no torn tail. It stays, is reported, and the rest is served. Only what
 *   cannot be walked up to the file's end is cut off that file. Segments behind
 *   it stay: their records may have been promised to be durable.
 *
 * What was found is synced before it is served, so that nothing read or
 * answered for as a duplicate can be lost afterwards.
 */
import { partitionLeaderEpochOf } from "../record/batch.ts";
import { readSmallFile, replaceRebuildableFile } from "./checkpoint.ts";
import { findBatch } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import { LEADER_EPOCH_FILE, joinPath, segmentFileName } from "./layout.ts";
import { LeaderEpochs, parseLeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogPlace } from "./log-writer.ts";
import { OFFSET_INDEX_ENTRY_SIZE } from "./offset-index.ts";
import { surveyDirectory } from "./partition-files.ts";
import type { PartitionFiles, SurveyedSegment } from "./partition-files.ts";
import type { OpenedLog } from "./opened-log.ts";
import { decodeProducerSnapshot } from "./producer-snapshot.ts";
import { ProducerState, producerOf } from "./producer-state.ts";
import { SegmentTail } from "./roll-rule.ts";
import { SegmentList } from "./segment-list.ts";
import { scanSegment } from "./segment-recovery.ts";
import { Segment, emptySegmentFiles } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import { StorageError } from "./storage-error.ts";
import { TIME_INDEX_ENTRY_SIZE } from "./time-index.ts";

export interface OpenOptions {
  /** Everything was closed cleanly the last time. */
  readonly isClean: boolean;
  /** False: the partition has no directory yet, so nothing is looked at. */
  readonly directoryExists: boolean;
  /** The log's start as it was saved, or null. */
  readonly startOffset: number | null;
}

/** A place in a file where opening found something wrong. */
export interface Finding {
  readonly path: string;
  readonly position: number;
  readonly sizeBytes: number;
  readonly detail: string;
}

export interface RecoveryReport {
  readonly directory: string;
  readonly scannedSizeBytes: number;
  readonly endOffset: number;
  /** Bytes that were cut off. */
  readonly cuts: readonly Finding[];
  /** Batches that stay but are not what was written. */
  readonly damages: readonly Finding[];
}

export interface OpeningResult {
  readonly opened: OpenedLog;
  /** Null where nothing had to be scanned. */
  readonly report: RecoveryReport | null;
}

/** Throws `DiskError`; `corrupt-file` for what no scan can mend. */
export async function openPartitionFiles(
  place: LogPlace,
  context: StorageContext,
  config: LogConfig,
  options: OpenOptions,
): Promise<OpeningResult> {
  const opening = new Opening(place, context, config);
  if (!options.directoryExists) {
    return {
      opened: opening.empty(options.startOffset ?? 0, false),
      report: null,
    };
  }
  const files = await surveyDirectory(context.disk, place.directory);
  if (files.segments.length === 0) {
    return {
      opened: opening.empty(options.startOffset ?? 0, true),
      report: null,
    };
  }
  const opened = options.isClean ? await opening.resume(files) : null;
  if (opened !== null) {
    const kept = await opening.applyStart(opened, options.startOffset);
    return { opened: kept, report: null };
  }
  const scanned = await opening.scan(files);
  const kept = await opening.applyStart(scanned, options.startOffset);
  return { opened: kept, report: opening.report(scanned.endOffset) };
}

/** One line for the operator, or null where there is nothing to say. */
export function describeRecovery(report: RecoveryReport): string | null {
  const describe = (verb: string, findings: readonly Finding[]) =>
    findings.map(
      ({ path, position, sizeBytes, detail }) =>
        `${verb} ${sizeBytes} bytes at ${path}:${position} (${detail})`,
    );
  const lines = [
    ...describe("cut", report.cuts),
    ...describe("left damaged", report.damages),
  ];
  if (lines.length === 0) return null;
  return `${report.directory} ends at offset ${report.endOffset}: ${lines.join(", ")}`;
}

class Opening {
  readonly #place: LogPlace;
  readonly #context: StorageContext;
  readonly #config: LogConfig;
  #scannedSizeBytes = 0;
  readonly #cuts: Finding[] = [];
  readonly #damages: Finding[] = [];

  constructor(place: LogPlace, context: StorageContext, config: LogConfig) {
    this.#place = place;
    this.#context = context;
    this.#config = config;
  }

  report(endOffset: number): RecoveryReport {
    return {
      directory: this.#place.directory,
      scannedSizeBytes: this.#scannedSizeBytes,
      endOffset,
      cuts: this.#cuts,
      damages: this.#damages,
    };
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
    };
  }

  /** Without a scan; null where something that a clean close leaves is missing. */
  async resume(files: PartitionFiles): Promise<OpenedLog | null> {
    const epochs = await this.#readEpochs();
    if (epochs === null || !files.segments.every(hasWholeIndexes)) return null;
    const segments = new SegmentList(
      files.segments.map((found, slot) =>
        this.#segment(found.baseOffset, {
          logSizeBytes: found.logSizeBytes,
          offsetEntryCount:
            (found.offsetIndexSizeBytes ?? 0) / OFFSET_INDEX_ENTRY_SIZE,
          timeEntryCount:
            (found.timeIndexSizeBytes ?? 0) / TIME_INDEX_ENTRY_SIZE,
          isSealed: slot < files.segments.length - 1,
        }),
      ),
    );
    const endOffset = await resumeActive(segments.active);
    if (endOffset === null) return null;
    // Kafka takes no snapshot of a log to which nothing was ever written.
    const isUnused =
      endOffset === segments.first.baseOffset &&
      files.snapshotOffsets.length === 0;
    const producers = isUnused
      ? new ProducerState()
      : await this.#readProducers(files, endOffset);
    if (producers === null) return null;
    return {
      ...this.#opened(segments, epochs, producers, endOffset),
      isIncomplete: false,
    };
  }

  /** Reads everything; see the module's comment for what is done with what does not hold. */
  async scan(files: PartitionFiles): Promise<OpenedLog> {
    const epochs = (await this.#readEpochs()) ?? new LeaderEpochs();
    const first = files.segments[0]?.baseOffset ?? 0;
    const producers =
      (await this.#readProducers(files, first)) ?? new ProducerState();
    const segments: Segment[] = [];
    let endOffset = first;
    for (const found of files.segments) {
      const isLast = found === files.segments.at(-1);
      const segment = this.#segment(found.baseOffset, {
        ...emptySegmentFiles,
        isSealed: !isLast,
      });
      endOffset = await this.#scanSegment(segment, isLast, {
        epochs,
        producers,
      });
      segments.push(segment);
    }
    epochs.truncateFromEnd(endOffset);
    const nowMs = this.#context.clock.now();
    producers.expire(nowMs, this.#config.producerIdExpirationMs);
    const { disk } = this.#context;
    const { directory } = this.#place;
    if (epochs.isDirty) {
      const at = { directory, name: LEADER_EPOCH_FILE };
      await replaceRebuildableFile(disk, at, epochs.encode());
      epochs.noteWritten();
    }
    // Of offsets that will be given again, to other records.
    for (const offset of files.snapshotOffsets) {
      if (offset <= endOffset) continue;
      const name = segmentFileName(offset, "producerSnapshot");
      await disk.remove(joinPath(directory, name));
    }
    await disk.syncDirectory(directory);
    const list = new SegmentList(segments);
    return this.#opened(list, epochs, producers, endOffset);
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

  async #scanSegment(
    segment: Segment,
    isLast: boolean,
    state: { readonly epochs: LeaderEpochs; readonly producers: ProducerState },
  ): Promise<number> {
    const { disk } = this.#context;
    const { path } = segment.log;
    await disk.remove(segment.offsetIndex.entries.path);
    await disk.remove(segment.timeIndex.entries.path);
    const file = await disk.open(path, "append");
    try {
      const damages: Finding[] = [];
      const result = await scanSegment(file, {
        startOffset: segment.baseOffset,
        verifiesCrc: true,
        visit: (batch, bytes, at) => {
          segment.noteWritten(batch, this.#config.indexIntervalSizeBytes);
          this.#learn(batch, bytes, at, state);
        },
        skipsDamage: (batch) => {
          if (isLast) return false;
          const { position, sizeBytes } = batch;
          damages.push({ path, position, sizeBytes, detail: "a wrong crc" });
          segment.noteWritten(batch, this.#config.indexIntervalSizeBytes);
          return true;
        },
      });
      this.#scannedSizeBytes += file.sizeBytes;
      this.#damages.push(...damages);
      if (result.detail !== null) {
        this.#cuts.push({
          path,
          position: result.endPosition,
          sizeBytes: file.sizeBytes - result.endPosition,
          detail: result.detail,
        });
        await file.truncate(result.endPosition);
      }
      await file.sync();
      segment.log.adopt(result.endPosition);
      if (isLast) await segment.flushIndexes();
      else await segment.completeIndexes();
      return result.endOffset;
    } finally {
      await file.close();
    }
  }

  /** What a batch says of epochs and producers. */
  #learn(
    batch: ScannedBatch,
    bytes: Uint8Array,
    at: number,
    state: { readonly epochs: LeaderEpochs; readonly producers: ProducerState },
  ): void {
    const epoch = partitionLeaderEpochOf(bytes, at);
    if (epoch >= 0) state.epochs.assign(epoch, batch.baseOffset);
    const producer = producerOf(bytes, at, batch);
    if (producer !== null) {
      state.producers.apply(producer, batch.maxTimestampMs);
    }
  }

  #opened(
    segments: SegmentList,
    epochs: LeaderEpochs,
    producers: ProducerState,
    endOffset: number,
  ): OpenedLog {
    return {
      place: this.#place,
      segments,
      epochs,
      producers,
      startOffset: segments.first.baseOffset,
      endOffset,
      tail: new SegmentTail(segments.active),
      directoryExists: true,
      isIncomplete: true,
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

function hasWholeIndexes(found: SurveyedSegment): boolean {
  const { offsetIndexSizeBytes, timeIndexSizeBytes } = found;
  return (
    offsetIndexSizeBytes !== null &&
    timeIndexSizeBytes !== null &&
    offsetIndexSizeBytes % OFFSET_INDEX_ENTRY_SIZE === 0 &&
    timeIndexSizeBytes % TIME_INDEX_ENTRY_SIZE === 0
  );
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
