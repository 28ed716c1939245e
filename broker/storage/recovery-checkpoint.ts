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
import { writeFault } from "./storage-error.ts";
import type { StorageError } from "./storage-error.ts";

const DUE_SIZE_BYTES = 64 * 1024 * 1024;
const DUE_MS = 30_000;

/** What moving the checkpoint needs of a log. */
export interface CheckpointTarget {
  /** The assigned end, and the producers there. */
  capture(): { readonly endOffset: number; readonly snapshot: Uint8Array };
  /** Resolves when everything below the offset is on the disk. */
  durable(endOffset: number): Promise<void>;
  /** Makes durable what belongs to the records below the offset. A failed sync is a `StorageError`. */
  complete(endOffset: number, snapshot: Uint8Array): Promise<void>;
  save(endOffset: number): Promise<void>;
  /** Removes snapshots that recovery has no use for. */
  tidy(): Promise<void>;
  /** A sync failed, after which nobody knows what the files hold. */
  failed(fault: StorageError): void;
}

export class RecoveryCheckpoint {
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #target: CheckpointTarget;
  /** Written since the checkpoint that is being moved, or was moved last. */
  #writtenSizeBytes = 0;
  #cancel: Cancel | null = null;
  #moving: Promise<void> | null = null;
  #isStopped = false;

  constructor(clock: Clock, directory: string, target: CheckpointTarget) {
    this.#clock = clock;
    this.#directory = directory;
    this.#target = target;
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
    const { endOffset, snapshot } = this.#target.capture();
    try {
      await this.#target.durable(endOffset);
      await this.#target.complete(endOffset, snapshot);
      await this.#target.save(endOffset);
      await this.#target.tidy();
      return true;
    } catch (error) {
      // A file that could not be replaced is the one that it was.
      if (error instanceof DiskError) return false;
      // What was to be written had no room, or the log was closed.
      const fault = writeFault(this.#directory, error);
      if (fault.code === "storage-offline") this.#target.failed(fault);
      return false;
    }
  }
}
