/**
 * Sends what batchers hold: chooses, stamps, asks the driver, and does what the
 * answers call for.
 *
 * A batch is doubled only if the same records are taken twice under different
 * stamps. So whatever ends without an answer is sent again as it is, and stamped
 * anew only after the broker has said that it has not taken it. When a batch
 * fails for good its sequences are missing: the partition goes on under a new
 * producer id (Java's client raises the epoch, for the same reason).
 */
import { assert } from "../../broker/lib/assert.ts";
import { addToSequence } from "../../broker/record/batch.ts";
import type { CompressionName } from "../../broker/record/batch-format.ts";
import type { Cancel, Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import { ClientError } from "../errors.ts";
import type { PartitionBatcher } from "./batcher.ts";
import type { Driver, DriverProduced } from "./driver.ts";
import type { ProducerBatch, Stamp } from "./producer-batch.ts";
import { isPassing, refused } from "./refusal.ts";
import { backoffMs, withDeadline } from "./wait.ts";

/** Java's `request.timeout.ms`. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Java's `max.in.flight.requests.per.connection`, and as many batches as a broker remembers. */
const IN_FLIGHT_MAX = 5;

export interface SenderOptions {
  readonly acks: -1 | 0 | 1;
  readonly isIdempotent: boolean;
  readonly compression: CompressionName;
}

/** What a sender needs to tell whoever filled the batchers. */
export interface SenderEvents {
  /** The broker does not know the topic, or no longer as we do. */
  unknownTopic(topic: string): void;
}

interface Sending {
  readonly batcher: PartitionBatcher;
  readonly batch: ProducerBatch;
  readonly bytes: Uint8Array;
}

export class Sender {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #options: SenderOptions;
  readonly #events: SenderEvents;
  readonly #active = new Set<PartitionBatcher>();

  /** The id for partitions that have none; null: to be asked for. */
  #producer: {
    readonly producerId: number;
    readonly producerEpoch: number;
  } | null = null;
  #isAsking = false;
  #askAttempts = 0;
  #askNotBeforeMs = 0;
  #cancelTimer: Cancel = () => {};

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    options: SenderOptions,
    events: SenderEvents,
  ) {
    this.#driver = driver;
    this.#clock = platform.clock;
    this.#random = platform.random;
    this.#options = options;
    this.#events = events;
  }

  /** This partition has something that may be due. */
  activate(batcher: PartitionBatcher): void {
    this.#active.add(batcher);
  }

  /** Everything that is open leaves as soon as it can. */
  dueAll(): void {
    for (const batcher of this.#active) batcher.due();
    this.pump();
  }

  /** Sends whatever may be sent now: one batch of each partition a request. */
  pump(): void {
    for (;;) {
      const sending = this.#takeRound();
      if (sending.length === 0) break;
      void this.#send(sending);
    }
    this.#scheduleRetry();
  }

  #takeRound(): readonly Sending[] {
    const nowMs = this.#clock.monotonic();
    const sending: Sending[] = [];
    for (const batcher of this.#active) {
      for (const late of batcher.expired(nowMs)) this.#expire(batcher, late);
      if (batcher.isIdle) this.#active.delete(batcher);
      if (batcher.notBeforeMs > nowMs) continue;
      const isReady = !this.#options.isIdempotent || this.#hasIdentity(batcher);
      const batch = isReady ? batcher.take(this.#inFlightMax()) : null;
      if (batch === null) continue;
      const bytes = this.#encode(batcher, batch);
      if (bytes !== null) sending.push({ batcher, batch, bytes });
    }
    return sending;
  }

  #inFlightMax(): number {
    return this.#options.isIdempotent ? IN_FLIGHT_MAX : 1;
  }

  #encode(batcher: PartitionBatcher, batch: ProducerBatch): Uint8Array | null {
    const { compression, isIdempotent } = this.#options;
    try {
      return batch.encode(
        compression,
        isIdempotent ? stampFor(batcher, batch) : null,
      );
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // The sequences it was to have are missing now.
      if (isIdempotent) this.#abandonIdentity(batcher);
      this.#fail(batcher, batch, error);
      return null;
    }
  }

  async #send(sending: readonly Sending[]): Promise<void> {
    const { acks } = this.#options;
    const nowMs = this.#clock.monotonic();
    const deadlineMs = Math.min(
      ...sending.map(({ batch }) => batch.deadlineMs),
    );
    // Whole milliseconds, as they travel: a clock's own may have a fraction.
    const timeoutMs = Math.max(
      1,
      Math.min(REQUEST_TIMEOUT_MS, Math.ceil(deadlineMs - nowMs)),
    );
    const batches = sending.map(({ batcher, bytes }) => ({
      ...batcher.id,
      bytes,
    }));
    try {
      const produced = await withDeadline(
        this.#clock,
        timeoutMs,
        "produce",
        this.#driver.produce(batches, { acks, timeoutMs }),
      );
      for (const one of sending) this.#answered(one, produced);
    } catch (error) {
      const failure =
        error instanceof ClientError
          ? error
          : new ClientError("protocol-violation", "producing failed", {
              cause: error,
            });
      for (const { batcher, batch } of sending) {
        if (isPassing(failure)) this.#retry(batcher, batch, failure);
        else this.#fail(batcher, batch, failure);
      }
    }
    this.pump();
  }

  #answered(
    { batcher, batch }: Sending,
    produced: readonly DriverProduced[],
  ): void {
    const { topic, partition } = batcher.id;
    const answer = produced.find(
      (one) => one.partition === partition && one.topic === topic,
    );
    if (answer === undefined) {
      const detail = `no answer about ${topic}-${partition}`;
      this.#retry(
        batcher,
        batch,
        new ClientError("protocol-violation", detail, { isRetriable: true }),
      );
      return;
    }
    // A duplicate older than the batches a broker remembers: taken, at an offset nobody knows.
    if (answer.error === null || answer.error === "duplicate-sequence") {
      batcher.remove(batch);
      const { baseOffset } = answer;
      for (const [index, delivery] of batch.deliveries.entries()) {
        delivery.delivered(partition, baseOffset < 0 ? -1 : baseOffset + index);
      }
      return;
    }
    this.#refused(batcher, batch, answer, answer.error);
  }

  #refused(
    batcher: PartitionBatcher,
    batch: ProducerBatch,
    answer: DriverProduced,
    word: string,
  ): void {
    const { topic, partition } = batcher.id;
    const error = refused(
      `a batch for ${topic}-${partition}`,
      word,
      answer.detail,
    );
    if (word === "message-too-large" && batch.recordsCount > 1) {
      batch.attempts += 1;
      batcher.remove(batch);
      for (const half of batch.split(this.#options.compression)) {
        batcher.putBack(half);
      }
      return;
    }
    if (isAboutSequence(word) && this.#maybeReorder(batcher, batch)) return;
    if (word === "unknown-topic-or-partition") this.#events.unknownTopic(topic);
    if (answer.isRetriable) this.#retry(batcher, batch, error);
    else this.#fail(batcher, batch, error);
  }

  /**
   * Out of order because an earlier batch has yet to arrive, or because one
   * failed for good: in both cases this one has not been taken. True where it
   * will be sent again.
   */
  #maybeReorder(batcher: PartitionBatcher, batch: ProducerBatch): boolean {
    const isWaiting = batcher.hasEarlier(batch);
    const isOrphan =
      batch.stamp !== null && batch.stamp.identity !== batcher.identity;
    if (!isWaiting && !isOrphan) return false;
    batch.attempts += 1;
    if (isOrphan && !isWaiting) batch.unstamp();
    batcher.putBack(batch);
    return true;
  }

  #retry(
    batcher: PartitionBatcher,
    batch: ProducerBatch,
    error: ClientError,
  ): void {
    const nowMs = this.#clock.monotonic();
    batch.attempts += 1;
    batch.lastError = error;
    if (batch.deadlineMs <= nowMs) {
      this.#fail(batcher, batch, error);
      return;
    }
    batcher.putBack(batch);
    const delayMs = backoffMs(batch.attempts, this.#random);
    batcher.notBeforeMs = Math.max(batcher.notBeforeMs, nowMs + delayMs);
  }

  #expire(batcher: PartitionBatcher, batch: ProducerBatch): void {
    const { topic, partition } = batcher.id;
    const { recordsCount, lastError } = batch;
    const late = `${recordsCount} records for ${topic}-${partition} were not acknowledged in time`;
    // What stood in the way all the time says more than that it took long.
    const error =
      lastError === null
        ? new ClientError("timed-out", late)
        : new ClientError("timed-out", `${late}: ${lastError.message}`, {
            ...(lastError.answer !== null && { answer: lastError.answer }),
            cause: lastError,
          });
    this.#fail(batcher, batch, error);
  }

  #fail(
    batcher: PartitionBatcher,
    batch: ProducerBatch,
    error: ClientError,
  ): void {
    batcher.remove(batch);
    if (batch.stamp !== null && batch.stamp.identity === batcher.identity) {
      this.#abandonIdentity(batcher);
    }
    for (const delivery of batch.deliveries) delivery.failed(error);
  }

  /** The partition goes on under another producer id; the others keep theirs. */
  #abandonIdentity(batcher: PartitionBatcher): void {
    if (this.#producer?.producerId === batcher.identity?.producerId) {
      this.#producer = null;
    }
    batcher.identity = null;
  }

  /** False while a producer id is being asked for. */
  #hasIdentity(batcher: PartitionBatcher): boolean {
    if (batcher.identity !== null) return true;
    if (this.#producer === null) {
      void this.#askProducer();
      return false;
    }
    batcher.identity = { ...this.#producer, nextSequence: 0 };
    return true;
  }

  async #askProducer(): Promise<void> {
    const nowMs = this.#clock.monotonic();
    if (this.#isAsking || this.#askNotBeforeMs > nowMs) return;
    this.#isAsking = true;
    try {
      this.#producer = await withDeadline(
        this.#clock,
        REQUEST_TIMEOUT_MS,
        "asking for a producer id",
        this.#driver.initProducer(),
      );
      this.#askAttempts = 0;
    } catch (error) {
      this.#askAttempts += 1;
      this.#askNotBeforeMs =
        this.#clock.monotonic() + backoffMs(this.#askAttempts, this.#random);
      if (!isPassing(error)) this.#failAll(error);
    } finally {
      this.#isAsking = false;
    }
    this.pump();
  }

  /** Without a producer id nothing can be sent: what waits for one fails. */
  #failAll(thrown: unknown): void {
    const error =
      thrown instanceof ClientError
        ? thrown
        : new ClientError("protocol-violation", "no producer id", {
            cause: thrown,
          });
    for (const batcher of this.#active) {
      if (batcher.identity !== null) continue;
      for (const batch of batcher.expired(Infinity)) {
        this.#fail(batcher, batch, error);
      }
    }
  }

  /** One timer for whatever backs off, or would otherwise pass its deadline unseen. */
  #scheduleRetry(): void {
    this.#cancelTimer();
    const nowMs = this.#clock.monotonic();
    let atMs = Infinity;
    for (const batcher of this.#active) {
      const isAsking =
        this.#options.isIdempotent &&
        batcher.identity === null &&
        !this.#isAsking;
      const notBeforeMs = Math.max(
        batcher.notBeforeMs,
        isAsking ? this.#askNotBeforeMs : 0,
      );
      // Whatever can go now has gone, or waits for an answer that will wake it.
      if (notBeforeMs <= nowMs) continue;
      atMs = Math.min(atMs, notBeforeMs, Math.max(batcher.deadlineMs, nowMs));
    }
    this.#cancelTimer =
      atMs === Infinity
        ? () => {}
        : this.#clock.schedule(atMs - nowMs, () => this.pump());
  }
}

function isAboutSequence(word: string): boolean {
  return word === "out-of-order-sequence" || word === "unknown-producer-id";
}

/** The stamp it has, or the next sequences of its partition. */
function stampFor(batcher: PartitionBatcher, batch: ProducerBatch): Stamp {
  if (batch.stamp !== null) return batch.stamp;
  const { identity } = batcher;
  assert(identity !== null, "an identity before a sequence");
  const sequence = identity.nextSequence;
  identity.nextSequence = addToSequence(sequence, batch.recordsCount);
  return { identity, sequence };
}
