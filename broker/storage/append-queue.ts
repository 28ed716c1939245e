/**
 * Between the assignment of offsets and the file: what was appended to one log
 * in one turn of the event loop goes out in one write, and so does what comes
 * while that write waits for its turn on the disk (docs/decisions has the
 * figures).
 *
 * A group never spans two segments. When a write fails, everything behind it
 * fails too, because its offsets were counted from what did not get written:
 *
 *   append A (offset 0), append B (offset 1), write A fails
 *   -> A and B are refused, the end offset is 0 again, the file is cut back;
 *      what is appended from then on starts at 0
 *
 * The roll-back of the memory happens in the same turn as the failure, before
 * any new append; the file is cut before the next write.
 */
import type { Clock } from "../platform/clock.ts";
import { createDeferred } from "./deferred.ts";
import type { Deferred } from "./deferred.ts";
import type { ProducerEntry } from "./producer-state.ts";
import type { Segment } from "./segment.ts";
import type { StorageError } from "./storage-error.ts";
import type { TailPlace } from "./tail-memory.ts";

/** A batch with its offsets, on its way to the file. */
export interface PendingBatch {
  /** The log's own copy; `place` is where it lies. */
  readonly bytes: Uint8Array;
  readonly place: TailPlace | null;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly maxTimestampMs: number;
  readonly position: number;
  /** How to undo what it did to its producer's state; null without a producer. */
  readonly undo: ProducerUndo | null;
}

export interface ProducerUndo {
  readonly producerId: number;
  readonly previous: ProducerEntry | null;
}

/** The end of the segment before, to be completed before the new one is written. */
export interface Roll {
  readonly sealed: Segment;
  /** Producers as they were there. */
  readonly snapshot: Uint8Array;
}

export interface AppendGroup {
  readonly segment: Segment;
  readonly roll: Roll | null;
  /** Grows until the write takes them. */
  readonly batches: PendingBatch[];
  isTaken: boolean;
  readonly written: Deferred;
}

/** The batches that go out now; what comes later is for the next group. */
export function takeBatches(group: AppendGroup): readonly PendingBatch[] {
  group.isTaken = true;
  return group.batches;
}

export function sizeBytesOf({ batches }: AppendGroup): number {
  let sizeBytes = 0;
  for (const { bytes } of batches) sizeBytes += bytes.length;
  return sizeBytes;
}

/** What the queue needs of a log. */
export interface AppendTarget {
  /** Writes the group and makes it visible. Rejects with whatever failed. */
  write(group: AppendGroup): Promise<void>;
  /** Undoes the groups in memory, at once, and says what the failure means. */
  rollBack(groups: readonly AppendGroup[], error: unknown): StorageError;
  /** Removes from the files what the failed group left. Never rejects. */
  cutBack(group: AppendGroup): Promise<void>;
}

export class AppendQueue {
  readonly #clock: Clock;
  readonly #target: AppendTarget;
  #groups: AppendGroup[] = [];
  #writing: AppendGroup | null = null;
  #draining: Promise<void> | null = null;

  constructor(clock: Clock, target: AppendTarget) {
    this.#clock = clock;
    this.#target = target;
  }

  /** Answers the promise of the write that the batch will be part of; null only begins the segment. */
  push(
    segment: Segment,
    roll: Roll | null,
    batch: PendingBatch | null,
  ): Promise<void> {
    let group = this.#groups.at(-1) ?? this.#writing;
    if (group === null || group.isTaken || group.segment !== segment) {
      const written = createDeferred();
      group = { segment, roll, batches: [], isTaken: false, written };
      this.#groups.push(group);
    }
    if (batch !== null) group.batches.push(batch);
    this.#draining ??= this.#drainAfterTurn();
    return group.written.promise;
  }

  /** The write that the batch with this last offset is part of; resolved if that is over. */
  writeOf(lastOffset: number): Promise<void> {
    for (const group of [this.#writing, ...this.#groups]) {
      const groupLast = group?.batches.at(-1)?.lastOffset ?? -1;
      if (group !== null && lastOffset <= groupLast)
        return group.written.promise;
    }
    return Promise.resolve();
  }

  /** Resolves when everything that was pushed has been written or refused. */
  async idle(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }

  async #drainAfterTurn(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#clock.defer(resolve);
    });
    for (;;) {
      const group = this.#groups.shift();
      if (group === undefined) break;
      this.#writing = group;
      try {
        await this.#target.write(group);
        this.#writing = null;
        group.written.resolve();
      } catch (error) {
        this.#writing = null;
        await this.#fail(group, error);
      }
    }
    this.#draining = null;
  }

  async #fail(group: AppendGroup, error: unknown): Promise<void> {
    const failed = [group, ...this.#groups];
    this.#groups = [];
    const fault = this.#target.rollBack(failed, error);
    for (const { written } of failed) written.reject(fault);
    await this.#target.cutBack(group);
  }
}
