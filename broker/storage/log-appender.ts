/**
 * Decides an append: whether the batch is taken, which offsets it gets, and what
 * its producer is told. All of it is synchronous, in the order of the calls; the
 * bytes follow through the queue.
 *
 * This runs once a batch, so it makes nothing but what outlives it: the log's
 * own copy, the batch's place in the queue, and the answer.
 */
import {
  lastOffsetDeltaOf,
  maxTimestampOf,
  setLogAppendTime,
} from "../record/batch.ts";
import type { Clock } from "../platform/clock.ts";
import { checkAppend, storedForm } from "./append-check.ts";
import type { AppendQueue } from "./append-queue.ts";
import type { Appended, AppendResult } from "./append-result.ts";
import type { AppendState, IncomingBatch } from "./append-state.ts";
import type { LogHealth } from "./log-health.ts";
import type { LogStart } from "./log-start.ts";
import { producerOf } from "./producer-state.ts";
import type { Duplicate } from "./producer-state.ts";
import type { GroupCommit } from "./sync-policy.ts";
import type { TailCache } from "./tail-cache.ts";

export interface AppenderParts {
  readonly directory: string;
  readonly state: AppendState;
  readonly health: LogHealth;
  readonly start: LogStart;
  readonly tail: TailCache;
  readonly queue: AppendQueue;
  readonly commit: GroupCommit;
}

export class LogAppender {
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #state: AppendState;
  readonly #health: LogHealth;
  readonly #start: LogStart;
  readonly #tail: TailCache;
  readonly #queue: AppendQueue;
  readonly #commit: GroupCommit;

  constructor(clock: Clock, parts: AppenderParts) {
    this.#clock = clock;
    this.#directory = parts.directory;
    this.#state = parts.state;
    this.#health = parts.health;
    this.#start = parts.start;
    this.#tail = parts.tail;
    this.#queue = parts.queue;
    this.#commit = parts.commit;
  }

  /** See `PartitionLog.append`. */
  append(produced: Uint8Array): AppendResult {
    if (this.#health.isOver) {
      const detail =
        this.#health.fault?.message ?? `${this.#directory} is closed`;
      return { error: "storage-offline", detail };
    }
    const { config, endOffset: baseOffset } = this.#state;
    const nowMs = this.#clock.now();
    const refused = checkAppend(produced, config, nowMs);
    if (refused !== null) return refused;
    const bytes = storedForm(produced, config);
    if (!(bytes instanceof Uint8Array)) return bytes;
    const isStamped = config.messageTimestampType === "LogAppendTime";
    const incoming: IncomingBatch = {
      sizeBytes: bytes.length,
      baseOffset,
      lastOffset: baseOffset + lastOffsetDeltaOf(bytes, 0),
      maxTimestampMs: isStamped ? nowMs : maxTimestampOf(bytes, 0),
    };
    const producer = producerOf(bytes, 0, incoming);
    const answer =
      producer === null ? null : this.#state.checkSequence(producer);
    if (answer !== null && answer.error !== null) return answer;
    if (answer !== null && answer.duplicate !== null) {
      return this.#answerDuplicate(answer.duplicate, isStamped);
    }
    const own = this.#tail.copy(bytes);
    if (isStamped) setLogAppendTime(own.bytes, 0, nowMs);
    const assigned = this.#state.assign(own, incoming, producer);
    const { segment, roll, batch } = assigned;
    const written = this.#queue.push(segment, roll, batch);
    return this.#answer({
      baseOffset,
      lastOffset: incoming.lastOffset,
      logAppendTimeMs: isStamped ? nowMs : null,
      isDuplicate: false,
      written,
    });
  }

  /** Begins a new segment, behind what is assigned. Rejects with a `StorageError`. */
  roll(): Promise<void> {
    const { segment, roll } = this.#state.startSegment();
    return this.#queue.push(segment, roll, null);
  }

  /** The original may still be on its way to the file: its write and sync count. */
  #answerDuplicate(duplicate: Duplicate, isStamped: boolean): AppendResult {
    const { baseOffset, lastOffset, timestampMs } = duplicate;
    return this.#answer({
      baseOffset,
      lastOffset,
      logAppendTimeMs: isStamped ? timestampMs : null,
      isDuplicate: true,
      written: this.#queue.writeOf(lastOffset),
    });
  }

  #answer(
    appended: Omit<Appended, "error" | "startOffset" | "durable">,
  ): Appended {
    return {
      error: null,
      ...appended,
      startOffset: this.#start.offset,
      durable: async () => {
        await appended.written;
        await this.#commit.wait(appended.lastOffset + 1);
      },
    };
  }
}
