/**
 * Compaction of one open log: what there is to gain, and one pass at a time.
 *
 * It works beside everything else that happens to the log. Segments that are
 * read are sealed and do not change; what was made of them takes their place in
 * `replace`, and if some of them were deleted meanwhile, the pass is in vain.
 *
 * A log with a damaged batch is not compacted: to write it anew would lose what
 * may still be saved of it. Reopening the log forgets that.
 */
import { DiskError } from "../../platform/disk.ts";
import { AssertionError } from "../../lib/assert.ts";
import type { SipHash } from "../../lib/siphash.ts";
import type { LogConfig } from "../log-config.ts";
import { ProducerState } from "../producer-state.ts";
import type { LogPlace, LogWriter } from "../log-writer.ts";
import type { SegmentList } from "../segment-list.ts";
import {
  commitCleaned,
  removeDeleted,
  removeUncommitted,
  swapIn,
} from "../segment-swap.ts";
import type { Segment } from "../segment.ts";
import type { StorageContext } from "../storage-context.ts";
import type { GroupCommit } from "../sync-policy.ts";
import { StorageError, readFault, writeFault } from "../storage-error.ts";
import type { IndexedTimestamp } from "../time-index.ts";
import { findBatch } from "../batch-scan.ts";
import { cleanLog } from "./clean-log.ts";
import type { CleanResult } from "./clean-log.ts";
import { cleanableOf } from "./cleanable.ts";
import type { Cleanable, SegmentFacts } from "./cleanable.ts";
import type { CleanedSegment } from "./cleaned-segment.ts";
import { CompactionStopped, Pace } from "./pace.ts";
import { NEVER } from "../log-config.ts";
import { abortedIn } from "./pass.ts";

/** The log's own parts that compaction works on. */
export interface CompactedLog {
  readonly place: LogPlace;
  readonly segments: SegmentList;
  readonly producers: ProducerState;
  readonly writer: LogWriter;
  readonly commit: GroupCommit;
}

/** What only the log itself knows and can do. */
export interface CompactionActions {
  readonly config: () => LogConfig;
  readonly offsets: () => {
    readonly startOffset: number;
    readonly endOffset: number;
    readonly stableOffset: number;
  };
  /** Moves the recovery checkpoint there. False: it stayed below. */
  readonly reachCheckpoint: (endOffset: number) => Promise<boolean>;
  /** What lies in the directory is not known any more. */
  readonly goOffline: (fault: StorageError) => void;
}

export interface CompactionOptions {
  readonly hash: SipHash;
  /** Kafka's `log.cleaner.dedupe.buffer.size`. */
  readonly keyMapSizeBytesMax: number;
  /** What the records of one batch may inflate to; larger ones stay as they are. */
  readonly inflatedSizeBytesMax: number;
  /** Kafka's `log.cleaner.io.max.bytes.per.second`. */
  readonly sizeBytesPerSecondMax: number;
  /** False ends a pass at its next pause. */
  readonly isWanted: () => boolean;
}

export class LogCompaction {
  readonly #context: StorageContext;
  readonly #log: CompactedLog;
  readonly #actions: CompactionActions;
  #damage: StorageError | null = null;
  #isClosed = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    context: StorageContext,
    log: CompactedLog,
    actions: CompactionActions,
  ) {
    this.#context = context;
    this.#log = log;
    this.#actions = actions;
  }

  /** Why the log is not compacted any more, or null. */
  get damage(): StorageError | null {
    return this.#damage;
  }

  /** What a pass would have to do, after the last one ended at this offset. Throws `StorageError`. */
  async survey(cleanedOffset: number | null): Promise<Cleanable> {
    const config = this.#actions.config();
    const { segments, producers } = this.#log;
    const sealed: SegmentFacts[] = [];
    for (const segment of segments.all().slice(0, -1)) {
      sealed.push(await this.#factsOf(segment, config));
    }
    const offsets = this.#actions.offsets();
    const { startOffset, endOffset } = offsets;
    let { stableOffset } = offsets;
    // Of open transactions, how they end is not known yet.
    for (const { transactionFirstOffset } of producers.entries()) {
      stableOffset = Math.min(stableOffset, transactionFirstOffset ?? NEVER);
    }
    const facts = {
      startOffset,
      endOffset,
      stableOffset,
      sealed,
      activeBaseOffset: segments.active.baseOffset,
      cleanedOffset,
    };
    const cleanable = cleanableOf(facts, config, this.#context.clock.now());
    const isDue = cleanable.isDue && this.#damage === null;
    return { ...cleanable, isDue };
  }

  /**
   * One pass. Null: it was stopped, or the segments went away. Throws
   * `StorageError`; after `corrupt-file` the log is not compacted any more.
   */
  async run(
    cleanable: Cleanable,
    options: CompactionOptions,
  ): Promise<CleanResult | null> {
    if (this.#isClosed || this.#damage !== null) return null;
    const pass = this.#pass(cleanable, options);
    this.#running = pass.catch(() => {});
    try {
      return await pass;
    } catch (error) {
      if (error instanceof CompactionStopped) return null;
      if (error instanceof AssertionError) throw error;
      const fault = writeFault(this.#log.place.directory, error);
      // A segment that is being read was deleted.
      if (fault.code === "log-closed") return null;
      if (fault.code === "corrupt-file") this.#damage = fault;
      throw fault;
    }
  }

  /** Resolves when no pass touches the files any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#running;
  }

  async #pass(
    { firstDirtyOffset, endOffset }: Cleanable,
    options: CompactionOptions,
  ): Promise<CleanResult | null> {
    const { clock } = this.#context;
    // Sealed segments are on the disk then, and no sync needs them again.
    const { writer, commit } = this.#log;
    await commit.wait(writer.written.offset);
    // What is compacted may lack its last offsets. Behind the checkpoint, where
    // a topic is not compacted any more, recovery takes that for a lost tail.
    if (!(await this.#actions.reachCheckpoint(endOffset))) return null;
    await removeUncommitted(this.#context.disk, this.#log.place.directory);
    const pace = new Pace(clock, {
      sizeBytesPerSecondMax: options.sizeBytesPerSecondMax,
      isWanted: () => !this.#isClosed && options.isWanted(),
    });
    const all = [...this.#log.segments.all()];
    const segments = all.filter(({ baseOffset }) => baseOffset < endOffset);
    const pass = {
      context: this.#context,
      config: this.#actions.config(),
      segments,
      // As they are on the disk now: what comes later may be lost in a crash.
      producers: new ProducerState(this.#log.producers.entries()),
      firstDirtyOffset,
      endOffset,
      inflatedSizeBytesMax: options.inflatedSizeBytesMax,
      pace,
      nowMs: clock.now(),
      aborted: abortedIn(all, endOffset, pace),
    };
    return cleanLog(pass, {
      hash: options.hash,
      keyMapSizeBytesMax: options.keyMapSizeBytesMax,
      replace: (old, cleaned) => this.#replace(old, cleaned),
    });
  }

  /** See `segment-swap.ts` for the steps on the disk. False: they are not the log's any more. */
  async #replace(
    old: readonly Segment[],
    cleaned: CleanedSegment,
  ): Promise<boolean> {
    const { disk } = this.#context;
    const { segments, writer, commit } = this.#log;
    const { directory } = this.#log.place;
    const { baseOffset } = cleaned;
    const offsets = old.map((segment) => segment.baseOffset);
    const last = old.at(-1);
    const next = last === undefined ? null : segments.after(last);
    const endOffset = next?.baseOffset ?? baseOffset;
    return segments.changes.run(async () => {
      // Only removals change the list, and they wait for their turn.
      if (!segments.includes(old)) {
        await cleaned.discard();
        return false;
      }
      try {
        await commitCleaned(disk, directory, baseOffset);
        writer.disown(old);
        // Kept in memory is what was appended, and not what is left of it.
        writer.tail.forgetBelow(endOffset);
        // A sync under way may hold one of them.
        await commit.idle();
        await segments.gate.move(async () => {
          for (const segment of old) await segment.retire();
          await swapIn(disk, directory, baseOffset, offsets);
          segments.replace(old, cleaned.inPlace());
        });
        await removeDeleted(disk, directory, offsets);
        await writer.tidySnapshots(segments);
      } catch (error) {
        // Some names may have changed, and some not: opening the log finds out.
        if (error instanceof AssertionError) throw error;
        const fault = writeFault(directory, error);
        this.#actions.goOffline(fault);
        throw fault;
      }
      return true;
    });
  }

  async #greatestTimestampOf(segment: Segment): Promise<IndexedTimestamp> {
    try {
      return await segment.greatestTimestamp();
    } catch (error) {
      if (error instanceof DiskError) throw readFault(segment.log.path, error);
      throw error;
    }
  }

  async #factsOf(segment: Segment, config: LogConfig): Promise<SegmentFacts> {
    const { baseOffset, sizeBytes } = segment;
    const { timestampMs } = await this.#greatestTimestampOf(segment);
    const isAsked = config.maxCompactionLagMs < NEVER;
    return {
      baseOffset,
      sizeBytes,
      greatestTimestampMs: timestampMs,
      firstTimestampMs: isAsked ? await firstTimestampOf(segment) : null,
    };
  }
}

async function firstTimestampOf(segment: Segment): Promise<number | null> {
  if (segment.firstTimestampMs !== null) return segment.firstTimestampMs;
  const range = { position: 0, endPosition: segment.sizeBytes };
  const first = await findBatch(segment.log, range, () => true);
  return first.error === null ? first.batch.maxTimestampMs : null;
}
