/**
 * When a segment ends and the next begins: Kafka's `LogSegment.shouldRoll`.
 *
 * Batches are counted when they get their offsets, before they are written, so
 * the rule keeps its own count of what the segment and its index will hold.
 */
import type { LogConfig } from "./log-config.ts";
import {
  OFFSET_INDEX_ENTRY_SIZE,
  RELATIVE_OFFSET_MAX,
} from "./offset-index.ts";
import type { Segment } from "./segment.ts";
import { TIME_INDEX_ENTRY_SIZE } from "./time-index.ts";

export interface Incoming {
  readonly sizeBytes: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
}

export class SegmentTail {
  readonly segment: Segment;
  #sizeBytes: number;
  #indexedPosition: number;
  #indexEntryCount: number;
  /** Of the first batch; -1 when it has none, null while there is no batch. */
  #firstTimestampMs: number | null;

  constructor(segment: Segment) {
    this.segment = segment;
    this.#sizeBytes = segment.sizeBytes;
    this.#indexedPosition = segment.indexedPosition;
    this.#indexEntryCount = segment.offsetIndex.entries.entryCount;
    this.#firstTimestampMs = segment.firstTimestampMs;
  }

  /** Where the next batch goes in the file. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  mustRollBefore(batch: Incoming, config: LogConfig, nowMs: number): boolean {
    // Offsets that do not fit force a new segment even behind an empty one.
    const relative = batch.lastOffset - this.segment.baseOffset;
    if (relative > RELATIVE_OFFSET_MAX) return true;
    if (this.#sizeBytes === 0) return false;
    if (this.#sizeBytes > config.segmentSizeBytes - batch.sizeBytes) {
      return true;
    }
    const first = this.#firstTimestampMs ?? -1;
    const waitedMs =
      first >= 0
        ? batch.maxTimestampMs - first
        : nowMs - this.segment.createdMs;
    if (waitedMs > config.segmentMs - this.#jitterMs(config)) return true;
    return this.#isIndexFull(config.segmentIndexSizeBytes);
  }

  /** Segments that began together end apart. */
  #jitterMs({ segmentMs, segmentJitterMs }: LogConfig): number {
    if (segmentJitterMs === 0) return 0;
    const mostMs = Math.min(segmentJitterMs, segmentMs);
    return Math.floor(this.segment.jitterShare * mostMs);
  }

  /** The batch has its place; answers that place. */
  add(
    batch: { readonly sizeBytes: number; readonly maxTimestampMs: number },
    config: LogConfig,
  ): number {
    const position = this.#sizeBytes;
    this.#firstTimestampMs ??= batch.maxTimestampMs;
    if (position - this.#indexedPosition > config.indexIntervalSizeBytes) {
      this.#indexEntryCount++;
      this.#indexedPosition = position;
    }
    this.#sizeBytes += batch.sizeBytes;
    return position;
  }

  /** The time index has at most as many entries as the other, and one more when it is sealed. */
  #isIndexFull(sizeBytesMax: number): boolean {
    const count = this.#indexEntryCount;
    return (
      count >= Math.floor(sizeBytesMax / OFFSET_INDEX_ENTRY_SIZE) ||
      count >= Math.floor(sizeBytesMax / TIME_INDEX_ENTRY_SIZE) - 1
    );
  }
}
