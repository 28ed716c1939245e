/**
 * Where a log begins, and how its beginning goes away.
 *
 * The new start counts at once, for every read. Then it is saved, and only then
 * the files of the segments below it go, the oldest first: no crash shows less
 * than was told, and what it leaves is removed at the next opening.
 *
 * On a full disk the start cannot be saved, and removing segments is what makes
 * room. So they go all the same, one by one, each on the disk before the next:
 * whatever stands then begins with a whole segment. The saving is tried again
 * after each.
 */
import type { LeaderEpochs } from "./leader-epochs.ts";
import type { LogWriter } from "./log-writer.ts";
import type { SegmentList } from "./segment-list.ts";
import type { Segment } from "./segment.ts";
import { StorageError, writeFault } from "./storage-error.ts";
import type { GroupCommit } from "./sync-policy.ts";

/** The start as it is kept for the next opening. */
export interface SavedStart {
  /** Durable when the promise resolves. Rejects with a `DiskError`. */
  save(offset: number): Promise<void>;
  /** The first segment says the same. */
  forget(): void;
}

export interface LogStartParts {
  readonly directory: string;
  readonly segments: SegmentList;
  readonly epochs: LeaderEpochs;
  readonly writer: LogWriter;
  readonly commit: GroupCommit;
  readonly saved: SavedStart;
}

export class LogStart {
  readonly #parts: LogStartParts;
  #offset: number;
  #savedOffset: number;
  #isClosed = false;
  /** Out of the list, with files that are still there; oldest first. */
  readonly #dropped: Segment[] = [];

  constructor(parts: LogStartParts, offset: number) {
    this.#parts = parts;
    this.#offset = offset;
    this.#savedOffset = offset;
    parts.epochs.truncateFromStart(offset);
  }

  get offset(): number {
    return this.#offset;
  }

  /**
   * Moves the start there, if that is ahead, and removes what lies below it, also
   * what could not be removed before. Throws `StorageError`.
   */
  async moveTo(offset: number): Promise<void> {
    if (offset > this.#offset) {
      this.#offset = offset;
      this.#parts.epochs.truncateFromStart(offset);
    }
    await this.#parts.segments.changes.run(() => this.#removeBelow());
  }

  /** Resolves when no removal is under way; none begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#parts.segments.changes.run(async () => {});
  }

  async #removeBelow(): Promise<void> {
    const { directory, segments, writer, commit, saved } = this.#parts;
    if (this.#isClosed) {
      throw new StorageError("log-closed", directory, "the log was closed");
    }
    // Not the one being written: what is queued may still belong to it.
    const { segment } = writer.written;
    const below = Math.min(this.#offset, segment.baseOffset);
    const dropped = segments.removeBelow(below);
    writer.disown(dropped);
    this.#dropped.push(...dropped);
    const isDone =
      this.#dropped.length === 0 && this.#savedOffset === this.#offset;
    if (isDone) return;
    try {
      let isSaved = await this.#trySave();
      await writer.syncSnapshot(segments.first.baseOffset);
      // A sync under way may hold one of them.
      await commit.idle();
      for (;;) {
        const oldest = this.#dropped[0];
        if (oldest === undefined) break;
        await writer.remove(oldest);
        this.#dropped.shift();
        if (isSaved) continue;
        await writer.syncDirectory();
        isSaved = await this.#trySave();
      }
      if (!isSaved) await this.#save();
      if (segments.first.baseOffset === this.#offset) {
        await writer.syncDirectory();
        saved.forget();
      }
    } catch (error) {
      throw writeFault(directory, error);
    }
  }

  /** False: there is no room. */
  async #trySave(): Promise<boolean> {
    try {
      await this.#save();
      return true;
    } catch (error) {
      const fault = writeFault(this.#parts.directory, error);
      if (fault.code !== "storage-full") throw error;
      return false;
    }
  }

  async #save(): Promise<void> {
    const offset = this.#offset;
    await this.#parts.saved.save(offset);
    this.#savedOffset = offset;
  }
}
