/**
 * Finds records by their timestamp, exactly: the time index names the place to
 * start from, batch headers lead to the batch, and the records of that one
 * batch are read (Kafka's `LogSegment.findOffsetByTimestamp`).
 */
import { openRecords } from "../record/record.ts";
import type { StoredRecord } from "../record/record.ts";
import { RecordError } from "../record/record-error.ts";
import { findBatch } from "./batch-scan.ts";
import type { ScannedBatch } from "./batch-scan.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { LogFile } from "./log-file.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { StorageError, readFault } from "./storage-error.ts";

/** What the records of the one batch may inflate to. */
const INFLATED_SIZE_BYTES_MAX = 128 * 1024 * 1024;

export interface FoundOffset {
  readonly offset: number;
  readonly timestampMs: number;
  readonly leaderEpoch: number | null;
}

/** The part of the log that is looked at; the end is exclusive. */
export interface OffsetRange {
  readonly startOffset: number;
  readonly endOffset: number;
}

export class TimestampSearch {
  readonly #segments: SegmentList;
  readonly #epochs: LeaderEpochs;

  constructor(segments: SegmentList, epochs: LeaderEpochs) {
    this.#segments = segments;
    this.#epochs = epochs;
  }

  /** The first record in the range with at least this timestamp. Throws `StorageError`. */
  firstAtOrAfter(
    timestampMs: number,
    range: OffsetRange,
  ): Promise<FoundOffset | null> {
    return this.#segments.gate.read(() => this.#firstAt(timestampMs, range));
  }

  /** The first record in the range that has the greatest timestamp. Throws `StorageError`. */
  greatest(range: OffsetRange): Promise<FoundOffset | null> {
    return this.#segments.gate.read(() => this.#greatest(range));
  }

  async #firstAt(
    timestampMs: number,
    range: OffsetRange,
  ): Promise<FoundOffset | null> {
    for (const segment of [...this.#segments.all()]) {
      const found = await this.#guard(segment, async () => {
        const greatest = await segment.greatestTimestamp();
        if (greatest.timestampMs < timestampMs) return null;
        const indexed = await segment.timeIndex.lookup(timestampMs);
        const from = Math.max(indexed.offset, range.startOffset);
        return firstRecord(segment, from, {
          batch: (batch) => batch.maxTimestampMs >= timestampMs,
          record: (record) =>
            record.offset >= range.startOffset &&
            record.timestampMs >= timestampMs,
        });
      });
      // A segment that went meanwhile has no records any more.
      if (found !== null && found !== "gone")
        return this.#inRange(found, range);
    }
    return null;
  }

  async #greatest(range: OffsetRange): Promise<FoundOffset | null> {
    let best: { segment: Segment; timestampMs: number; offset: number } | null =
      null;
    for (const segment of [...this.#segments.all()]) {
      const greatest = await this.#guard(segment, () =>
        segment.greatestTimestamp(),
      );
      if (greatest === "gone") continue;
      if (greatest.timestampMs > (best?.timestampMs ?? -1)) {
        best = { segment, ...greatest };
      }
    }
    if (best === null) return null;
    const { segment, timestampMs, offset } = best;
    const found = await this.#guard(segment, () =>
      firstRecord(segment, offset, {
        batch: (batch) => batch.maxTimestampMs === timestampMs,
        record: (record) => record.timestampMs === timestampMs,
      }),
    );
    if (found === "gone") return this.greatest(range);
    return found === null ? null : this.#inRange(found, range);
  }

  #inRange(record: StoredRecord, range: OffsetRange): FoundOffset | null {
    const { offset, timestampMs } = record;
    if (offset < range.startOffset || offset >= range.endOffset) return null;
    return { offset, timestampMs, leaderEpoch: this.#epochs.epochOf(offset) };
  }

  async #guard<Result>(
    segment: Segment,
    search: () => Promise<Result>,
  ): Promise<Result | "gone"> {
    try {
      return await search();
    } catch (error) {
      if (!this.#segments.all().includes(segment)) return "gone";
      throw readFault(segment.log.path, error);
    }
  }
}

/** Which batches to look into, and what to find there. */
interface Wanted {
  readonly batch: (batch: ScannedBatch) => boolean;
  readonly record: (record: StoredRecord) => boolean;
}

/** The first record wanted, in batches from the one that holds `fromOffset` on. */
async function firstRecord(
  segment: Segment,
  fromOffset: number,
  wanted: Wanted,
): Promise<StoredRecord | null> {
  const endPosition = segment.sizeBytes;
  let { position } = await segment.offsetIndex.lookup(fromOffset);
  while (position < endPosition) {
    const found = await findBatch(
      segment.log,
      { position, endPosition },
      (batch) => batch.lastOffset >= fromOffset && wanted.batch(batch),
    );
    if (found.error === "none") return null;
    if (found.error === "corrupt-batch") {
      throw new StorageError("corrupt-file", segment.log.path, found.detail);
    }
    const record = await findRecord(segment.log, found.batch, wanted.record);
    if (record !== null) return record;
    position = found.batch.position + found.batch.sizeBytes;
  }
  return null;
}

async function findRecord(
  log: LogFile,
  batch: ScannedBatch,
  accepts: (record: StoredRecord) => boolean,
): Promise<StoredRecord | null> {
  const bytes = new Uint8Array(batch.sizeBytes);
  await log.read(bytes, batch.position);
  const reader = openRecords(bytes, 0, {
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
  // Nobody has looked at a producer's records: a batch of nonsense has none.
  if (reader instanceof RecordError) return null;
  for (;;) {
    const record = reader.next();
    if (record === null || record instanceof RecordError) return null;
    if (accepts(record)) return record;
  }
}
