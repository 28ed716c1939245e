/**
 * The way of appended batches from the queue to the disk:
 *
 *   queue -> write -> visible -> sync        or, with visibility "durable":
 *   queue -> write -> sync -> visible
 *
 * A failed write takes back what was assigned from it on, in memory at once and
 * in the file before the next write. After a failed sync, or a write that failed
 * for good, the log goes offline.
 */
import { AppendQueue, sizeBytesOf } from "./append-queue.ts";
import type { AppendGroup } from "./append-queue.ts";
import type { AppendState } from "./append-state.ts";
import { FlushPolicy } from "./flush-policy.ts";
import type { HighWatermark } from "./high-watermark.ts";
import type { LogHealth } from "./log-health.ts";
import type { LogWriter } from "./log-writer.ts";
import type { LogOptions } from "./opened-log.ts";
import { RecoveryCheckpoint } from "./recovery-checkpoint.ts";
import type { SegmentList } from "./segment-list.ts";
import type { StorageContext } from "./storage-context.ts";
import {
  StorageError,
  isPassing,
  syncFault,
  writeFault,
} from "./storage-error.ts";
import { GroupCommit } from "./sync-policy.ts";

export interface CommitterParts {
  readonly directory: string;
  readonly segments: SegmentList;
  readonly state: AppendState;
  readonly writer: LogWriter;
  readonly health: LogHealth;
  readonly highWatermark: HighWatermark;
}

export class LogCommitter {
  // Fixed at open.
  readonly queue: AppendQueue;
  readonly commit: GroupCommit;
  readonly #directory: string;
  readonly #state: AppendState;
  readonly #writer: LogWriter;
  readonly #health: LogHealth;
  readonly #highWatermark: HighWatermark;
  readonly #visibility: LogOptions["visibility"];
  readonly #flushes: FlushPolicy;
  readonly #checkpoint: RecoveryCheckpoint;

  /** What is written already is on the disk. */
  constructor(
    context: StorageContext,
    parts: CommitterParts,
    options: Pick<LogOptions, "visibility" | "saveRecoveryPoint">,
  ) {
    const { directory, segments, state, writer, health } = parts;
    this.#directory = directory;
    this.#state = state;
    this.#writer = writer;
    this.#health = health;
    this.#highWatermark = parts.highWatermark;
    this.#visibility = options.visibility;
    this.queue = new AppendQueue(context.clock, {
      write: (group) => this.#write(group),
      rollBack: (groups, error) => this.#rollBack(groups, error),
      cutBack: (group) => this.#cutBack(group),
    });
    this.commit = new GroupCommit(
      context.syncs,
      () => this.#sync(),
      writer.written.offset,
    );
    this.#flushes = new FlushPolicy(context.clock, this.commit);
    this.#checkpoint = new RecoveryCheckpoint(context.clock, directory, {
      state,
      queue: this.queue,
      commit: this.commit,
      writer,
      save: options.saveRecoveryPoint,
      tidy: () => writer.tidySnapshots(segments),
      failed: (fault) => health.goOffline(fault),
    });
  }

  /** The log went offline: no sync will cover what waits for one. */
  abandon(fault: StorageError): void {
    this.#flushes.stop();
    this.commit.fail(fault);
  }

  /** See `RecoveryCheckpoint`: an opening after a crash reads nothing below it. */
  reachCheckpoint(endOffset: number): Promise<boolean> {
    return this.#checkpoint.reach(endOffset);
  }

  /** Resolves when everything that was queued is written or refused. */
  async drain(): Promise<void> {
    await this.queue.idle();
    this.#flushes.stop();
  }

  /** What is drained becomes what a clean stop leaves. False: the next opening has to look. */
  async close(how: { readonly isClean: boolean }): Promise<boolean> {
    await this.#checkpoint.stop();
    await this.commit.idle();
    const isClean =
      how.isClean && this.#health.fault === null && (await this.#complete());
    const detail = "the log was closed";
    this.commit.fail(new StorageError("log-closed", this.#directory, detail));
    return isClean;
  }

  async #complete(): Promise<boolean> {
    if (!this.#writer.isIncomplete) return true;
    try {
      await this.#writer.complete(this.#state.encodeProducers());
      return true;
    } catch (error) {
      // Without room the next opening has to look, and that is all.
      if (!isPassing(error)) {
        this.#health.goOffline(syncFault(this.#directory, error));
      }
      return false;
    }
  }

  async #write(group: AppendGroup): Promise<void> {
    if (this.#health.fault !== null) throw this.#health.fault;
    await this.#writer.write(group, this.#state.config);
    // A sync failed while the write ran: what the file holds before it may be
    // gone, and recovery cuts there. So the write counts for nobody.
    if (this.#health.fault !== null) throw this.#health.fault;
    const { written } = this.#writer;
    this.#checkpoint.noteWritten(sizeBytesOf(group));
    if (this.#visibility === "page-cache") this.#highWatermark.moveTo(written);
    else void this.commit.request();
    // A sealed file that is on the disk is opened anew to be mapped whole.
    if (group.roll !== null) void this.commit.request();
    await this.#writer.maybeFlushIndexes();
    await this.#flushes.afterWrite(written.offset, this.#state.config);
  }

  async #sync(): Promise<number> {
    if (this.#health.fault !== null) throw this.#health.fault;
    const end = this.#writer.written;
    try {
      const endOffset = await this.#writer.sync();
      if (this.#visibility === "durable") this.#highWatermark.moveTo(end);
      return endOffset;
    } catch (error) {
      const fault = syncFault(this.#directory, error);
      this.#health.goOffline(fault);
      throw fault;
    }
  }

  #rollBack(groups: readonly AppendGroup[], error: unknown): StorageError {
    const fault = writeFault(this.#directory, error);
    this.#state.rollBack(groups, this.#writer.written);
    if (fault.code === "storage-offline") this.#health.goOffline(fault);
    return fault;
  }

  async #cutBack(group: AppendGroup): Promise<void> {
    if (this.#health.fault !== null) return;
    try {
      await this.#writer.cutBack(group);
    } catch (error) {
      this.#health.goOffline(syncFault(this.#directory, error));
    }
  }
}
