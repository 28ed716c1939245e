/**
 * The files of a segment that compaction writes, under names that no opening
 * takes for a segment's:
 *
 *   00000000000000000000.log.cleaned     and the same of both indexes
 *
 * They are synced bit by bit, so that no sync of many megabytes holds up those
 * of producers. `segment-swap.ts` puts them in place.
 */
import { assert } from "../../lib/assert.ts";
import type { DiskFile } from "../../platform/disk.ts";
import type { ScannedBatch } from "../batch-scan.ts";
import {
  CLEANED_SUFFIX,
  joinPath,
  segmentFileKinds,
  segmentFileName,
} from "../layout.ts";
import { Segment, emptySegmentFiles } from "../segment.ts";
import type { StorageContext } from "../storage-context.ts";
import type { Pace } from "./pace.ts";

const WRITE_SIZE_BYTES = 128 * 1024;
const SYNC_SIZE_BYTES = 4 * 1024 * 1024;

export class CleanedSegment {
  readonly directory: string;
  readonly baseOffset: number;
  readonly #context: StorageContext;
  readonly #indexIntervalSizeBytes: number;
  readonly #pace: Pace;
  readonly #file: DiskFile;
  /** Builds the indexes. */
  readonly #segment: Segment;

  #sizeBytes = 0;
  #parts: Uint8Array[] = [];
  #gatheredSizeBytes = 0;
  #unsyncedSizeBytes = 0;

  /** Use `createCleanedSegment`. */
  constructor(
    segment: Segment,
    file: DiskFile,
    parts: {
      readonly context: StorageContext;
      readonly indexIntervalSizeBytes: number;
      readonly pace: Pace;
    },
  ) {
    this.directory = segment.directory;
    this.baseOffset = segment.baseOffset;
    this.#segment = segment;
    this.#file = file;
    this.#context = parts.context;
    this.#indexIntervalSizeBytes = parts.indexIntervalSizeBytes;
    this.#pace = parts.pace;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The bytes must not change any more. Throws `DiskError`. */
  async append(
    bytes: Uint8Array,
    batch: Pick<ScannedBatch, "lastOffset" | "maxTimestampMs">,
  ): Promise<void> {
    const { lastOffset, maxTimestampMs } = batch;
    this.#segment.noteWritten(
      { lastOffset, maxTimestampMs, position: this.#sizeBytes },
      this.#indexIntervalSizeBytes,
    );
    this.#sizeBytes += bytes.length;
    this.#parts.push(bytes);
    this.#gatheredSizeBytes += bytes.length;
    if (this.#gatheredSizeBytes >= WRITE_SIZE_BYTES) await this.#write();
    if (this.#unsyncedSizeBytes >= SYNC_SIZE_BYTES) await this.#sync();
  }

  /** All files whole and on the disk. Throws `DiskError`. */
  async finish(): Promise<void> {
    await this.#write();
    await this.#sync();
    await this.#file.close();
    await this.#segment.completeIndexes();
    await this.#segment.syncIndexes();
    // Open under these names, they could not be renamed everywhere.
    await this.#segment.retire();
  }

  /** Nothing of it is left. Throws `DiskError`. */
  async discard(): Promise<void> {
    await this.#file.close();
    await this.#segment.remove(this.#context);
  }

  /** The segment that these files are once they have their names. */
  inPlace(): Segment {
    const { directory, baseOffset } = this;
    const { offsetIndex, timeIndex } = this.#segment;
    return new Segment({ directory, baseOffset }, this.#context, {
      logSizeBytes: this.#sizeBytes,
      offsetEntryCount: offsetIndex.entries.entryCount,
      timeEntryCount: timeIndex.entries.entryCount,
      isSealed: true,
    });
  }

  async #write(): Promise<void> {
    const parts = this.#parts;
    if (parts.length === 0) return;
    const sizeBytes = this.#gatheredSizeBytes;
    this.#parts = [];
    this.#gatheredSizeBytes = 0;
    // On the thread pool, whatever the disk: nobody waits for it.
    await this.#file.append(parts);
    this.#unsyncedSizeBytes += sizeBytes;
    this.#pace.note(sizeBytes);
    if (this.#segment.isIndexFlushDue) await this.#segment.flushIndexes();
  }

  async #sync(): Promise<void> {
    if (this.#unsyncedSizeBytes === 0) return;
    this.#unsyncedSizeBytes = 0;
    await this.#context.syncs.run(() => this.#file.sync());
    assert(this.#file.sizeBytes <= this.#sizeBytes, "nobody else writes to it");
  }
}

/** Throws `DiskError`. */
export async function createCleanedSegment(
  at: { readonly directory: string; readonly baseOffset: number },
  parts: {
    readonly context: StorageContext;
    readonly indexIntervalSizeBytes: number;
    readonly pace: Pace;
  },
): Promise<CleanedSegment> {
  const { context } = parts;
  const segment = new Segment(
    { ...at, suffix: CLEANED_SUFFIX },
    context,
    emptySegmentFiles,
  );
  // What an earlier pass may have left under these names.
  for (const kind of segmentFileKinds) {
    const name = segmentFileName(at.baseOffset, kind) + CLEANED_SUFFIX;
    await context.disk.remove(joinPath(at.directory, name));
  }
  const file = await context.disk.open(segment.log.path, "create");
  return new CleanedSegment(segment, file, parts);
}
