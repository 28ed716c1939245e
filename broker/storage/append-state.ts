/**
 * What the next append goes by: the end that is assigned, ahead of what is
 * written, with the segment, producers and leader epochs as they are there, and
 * what the log was told: the topic's configuration and the leader epoch.
 *
 * All of it is synchronous: a batch has its offsets and its place when `assign`
 * returns. What a failed write takes back, `rollBack` undoes in the same turn.
 */
import { assert } from "../lib/assert.ts";
import { setBaseOffset, setPartitionLeaderEpoch } from "../record/batch.ts";
import type { AppendGroup, PendingBatch, Roll } from "./append-queue.ts";
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogEnd } from "./log-writer.ts";
import type { OpenedLog } from "./opened-log.ts";
import { encodeProducerSnapshot } from "./producer-snapshot.ts";
import type {
  ProducedBatch,
  ProducerState,
  SequenceAnswer,
} from "./producer-state.ts";
import { SegmentTail } from "./roll-rule.ts";
import type { Incoming } from "./roll-rule.ts";
import type { SegmentList } from "./segment-list.ts";
import { Segment, emptySegmentFiles } from "./segment.ts";
import type { StorageContext } from "./storage-context.ts";
import type { OwnBytes } from "./tail-cache.ts";

export interface IncomingBatch extends Incoming {
  readonly baseOffset: number;
}

/** A batch with its place, for the queue. */
export interface AssignedBatch {
  readonly segment: Segment;
  /** Where the batch begins a new segment. */
  readonly roll: Roll | null;
  readonly batch: PendingBatch;
}

export class AppendState {
  readonly #context: StorageContext;
  readonly #directory: string;
  readonly #segments: SegmentList;
  readonly #epochs: LeaderEpochs;
  readonly #producers: ProducerState;

  // Moves with each append.
  #endOffset: number;
  #tail: SegmentTail;

  // Moves when told to.
  #config: LogConfig;
  #leaderEpoch: number;

  constructor(opened: OpenedLog, context: StorageContext, config: LogConfig) {
    this.#context = context;
    this.#config = config;
    this.#leaderEpoch = opened.epochs.latest?.epoch ?? 0;
    this.#directory = opened.place.directory;
    this.#segments = opened.segments;
    this.#epochs = opened.epochs;
    this.#producers = opened.producers;
    this.#endOffset = opened.endOffset;
    this.#tail = opened.tail;
  }

  /** The offset that the next record gets. */
  get endOffset(): number {
    return this.#endOffset;
  }

  get config(): LogConfig {
    return this.#config;
  }

  get leaderEpoch(): number {
    return this.#leaderEpoch;
  }

  configure(config: LogConfig): void {
    this.#config = config;
  }

  /** Batches from now on carry the epoch; it must not go back. */
  setLeaderEpoch(epoch: number): void {
    assert(epoch >= this.#leaderEpoch, "a leader epoch does not go back");
    this.#leaderEpoch = epoch;
  }

  checkSequence(batch: ProducedBatch): SequenceAnswer {
    return this.#producers.check(batch);
  }

  /** The batch is taken: gives it its offsets and its place, and counts it everywhere. */
  assign(
    own: OwnBytes,
    incoming: IncomingBatch,
    producer: ProducedBatch | null,
  ): AssignedBatch {
    const config = this.#config;
    const leaderEpoch = this.#leaderEpoch;
    const { baseOffset, lastOffset, maxTimestampMs } = incoming;
    const nowMs = this.#context.clock.now();
    // Before the batch changes the producers: the snapshot is of the state so far.
    const roll = this.#tail.mustRollBefore(incoming, config, nowMs)
      ? this.startSegment().roll
      : null;
    if (this.#producers.isExpiryDue) {
      this.#producers.expire(nowMs, config.producerIdExpirationMs);
    }
    const undo =
      producer === null
        ? null
        : {
            producerId: producer.producerId,
            previous: this.#producers.apply(producer, nowMs),
          };
    this.#epochs.assign(leaderEpoch, baseOffset);
    setBaseOffset(own.bytes, 0, baseOffset);
    setPartitionLeaderEpoch(own.bytes, 0, leaderEpoch);
    const position = this.#tail.add(incoming, config);
    this.#endOffset = lastOffset + 1;
    return {
      segment: this.#tail.segment,
      roll,
      batch: { ...own, baseOffset, lastOffset, maxTimestampMs, position, undo },
    };
  }

  /** Takes back what was assigned behind the written end. */
  rollBack(groups: readonly AppendGroup[], written: LogEnd): void {
    const batches = groups.flatMap((group) => group.batches);
    for (const { lastOffset, place, undo } of batches.toReversed()) {
      // Written, and only what came after its write failed: that batch stays.
      if (lastOffset < written.offset) continue;
      place?.chunk.release();
      if (undo === null) continue;
      this.#producers.restore(undo.producerId, undo.previous);
    }
    this.#segments.removeAbove(written.segment.baseOffset);
    this.#epochs.truncateFromEnd(written.offset);
    this.#endOffset = written.offset;
    this.#tail = new SegmentTail(written.segment);
  }

  /** Producers as they are at the assigned end. */
  encodeProducers(): Uint8Array {
    const { count } = this.#producers;
    return encodeProducerSnapshot(this.#producers.entries(), count);
  }

  /** What comes next begins a new segment, at the assigned end. */
  startSegment(): Omit<AssignedBatch, "batch"> & {
    readonly roll: Roll;
  } {
    const nowMs = this.#context.clock.now();
    this.#producers.expire(nowMs, this.#config.producerIdExpirationMs);
    const sealed = this.#tail.segment;
    const segment = new Segment(
      { directory: this.#directory, baseOffset: this.#endOffset },
      this.#context,
      emptySegmentFiles,
    );
    this.#segments.add(segment);
    this.#tail = new SegmentTail(segment);
    return { segment, roll: { sealed, snapshot: this.encodeProducers() } };
  }
}
