/**
 * The partitions that are offline: why, since when, and when they are tried again.
 *
 * A log that failed takes nothing more, as nobody knows what is in its files.
 * Opening it anew finds out. That is done here by itself, a second after the
 * fault, then after twice as long each time, up to some minutes: a cable that
 * was loose for a moment costs a moment, and a disk that is gone costs a line in
 * the log now and then. A partition that fails again soon after it came back
 * waits as long as if it had not.
 */
import type { Logger } from "../options.ts";
import type { Cancel, Clock } from "../platform/clock.ts";
import type { TopicPartition } from "../storage/layout.ts";

export interface OfflinePartition extends TopicPartition {
  /** For a person: the file and what the system said. */
  readonly detail: string;
  readonly sinceMs: number;
}

export interface OfflinePartitionsParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Opens the partition's log anew. Null: it is online, or gone for good; else what stands in the way. */
  readonly reopen: (at: TopicPartition) => Promise<string | null>;
  /** `reopen` has thrown: a bug. */
  readonly crashed: (error: unknown) => void;
}

const DELAY_MS_MIN = 1_000;
const DELAY_MS_MAX = 300_000;

interface Entry {
  readonly at: TopicPartition;
  detail: string;
  readonly sinceMs: number;
  delayMs: number;
  cancel: Cancel;
}

/** When a partition came back, and how long it had waited for that. */
interface Comeback {
  readonly atMs: number;
  readonly delayMs: number;
}

export class OfflinePartitions {
  readonly #parts: OfflinePartitionsParts;
  /** By topic, then by partition. */
  readonly #entries = new Map<string, Map<number, Entry>>();
  readonly #comebacks = new Map<string, Comeback>();
  readonly #trying = new Set<Promise<void>>();
  #isClosed = false;

  constructor(parts: OfflinePartitionsParts) {
    this.#parts = parts;
  }

  get count(): number {
    let count = 0;
    for (const entries of this.#entries.values()) count += entries.size;
    return count;
  }

  /** The partition has failed, and is tried again after a while. */
  add({ topic, partition }: TopicPartition, detail: string): void {
    const known = this.#entries.get(topic)?.get(partition);
    if (known !== undefined) {
      known.detail = detail;
      return;
    }
    if (this.#isClosed) return;
    const { clock } = this.#parts;
    const entry: Entry = {
      at: { topic, partition },
      detail,
      sinceMs: clock.now(),
      delayMs: this.#firstDelayMs({ topic, partition }),
      cancel: () => {},
    };
    const entries = this.#entries.get(topic) ?? new Map<number, Entry>();
    this.#entries.set(topic, entries.set(partition, entry));
    this.#schedule(entry);
  }

  /** Null: it is not offline. */
  find(topic: string, partition: number): OfflinePartition | null {
    const entry = this.#entries.get(topic)?.get(partition);
    return entry === undefined ? null : described(entry);
  }

  /** Of one topic, by partition. */
  ofTopic(topic: string): readonly OfflinePartition[] {
    return [...(this.#entries.get(topic)?.values() ?? [])]
      .map(described)
      .sort((a, b) => a.partition - b.partition);
  }

  /** The topic was deleted. */
  forget(topic: string): void {
    for (const { cancel } of this.#entries.get(topic)?.values() ?? []) cancel();
    this.#entries.delete(topic);
  }

  /** Nothing is tried any more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const topic of [...this.#entries.keys()]) this.forget(topic);
    await Promise.all(this.#trying);
  }

  #schedule(entry: Entry): void {
    entry.cancel = this.#parts.clock.schedule(entry.delayMs, () => {
      const trying = this.#try(entry)
        .catch(this.#parts.crashed)
        .finally(() => this.#trying.delete(trying));
      this.#trying.add(trying);
    });
  }

  async #try(entry: Entry): Promise<void> {
    const { at } = entry;
    const failure = await this.#parts.reopen(at);
    // Forgotten meanwhile: whatever has its name now is another.
    const entries = this.#entries.get(at.topic);
    if (entries?.get(at.partition) !== entry) return;
    if (failure !== null) {
      entry.detail = failure;
      entry.delayMs = Math.min(entry.delayMs * 2, DELAY_MS_MAX);
      this.#schedule(entry);
      return;
    }
    entries.delete(at.partition);
    if (entries.size === 0) this.#entries.delete(at.topic);
    const { clock, logger } = this.#parts;
    this.#comebacks.set(keyOf(at), {
      atMs: clock.monotonic(),
      delayMs: entry.delayMs,
    });
    logger.info({ ...at }, "partition is online again");
  }

  #firstDelayMs(at: TopicPartition): number {
    const last = this.#comebacks.get(keyOf(at));
    if (last === undefined) return DELAY_MS_MIN;
    this.#comebacks.delete(keyOf(at));
    const heldMs = this.#parts.clock.monotonic() - last.atMs;
    if (heldMs > DELAY_MS_MAX) return DELAY_MS_MIN;
    return Math.min(last.delayMs * 2, DELAY_MS_MAX);
  }
}

function described({ at, detail, sinceMs }: Entry): OfflinePartition {
  return { ...at, detail, sinceMs };
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
