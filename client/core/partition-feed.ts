/**
 * The part of reading that consumers and readers share: a queue of fetched
 * bytes for each partition, filled in the background, handed out in turn.
 *
 * Each queue may hold its share of the byte budget; above it, or while it is
 * paused, its partition is not fetched, and the others go on. Bytes are decoded
 * when they are handed out, so what waits costs no more than it weighs.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type {
  PartitionBatch,
  TopicPartition,
  TopicPartitionOffset,
} from "../client.ts";
import { ClientError } from "../errors.ts";
import type { Driver, FetchedBatches, Fetcher, Isolation } from "./driver.ts";
import { decodeRecords, nextPositionOf } from "./records.ts";
import { isPassing, isRetriableAnswer, refused } from "./refusal.ts";
import { keyOf } from "./topic-partitions.ts";
import { backoffMs, Bell, sleep } from "./wait.ts";

const MIB = 1024 * 1024;
/** Java's `max.partition.fetch.bytes`. */
const PARTITION_SIZE_BYTES_MAX = MIB;
/** Java's `fetch.max.wait.ms`. */
const WAIT_MS_MAX = 500;

export interface FeedOptions {
  readonly isolation: Isolation;
  readonly bufferedSizeBytesMax: number;
  /**
   * Where to go on when an offset is out of range; a rejection ends the feed.
   * `divergingOffset` where the log was cut: up to there it is as it was read.
   */
  readonly reset: (
    partition: TopicPartition,
    divergingOffset: number | null,
  ) => Promise<number>;
}

interface Feed {
  readonly id: TopicPartition;
  readonly queue: FetchedBatches[];
  queuedSizeBytes: number;
  /** What is queued ends there. */
  fetchOffset: number;
  /** Of the record before it, as far as it is known. */
  fetchEpoch: number | null;
  /** Its queue has its share. */
  isFull: boolean;
  /** Backing off, or its offset is being looked up. */
  isHeld: boolean;
  failures: number;
  /** Why it cannot go on where it is; only a seek takes it away. */
  failure: ClientError | null;
}

export class PartitionFeed {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: FeedOptions;
  readonly #fetcher: Fetcher;
  readonly #aborter = new AbortController();
  readonly #bell = new Bell();
  /** In the order of their turns. */
  readonly #feeds = new Map<string, Feed>();
  /** Also of partitions that are not read yet. */
  readonly #paused = new Set<string>();
  #failure: unknown = null;
  #isReassigning = false;

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    options: FeedOptions,
  ) {
    this.#clock = platform.clock;
    this.#random = platform.random;
    this.#options = options;
    this.#fetcher = driver.openFetcher({
      isolation: options.isolation,
      waitMsMax: WAIT_MS_MAX,
      partitionSizeBytesMax: PARTITION_SIZE_BYTES_MAX,
      bufferedSizeBytesMax: options.bufferedSizeBytesMax,
    });
    void this.#run();
  }

  /** Starts reading these, besides those that are read already. */
  add(positions: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset, leaderEpoch } of positions) {
      const id = { topic, partition };
      this.#feeds.set(keyOf(id), {
        id,
        queue: [],
        queuedSizeBytes: 0,
        fetchOffset: offset,
        fetchEpoch: leaderEpoch ?? null,
        isFull: false,
        isHeld: false,
        failures: 0,
        failure: null,
      });
    }
    this.#reassign();
  }

  /** Stops reading these; what was fetched of them is dropped. */
  remove(partitions: readonly TopicPartition[]): void {
    for (const id of partitions) {
      this.#feeds.delete(keyOf(id));
      this.#paused.delete(keyOf(id));
    }
    this.#reassign();
  }

  /** Holds until `remove`, also for partitions that are yet to be added. */
  pause(partitions: readonly TopicPartition[], isPaused: boolean): void {
    for (const id of partitions) {
      if (isPaused) this.#paused.add(keyOf(id));
      else this.#paused.delete(keyOf(id));
    }
    this.#reassign();
    this.#bell.ring();
  }

  /** Goes on at `offset`; what was fetched before is dropped. */
  seek(id: TopicPartition, offset: number): void {
    const feed = this.#feeds.get(keyOf(id));
    if (feed === undefined) return;
    feed.queue.length = 0;
    feed.queuedSizeBytes = 0;
    feed.fetchOffset = offset;
    feed.fetchEpoch = null;
    feed.isFull = false;
    feed.isHeld = false;
    feed.failure = null;
    this.#reassign();
  }

  /** The next records of any partition; null after `close`. Rejects with what a partition cannot go on after. */
  async next(): Promise<PartitionBatch | null> {
    for (;;) {
      if (this.#aborter.signal.aborted) return null;
      if (this.#failure !== null) throw this.#failure;
      const batch = this.#take();
      if (batch !== null) return batch;
      await this.#bell.rung();
    }
  }

  /** Ends reading for good: each `next` from now on rejects with this. */
  fail(error: unknown): void {
    this.#failure = error;
    this.#bell.ring();
  }

  async close(): Promise<void> {
    if (this.#aborter.signal.aborted) return;
    this.#aborter.abort();
    this.#feeds.clear();
    this.#bell.ring();
    await this.#fetcher.close();
  }

  #take(): PartitionBatch | null {
    for (const [key, feed] of this.#feeds) {
      if (this.#paused.has(key)) continue;
      if (feed.failure !== null) throw feed.failure;
      const item = feed.queue[0];
      if (item === undefined) continue;
      // To the end of the line, so that each has its turn.
      this.#feeds.delete(key);
      this.#feeds.set(key, feed);
      const decoded = decodeRecords(feed.id, item);
      feed.queue.shift();
      feed.queuedSizeBytes -= item.bytes.length;
      if (feed.isFull && feed.queuedSizeBytes <= this.#shareSizeBytes() / 2) {
        feed.isFull = false;
        this.#reassign();
      }
      if (decoded.records.length === 0) return this.#take();
      return {
        ...feed.id,
        records: decoded.records,
        highWatermark: item.highWatermark,
        leaderEpoch: decoded.leaderEpoch,
      };
    }
    return null;
  }

  async #run(): Promise<void> {
    const { signal } = this.#aborter;
    let attempt = 0;
    while (!signal.aborted) {
      try {
        const items = await this.#fetcher.next();
        if (items === null) return;
        attempt = 0;
        for (const item of items) this.#arrived(item);
      } catch (error) {
        if (signal.aborted) return;
        if (!isPassing(error)) this.fail(error);
        attempt += 1;
        await sleep(this.#clock, backoffMs(attempt, this.#random), signal);
      }
    }
  }

  #arrived(item: FetchedBatches): void {
    const feed = this.#feeds.get(keyOf(item));
    // An answer to a position that was left meanwhile.
    if (feed === undefined || item.fetchOffset !== feed.fetchOffset) return;
    if (item.error !== null) {
      void this.#failed(feed, item.error, item);
      return;
    }
    feed.failures = 0;
    const next = nextPositionOf(item.bytes, item.fetchOffset);
    if (item.bytes.length === 0) return;
    feed.queue.push(item);
    feed.queuedSizeBytes += item.bytes.length;
    feed.fetchOffset = next.offset;
    feed.fetchEpoch = next.leaderEpoch ?? feed.fetchEpoch;
    if (!feed.isFull && feed.queuedSizeBytes >= this.#shareSizeBytes()) {
      feed.isFull = true;
      this.#reassign();
    }
    this.#bell.ring();
  }

  /** The partition is held back until it may be asked again, at a new offset if it must be. */
  async #failed(
    feed: Feed,
    answer: string,
    item: FetchedBatches,
  ): Promise<void> {
    const isLost = answer === "offset-out-of-range";
    if (!isLost && !isRetriableAnswer(answer)) {
      this.#giveUp(feed, fetchFailure(feed.id, answer));
      return;
    }
    feed.isHeld = true;
    feed.failures += 1;
    const before = feed.fetchOffset;
    // A topic of that name may be another one when it is there again.
    if (answer === "unknown-topic-or-partition") feed.fetchEpoch = null;
    this.#reassign();
    const { signal } = this.#aborter;
    if (!isLost || feed.failures > 1) {
      await sleep(this.#clock, backoffMs(feed.failures, this.#random), signal);
    }
    try {
      const offset = isLost ? await this.#resetOffset(feed, item) : before;
      // A seek that came meanwhile knows better.
      if (feed.fetchOffset === before && isLost) {
        feed.fetchOffset = offset;
        feed.fetchEpoch = null;
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (!isPassing(error)) return this.#giveUp(feed, error);
    }
    feed.isHeld = false;
    this.#reassign();
  }

  /** Where the log ended before the position, nothing that came to lie there since is passed over. */
  async #resetOffset(
    { id, fetchOffset }: Feed,
    { divergingOffset = null, highWatermark }: FetchedBatches,
  ): Promise<number> {
    if (divergingOffset !== null) {
      const offset = Math.min(divergingOffset, fetchOffset);
      return this.#options.reset(id, offset);
    }
    const offset = await this.#options.reset(id, null);
    const isBeyondEnd = highWatermark >= 0 && highWatermark < fetchOffset;
    return isBeyondEnd ? Math.min(offset, highWatermark) : offset;
  }

  #giveUp(feed: Feed, failure: ClientError): void {
    feed.isHeld = true;
    feed.failure = failure;
    this.#reassign();
    this.#bell.ring();
  }

  #shareSizeBytes(): number {
    const count = Math.max(1, this.#feeds.size);
    return this.#options.bufferedSizeBytesMax / count;
  }

  /** Tells the fetcher what to fetch, once for all changes of this turn. */
  #reassign(): void {
    if (this.#isReassigning) return;
    this.#isReassigning = true;
    queueMicrotask(() => {
      this.#isReassigning = false;
      if (this.#aborter.signal.aborted) return;
      const positions: TopicPartitionOffset[] = [];
      for (const [key, feed] of this.#feeds) {
        if (this.#paused.has(key) || feed.isFull || feed.isHeld) continue;
        positions.push({
          ...feed.id,
          offset: feed.fetchOffset,
          ...(feed.fetchEpoch === null ? {} : { leaderEpoch: feed.fetchEpoch }),
        });
      }
      this.#fetcher.assign(positions);
    });
  }
}

function fetchFailure(
  { topic, partition }: TopicPartition,
  answer: string,
): ClientError {
  if (answer === "corrupt-batch" || answer === "corrupt-message") {
    return new ClientError(
      "corrupt-batch",
      `the broker holds a corrupt batch in ${topic}-${partition}`,
      { answer },
    );
  }
  return refused(`a fetch from ${topic}-${partition}`, answer);
}
