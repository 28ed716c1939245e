/**
 * A producer: what `send` goes through.
 *
 *   encode -> room -> partition count -> batch -> sent -> acknowledged
 *
 * A record waits for room while too many bytes are unacknowledged, and for its
 * topic while nobody knows how many partitions that has. Both queues keep the
 * order of the calls, also of those that would not have to wait any more.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type { NewRecord } from "../../broker/record/record.ts";
import type {
  Producer,
  ProducerOptions,
  SendRecord,
  SendResult,
} from "../client.ts";
import { ClientError } from "../errors.ts";
import type { TopicSink } from "../topic.ts";
import { PartitionBatcher } from "./batcher.ts";
import type { Driver } from "./driver.ts";
import { encodeRecord } from "./encode-record.ts";
import { Outstanding } from "./outstanding.ts";
import { partitionOfKey, StickyPartition } from "./partitioner.ts";
import type { Delivery } from "./producer-batch.ts";
import { parseProducerOptions, type ProducerSettings } from "./options.ts";
import { closedError, isPassing } from "./refusal.ts";
import { Sender } from "./sender.ts";
import type { TopicCounts } from "./topic-counts.ts";
import { abortedError, backoffMs, Deferred } from "./wait.ts";

/** Of a record in a batch, besides key, value and headers: a little more than it ever is. */
const RECORD_OVERHEAD_BYTES = 32;

interface Pending extends Delivery {
  readonly topic: TopicState;
  readonly partition: number | null;
  readonly record: NewRecord;
  readonly sizeBytes: number;
  /** The caller has its answer already: its signal fired. */
  isSettled: boolean;
}

interface TopicState {
  readonly name: string;
  readonly sticky: StickyPartition;
  readonly batchers: Map<number, PartitionBatcher>;
  /** For the partition count. */
  readonly waiting: Pending[];
}

export class CoreProducer implements Producer {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: ProducerSettings;
  readonly #counts: TopicCounts;
  readonly #sender: Sender;
  readonly #outstanding: Outstanding;
  readonly #topics = new Map<string, TopicState>();
  /** For room. */
  readonly #waiting: Pending[] = [];
  /** Of batches that were opened in this turn: they are sent at its end. */
  readonly #opened: (() => void)[] = [];
  #isDeferred = false;
  #flushCount = 0;
  readonly #closed = new Deferred();
  #closing: Promise<void> | null = null;

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    counts: TopicCounts,
    options: ProducerOptions = {},
  ) {
    this.#clock = platform.clock;
    this.#random = platform.random;
    this.#settings = parseProducerOptions(options);
    this.#counts = counts;
    this.#outstanding = new Outstanding(this.#settings.bufferedSizeBytesMax);
    this.#sender = new Sender(driver, platform, this.#settings, {
      unknownTopic: (topic) => counts.refresh(topic),
    });
  }

  send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SendResult> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      // What is thrown here rejects; nothing has been queued yet.
      if (this.#closing !== null) throw closedError("producer");
      if (signal?.aborted === true) throw abortedError(signal);
      const encoded = encodeRecord(topic, record, this.#clock.now());
      const settled = this.#outstanding.begin();
      const sizeBytes = sizeOf(encoded);
      const settle = (answer: () => void): void => {
        if (pending.isSettled) return;
        pending.isSettled = true;
        signal?.removeEventListener("abort", abort);
        answer();
        settled();
      };
      const abort = (): void => {
        if (signal !== undefined) settle(() => reject(abortedError(signal)));
      };
      const pending: Pending = {
        topic: this.#topicOf(topic.name),
        partition: record.partition ?? null,
        record: encoded,
        sizeBytes,
        deadlineMs: this.#clock.monotonic() + this.#settings.deliveryTimeoutMs,
        isSettled: false,
        delivered: (partition, offset) => {
          this.#release(sizeBytes);
          settle(() => resolve({ topic: topic.name, partition, offset }));
        },
        failed: (error) => {
          this.#release(sizeBytes);
          settle(() => reject(error));
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#admit(pending);
    });
  }

  async flush(): Promise<void> {
    // What still waits for room or for its topic must not linger afterwards.
    this.#flushCount += 1;
    const flushed = this.#outstanding.flushed();
    this.#sender.dueAll();
    await flushed;
    this.#flushCount -= 1;
  }

  close(): Promise<void> {
    this.#closing ??= this.flush().finally(() => this.#closed.resolve());
    return this.#closing;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #admit(pending: Pending): void {
    const mustWait =
      this.#waiting.length > 0 || !this.#outstanding.hasRoom(pending.sizeBytes);
    if (mustWait) this.#waiting.push(pending);
    else this.#enter(pending);
  }

  #enter(pending: Pending): void {
    this.#outstanding.reserve(pending.sizeBytes);
    const { topic } = pending;
    const count =
      topic.waiting.length > 0 ? null : this.#counts.get(topic.name);
    if (count !== null) {
      this.#append(pending, count);
      return;
    }
    topic.waiting.push(pending);
    if (topic.waiting.length === 1) void this.#awaitTopic(topic, 1);
  }

  /** Until the topic's partition count is known, or nobody waits for it any more. */
  async #awaitTopic(topic: TopicState, attempt: number): Promise<void> {
    try {
      const count = await this.#counts.load(topic.name);
      for (const pending of topic.waiting.splice(0)) {
        this.#append(pending, count);
      }
    } catch (thrown) {
      this.#topicFailed(topic, attempt, thrown);
    }
  }

  #topicFailed(topic: TopicState, attempt: number, thrown: unknown): void {
    const error =
      thrown instanceof ClientError
        ? thrown
        : new ClientError(
            "protocol-violation",
            `no metadata of ${topic.name}`,
            {
              cause: thrown,
            },
          );
    const nowMs = this.#clock.monotonic();
    const isWorthATry = isPassing(error);
    const failed = topic.waiting.filter(
      ({ deadlineMs }) => !isWorthATry || deadlineMs <= nowMs,
    );
    for (const pending of failed) {
      topic.waiting.splice(topic.waiting.indexOf(pending), 1);
    }
    for (const pending of failed) pending.failed(error);
    const next = topic.waiting[0];
    if (next === undefined) return;
    const delayMs = Math.min(
      backoffMs(attempt, this.#random),
      Math.max(next.deadlineMs - nowMs, 1),
    );
    this.#clock.schedule(delayMs, () => {
      void this.#awaitTopic(topic, attempt + 1);
    });
  }

  #append(pending: Pending, partitionCount: number): void {
    if (pending.isSettled) {
      this.#release(pending.sizeBytes);
      return;
    }
    const { topic, record } = pending;
    const partition = this.#partitionOf(pending, partitionCount);
    if (partition < 0 || partition >= partitionCount) {
      // It may have grown: whoever tries again finds it then.
      this.#counts.refresh(topic.name);
      const detail = `${topic.name} has ${partitionCount} partitions, none is ${partition}`;
      pending.failed(new ClientError("invalid-argument", detail));
      return;
    }
    const batcher = this.#batcherOf(topic, partition);
    const { isSealed, opened } = batcher.append(record, pending);
    if (isSealed) topic.sticky.sealed(partition, partitionCount);
    this.#sender.activate(batcher);
    if (opened !== null) {
      const due = (): void => {
        opened.isDue = true;
        topic.sticky.sealed(partition, partitionCount);
      };
      const lingerMs = this.#flushCount > 0 ? 0 : this.#settings.lingerMs;
      if (lingerMs === 0) this.#opened.push(due);
      else {
        this.#clock.schedule(lingerMs, () => {
          due();
          this.#sender.pump();
        });
      }
    }
    if (isSealed || opened !== null) this.#pumpAtEndOfTurn();
  }

  #partitionOf(
    { topic, record, partition }: Pending,
    partitionCount: number,
  ): number {
    if (partition !== null) return partition;
    if (record.key !== null) return partitionOfKey(record.key, partitionCount);
    return topic.sticky.get(partitionCount);
  }

  /** Whatever is sent in one turn of the event loop travels together. */
  #pumpAtEndOfTurn(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#clock.defer(() => {
      this.#isDeferred = false;
      for (const due of this.#opened.splice(0)) due();
      this.#sender.pump();
    });
  }

  #release(sizeBytes: number): void {
    this.#outstanding.release(sizeBytes);
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      if (!next.isSettled && !this.#outstanding.hasRoom(next.sizeBytes)) return;
      this.#waiting.shift();
      if (!next.isSettled) this.#enter(next);
    }
  }

  #topicOf(name: string): TopicState {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = {
        name,
        sticky: new StickyPartition(this.#random),
        batchers: new Map(),
        waiting: [],
      };
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #batcherOf(topic: TopicState, partition: number): PartitionBatcher {
    let batcher = topic.batchers.get(partition);
    if (batcher === undefined) {
      batcher = new PartitionBatcher(
        { topic: topic.name, partition },
        this.#settings.batchSizeBytesMax,
      );
      topic.batchers.set(partition, batcher);
    }
    return batcher;
  }
}

function sizeOf({ key, value, headers }: NewRecord): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) {
    size += 3 * header.key.length + (header.value?.length ?? 0);
  }
  return size;
}
