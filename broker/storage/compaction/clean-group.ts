/**
 * Writes a group of segments anew as one, without the records that compaction
 * takes out. A batch of which all records stay is copied as it is.
 */
import {
  compressionOf,
  maxTimestampOf,
  recordsCountOf,
} from "../../record/batch.ts";
import { compressionNameOf } from "../../record/batch-format.ts";
import {
  KeptRecords,
  emptyBatch,
  rebuildBatch,
} from "../../record/rebuild-batch.ts";
import { RecordError } from "../../record/record-error.ts";
import type { Segment } from "../segment.ts";
import {
  deleteHorizonOf,
  judgeBatch,
  keepsRecord,
  newDeleteHorizon,
} from "./batch-retention.ts";
import type { BatchVerdict, RetentionContext } from "./batch-retention.ts";
import type { CleanedSegment } from "./cleaned-segment.ts";
import type { Pass } from "./pass.ts";
import { readRecords } from "./read-records.ts";
import { BatchWalk } from "./walk-batches.ts";
import type { WalkedBatch } from "./walk-batches.ts";

/** Of a batch that stays because its records cannot be read. */
export interface Unreadable {
  readonly path: string;
  readonly position: number;
  readonly detail: string;
}

/** What a pass has done so far; goes from group to group. */
export interface Progress {
  readSizeBytes: number;
  writtenSizeBytes: number;
  /** The first one, or null: tombstones behind it stay. */
  unreadable: Unreadable | null;
}

/** Throws `DiskError`, `StorageError`, `CompactionStopped`. */
export async function cleanGroup(
  group: readonly Segment[],
  target: CleanedSegment,
  pass: Pass,
  retention: RetentionContext,
  progress: Progress,
): Promise<void> {
  const walk = new BatchWalk(pass.pace);
  for (const { log } of group) {
    for await (const batch of walk.over(log, 0)) {
      const { bytes, at } = batch;
      if (retention.transactions.needsAborted(bytes, at)) {
        retention.transactions.learn(await pass.aborted());
      }
      const verdict = judgeBatch(bytes, at, retention);
      const cleaner = new BatchCleaner(batch, verdict, retention, progress);
      const stored = await cleaner.clean(pass, log.path);
      progress.readSizeBytes += batch.sizeBytes;
      if (stored === null) continue;
      progress.writtenSizeBytes += stored.length;
      await target.append(stored, {
        lastOffset: batch.lastOffset,
        maxTimestampMs: maxTimestampOf(stored, 0),
      });
    }
  }
}

class BatchCleaner {
  readonly #batch: WalkedBatch;
  readonly #verdict: BatchVerdict;
  readonly #retention: RetentionContext;
  readonly #progress: Progress;

  constructor(
    batch: WalkedBatch,
    verdict: BatchVerdict,
    retention: RetentionContext,
    progress: Progress,
  ) {
    this.#batch = batch;
    this.#verdict = verdict;
    this.#retention = retention;
    this.#progress = progress;
  }

  /** The batch as it stays; null where it goes. */
  async clean(pass: Pass, path: string): Promise<Uint8Array | null> {
    if (this.#verdict.dropsRecords) return this.#header();
    const { bytes, at, position } = this.#batch;
    const horizonMs = deleteHorizonOf(bytes, at);
    const holdsTombstones = this.#progress.unreadable !== null;
    const kept = new KeptRecords();
    const reader = await readRecords(
      this.#batch,
      pass.inflatedSizeBytesMax,
      pass.pace,
      (record, current) => {
        const stays =
          this.#verdict.keepsRecords ||
          keepsRecord(record, horizonMs, this.#retention, holdsTombstones);
        if (stays) kept.add(current, record);
      },
    );
    if (reader instanceof RecordError) {
      const detail = reader.message;
      this.#progress.unreadable ??= { path, position, detail };
      return this.#whole();
    }
    if (kept.count === 0) return this.#header();
    const isHorizonDue =
      horizonMs === null && (kept.hasTombstone || this.#verdict.isIdleMarker);
    if (kept.count === recordsCountOf(bytes, at) && !isHorizonDue) {
      return this.#whole();
    }
    const { compression, compressionLevel } = pass.config;
    const own = compressionNameOf(compressionOf(bytes, at)) ?? "none";
    const rebuilt = rebuildBatch({ bytes, at }, reader.bytes, kept, {
      compression: compression ?? own,
      level: compression === null ? null : compressionLevel,
      deleteHorizonMs: isHorizonDue ? newDeleteHorizon(this.#retention) : null,
    });
    // The topic's codec is not there: then as it was, which is never wrong.
    return rebuilt instanceof RecordError ? this.#whole() : rebuilt;
  }

  #header(): Uint8Array | null {
    if (!this.#verdict.keepsHeader) return null;
    const { bytes, at } = this.#batch;
    return emptyBatch(bytes, at);
  }

  #whole(): Uint8Array {
    const { bytes, at, sizeBytes } = this.#batch;
    return bytes.subarray(at, at + sizeBytes);
  }
}
