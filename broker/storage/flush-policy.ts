/**
 * Kafka's `flush.messages` and `flush.ms`: syncs that nobody asked for. The
 * former also holds back the answer, as it does in Kafka. A log with nothing to
 * sync has no timer.
 */
import type { Cancel, Clock } from "../platform/clock.ts";
import { NEVER } from "./log-config.ts";
import type { LogConfig } from "./log-config.ts";
import type { GroupCommit } from "./sync-policy.ts";

export class FlushPolicy {
  readonly #clock: Clock;
  readonly #commit: GroupCommit;
  #endOffset = 0;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, commit: GroupCommit) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** Everything below `endOffset` is written. Rejects when a sync that is due fails. */
  async afterWrite(endOffset: number, config: LogConfig): Promise<void> {
    this.#endOffset = endOffset;
    const unsyncedCount = endOffset - this.#commit.syncedEndOffset;
    if (unsyncedCount >= config.flushMessages) {
      await this.#commit.wait(endOffset);
    } else if (config.flushMs < NEVER && this.#cancel === null) {
      this.#cancel = this.#clock.schedule(config.flushMs, () => {
        this.#cancel = null;
        void this.#commit.wait(this.#endOffset);
      });
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
