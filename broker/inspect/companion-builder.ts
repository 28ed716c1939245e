/**
 * Builds what follows from a partition's log, batch by batch: indexes by the
 * broker's own code, producers' states at the offsets wanted, leader epochs.
 */
import { JobQueue } from "../storage/job-queue.ts";
import { FileCache } from "../storage/file-cache.ts";
import {
  joinPath,
  segmentFileName,
  type SegmentFileKind,
} from "../storage/layout.ts";
import { LeaderEpochs } from "../storage/leader-epochs.ts";
import { encodeProducerSnapshot } from "../storage/producer-snapshot.ts";
import {
  type ProducerEntry,
  producerOf,
  ProducerState,
} from "../storage/producer-state.ts";
import { emptySegmentFiles, Segment } from "../storage/segment.ts";
import { IndexBlockCache } from "../storage/sparse-index.ts";
import type { StorageContext } from "../storage/storage-context.ts";
import { TailMemory } from "../storage/tail-memory.ts";
import { WriteWay } from "../storage/write-way.ts";
import { NO_LEADER_EPOCH } from "../record/batch-format.ts";
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import { type JudgedBatch, lastOffsetOf } from "./batch-order.ts";

const OPEN_FILES_MAX = 8;
const BLOCK_COUNT_MAX = 8;

/** Only a log that is written to draws anything: when its segments end. */
const nothingIsRandom: Random = {
  bytes: (sizeBytes) => new Uint8Array(sizeBytes),
  fraction: () => 0,
};

/** The indexes of one segment, made in a scratch directory. */
export class IndexBuilder {
  readonly #segment: Segment;
  readonly #context: StorageContext;
  readonly #directory: string;
  readonly #intervalSizeBytes: number;

  constructor(
    platform: { readonly disk: Disk; readonly clock: Clock },
    at: { readonly directory: string; readonly baseOffset: number },
    intervalSizeBytes: number,
  ) {
    const { disk, clock } = platform;
    const syncs = new JobQueue(1);
    this.#context = {
      disk,
      clock,
      random: nothingIsRandom,
      files: new FileCache(disk, OPEN_FILES_MAX),
      blocks: new IndexBlockCache(BLOCK_COUNT_MAX),
      syncs,
      writes: new WriteWay(clock, syncs),
      tails: new TailMemory(1, 1),
    };
    this.#directory = at.directory;
    this.#segment = new Segment(at, this.#context, emptySegmentFiles);
    this.#intervalSizeBytes = intervalSizeBytes;
  }

  /** `position`: where the batch lies in the log that the indexes are for. */
  async add(batch: JudgedBatch, position: number): Promise<void> {
    const lastOffset = lastOffsetOf(batch);
    const { maxTimestampMs } = batch;
    const written = { lastOffset, maxTimestampMs, position };
    this.#segment.noteWritten(written, this.#intervalSizeBytes);
    if (this.#segment.isIndexFlushDue) await this.#segment.flushIndexes();
  }

  /** Whole and durable files in the scratch directory; the path of each. */
  async finish(): Promise<
    Readonly<Record<"offsetIndex" | "timeIndex", string>>
  > {
    await this.#segment.completeIndexes();
    await this.#segment.syncIndexes();
    await this.#context.files.close();
    const pathOf = (kind: SegmentFileKind) =>
      joinPath(
        this.#directory,
        segmentFileName(this.#segment.baseOffset, kind),
      );
    return {
      offsetIndex: pathOf("offsetIndex"),
      timeIndex: pathOf("timeIndex"),
    };
  }

  /** After a failure. */
  close(): Promise<void> {
    return this.#context.files.close();
  }
}

/** State that goes on from segment to segment. */
export class LogState {
  readonly epochs = new LeaderEpochs();
  readonly #producers: ProducerState;

  /** `producers`: as they were before the first segment, where that is known. */
  constructor(producers: readonly ProducerEntry[]) {
    this.#producers = new ProducerState(producers);
  }

  add(batch: JudgedBatch): void {
    const baseOffset = batch.mend?.baseOffset ?? batch.baseOffset;
    const leaderEpoch = batch.mend?.leaderEpoch ?? batch.leaderEpoch;
    if (leaderEpoch !== NO_LEADER_EPOCH) {
      this.epochs.assign(leaderEpoch, baseOffset);
    }
    const { maxTimestampMs } = batch;
    const at = { baseOffset, lastOffset: lastOffsetOf(batch), maxTimestampMs };
    const producer = producerOf(batch.header, 0, at);
    if (producer !== null) this.#producers.apply(producer, maxTimestampMs);
  }

  /** The producers as they are now, as the content of a snapshot. */
  snapshot(): Uint8Array {
    const { count } = this.#producers;
    return encodeProducerSnapshot(this.#producers.entries(), count);
  }
}
