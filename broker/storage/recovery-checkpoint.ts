/**
 * Moves a log's recovery checkpoint: the offset below which everything is on
 * the disk, so that opening after a crash reads only what lies behind it.
 *
 * It is due when 64 MB have been written since the last, or 30 s after the
 * first write since; a log without writes has no timer. Then, in this order,
 *
 *   1. note the assigned end, and the producers as they are there
 *   2. wait until everything below is written, and synced
 *   3. sync the indexes, the leader epochs and the snapshot of the producers
 *   4. replace the checkpoint in the data directory
 *   5. remove the snapshot that nobody will begin with any more
 *
 * A crash between two steps leaves the old checkpoint with all that it promises,
 * and perhaps a snapshot that is newer than it.
 */
import type { Cancel, Clock } from "../platform/clock.ts";
import { DiskError } from "../platform/disk.ts";
import type { AppendQueue } from "./append-queue.ts";
import type { AppendState } from "./append-state.ts";
import type { LogWriter } from "./log-writer.ts";
import { writeFault } from "./storage-error.ts";
import type { StorageError } from "./storage-error.ts";
import type { GroupCommit } from "./sync-policy.ts";

const DUE_SIZE_BYTES = 64 * 1024 * 1024;
const DUE_MS = 30_000;

/** The parts of a log that moving its checkpoint goes through. */
export interface CheckpointParts {
  readonly state: AppendState;
  readonly queue: AppendQueue;
  readonly commit: GroupCommit;
  readonly writer: LogWriter;
  /** Replaces the checkpoint in the data directory. */
  readonly save: (endOffset: number) => Promise<void>;
  /** Removes snapshots of producers that no opening has a use for. */
  readonly tidy: () => Promise<void>;
  /** A sync failed, after which nobody knows what the files hold. */
  readonly failed: (fault: StorageError) => void;
}

export class RecoveryCheckpoint {
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #parts: CheckpointParts;
  /** Written since the checkpoint that is being moved, or was moved last. */
  #writtenSizeBytes = 0;
  /** As far as this process has moved it. */
  #movedOffset = 0;
  #cancel: Cancel | null = null;
  #moving: Promise<void> | null = null;
  #isStopped = false;

  constructor(clock: Clock, directory: string, parts: CheckpointParts) {
    this.#clock = clock;
    this.#directory = directory;
    this.#parts = parts;
  }

  noteWritten(sizeBytes: number): void {
    this.#writtenSizeBytes += sizeBytes;
    if (this.#moving !== null || this.#isStopped) return;
    if (this.#writtenSizeBytes >= DUE_SIZE_BYTES) this.#start();
    else {
      this.#cancel ??= this.#clock.schedule(DUE_MS, () => {
        this.#cancel = null;
        this.#start();
      });
    }
  }

  /** Moves it there, if it is not yet, due or not. False: it stayed below. */
  async reach(endOffset: number): Promise<boolean> {
    // One that is under way may have begun below.
    await this.#moving;
    if (this.#movedOffset < endOffset && !this.#isStopped) {
      this.#start();
      await this.#moving;
    }
    return this.#movedOffset >= endOffset;
  }

  /** Resolves when nothing is under way, and nothing will be. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = null;
    await this.#moving;
  }

  #start(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#moving ??= this.#move().then((hasMoved) => {
      this.#moving = null;
      // What was written meanwhile is due in its turn; what failed, later.
      if (this.#isStopped) return;
      if (!hasMoved) this.#cancel = this.#clock.schedule(DUE_MS, this.#retry);
      else if (this.#writtenSizeBytes > 0) this.noteWritten(0);
    });
  }

  readonly #retry = (): void => {
    this.#cancel = null;
    this.#start();
  };

  /** Never rejects. False: the checkpoint is where it was. */
  async #move(): Promise<boolean> {
    this.#writtenSizeBytes = 0;
    const { state, queue, commit, writer, save, tidy } = this.#parts;
    const { endOffset } = state;
    const snapshot = state.encodeProducers();
    try {
      await queue.writeOf(endOffset - 1);
      await commit.wait(endOffset);
      await writer.completeBelow(endOffset, snapshot);
      await save(endOffset);
      this.#movedOffset = endOffset;
      await tidy();
      return true;
    } catch (error) {
      // A file that could not be replaced is the one that it was.
      if (error instanceof DiskError) return false;
      // What was to be written had no room, or the log was closed.
      const fault = writeFault(this.#directory, error);
      if (fault.code === "storage-offline") this.#parts.failed(fault);
      return false;
    }
  }
}
