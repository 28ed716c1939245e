/**
 * A producer for one partition, as a Kafka client does it: some batches under
 * way at a time, and after a failure everything unanswered again, in order and
 * with the same sequences, until it is answered.
 *
 * Without idempotence (`acks` 1 here) a batch is sent once: what became of one
 * that was not answered nobody knows, and it is given up.
 *
 * A *lane* is what stays in order: a producer id, or a connection without one.
 * Its name is in every record's id; a new one begins where order ends.
 */
import { batchOfIds } from "./sim-records.ts";
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import type { Place } from "./sim-observation.ts";

export interface SimProducerOptions extends Place {
  readonly acks: 1 | -1;
  /** Mean time between two batches. */
  readonly paceMs: number;
  /** Where keys come again, and are taken away: how many there are. At -1 only. */
  readonly keyCount?: number;
}

interface Lane {
  readonly name: string;
  /** Null: not idempotent. */
  readonly producer: { readonly id: number; readonly epoch: number } | null;
  nextNumber: number;
  /**
   * Until the first batch is answered, no other is sent: of a producer that it
   * does not know a broker takes any sequence, as Kafka does, so the second
   * batch could get in front of a first one that failed.
   */
  window: number;
}

interface Batch {
  readonly ids: readonly string[];
  readonly bytes: Uint8Array;
}

type Outcome = "done" | "again" | "refused" | "lost";

const NO_ERROR = 0;
const OUT_OF_ORDER_SEQUENCE = 45;
/** The broker remembers five batches of a producer. */
const WINDOW = 4;
const RECORD_COUNT_MAX = 4;
/** Of records with keys that come again, how many are tombstones. */
const GONE_SHARE = 0.2;
const sequenceErrors: readonly number[] = [OUT_OF_ORDER_SEQUENCE, 46, 47, 59];

export class SimProducer {
  readonly #client: SimKafkaClient;
  readonly #options: SimProducerOptions;
  #laneCount = 0;
  #lane: Lane | null = null;
  #unanswered: Batch[] = [];
  #isStopping = false;
  #isIdle = false;

  constructor(context: SimClientContext, options: SimProducerOptions) {
    this.#client = new SimKafkaClient(context);
    this.#options = options;
  }

  /** Nothing more is produced; what is unanswered is sent until it is answered. */
  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  async run(): Promise<void> {
    while (!this.#isStopping || this.#unanswered.length > 0) {
      const lane = this.#lane ?? (await this.#openLane());
      if (lane === null) await this.#client.pause();
      else await this.#produce(lane);
    }
    this.#isIdle = true;
  }

  async #openLane(): Promise<Lane | null> {
    const { context } = this.#client;
    const { acks, partition } = this.#options;
    let producer: Lane["producer"] = null;
    if (acks === -1) {
      const answer = await this.#client.call(22, 4, {
        transactionalId: null,
        transactionTimeoutMs: 0,
        producerId: -1,
        producerEpoch: -1,
      });
      if (answer?.errorCode !== NO_ERROR) return null;
      producer = { id: answer.producerId, epoch: answer.producerEpoch };
    }
    this.#laneCount += 1;
    const name = `${context.name}-${partition}.${this.#laneCount}`;
    this.#lane = { name, producer, nextNumber: 0, window: 1 };
    return this.#lane;
  }

  /** Until something fails: keeps a window of batches under way. */
  async #produce(lane: Lane): Promise<void> {
    const waiting: Promise<Outcome>[] = [];
    let sentCount = 0;
    /**
     * Sent before. Until they are done nothing new is sent, as Java's client does
     * it: the broker would forget one that times out again and again while five
     * others are taken.
     */
    let againCount = this.#unanswered.length;
    if (!(await this.#client.isConnected())) {
      await this.#client.pause();
      return;
    }
    for (;;) {
      const hasRoom = this.#unanswered.length < lane.window;
      if (hasRoom && againCount === 0 && !this.#isStopping) {
        this.#unanswered.push(this.#nextBatch(lane));
      }
      const batch = this.#unanswered[sentCount];
      if (batch !== undefined) {
        waiting.push(this.#send(lane, batch));
        sentCount += 1;
        await this.#thinkTime();
      }
      const isComplete =
        againCount > 0 && sentCount === this.#unanswered.length;
      const mayGoOn = waiting.length < lane.window && !this.#isStopping;
      if (mayGoOn && !isComplete) continue;
      const outcome = await waiting.shift();
      if (outcome === undefined) return;
      if (outcome === "done") {
        this.#unanswered.shift();
        sentCount -= 1;
        againCount = Math.max(0, againCount - 1);
        lane.window = WINDOW;
        continue;
      }
      await this.#recover(outcome, waiting);
      return;
    }
  }

  /** The first of those under way was not done: how do the others stand, and what now? */
  async #recover(
    outcome: Outcome,
    waiting: readonly Promise<Outcome>[],
  ): Promise<void> {
    const [first, ...rest] = this.#unanswered;
    const outcomes = await Promise.all(waiting);
    const isDone = (index: number): boolean => outcomes[index] === "done";
    this.#unanswered = rest.filter((_batch, index) => !isDone(index));
    const isIdempotent = this.#lane?.producer !== null;
    if (!isIdempotent || outcome === "refused") {
      // Given up: nobody knows.
      this.#unanswered = [];
      this.#lane = null;
      this.#client.drop();
    } else if (first !== undefined) this.#unanswered.unshift(first);
    await this.#client.pause();
  }

  async #send(lane: Lane, batch: Batch): Promise<Outcome> {
    const { topic, partition, acks } = this.#options;
    const { observe } = this.#client.context;
    const answer = await this.#client.callOnSame(0, 9, {
      transactionalId: null,
      acks,
      timeoutMs: 5_000,
      topicData: [
        {
          name: topic,
          // The broker writes into what it is given; in one process that would be ours.
          partitionData: [{ index: partition, records: batch.bytes.slice() }],
        },
      ],
    });
    const result = answer?.responses[0]?.partitionResponses[0];
    if (result === undefined) return "lost";
    const { errorCode, baseOffset } = result;
    if (errorCode === NO_ERROR) {
      const { ids } = batch;
      const where = { topic, partition, baseOffset, ids };
      if (this.#options.keyCount === undefined) {
        observe({ kind: "acknowledged", acks, ...where });
      } else observe({ kind: "written", ...where });
      return "done";
    }
    if (!sequenceErrors.includes(errorCode)) return "again";
    // Behind one that failed a gap is right; in front of all others it is not.
    if (this.#unanswered[0] !== batch) return "again";
    const id = batch.ids[0] ?? "";
    observe({ kind: "sequence-refused", topic, partition, id, errorCode });
    return "refused";
  }

  #nextBatch(lane: Lane): Batch {
    const { clock, random, observe } = this.#client.context;
    const { topic, partition } = this.#options;
    const count = 1 + random.integer(RECORD_COUNT_MAX);
    const baseSequence = lane.nextNumber;
    const ids = Array.from(
      { length: count },
      (_, index) => `${lane.name}/${baseSequence + index}${this.#drawKey()}`,
    );
    lane.nextNumber += count;
    const producer =
      lane.producer === null ? null : { ...lane.producer, baseSequence };
    const isRetried = producer !== null;
    const timestampMs = clock.now();
    if (this.#options.keyCount === undefined) {
      observe({ kind: "sent", topic, partition, ids, isRetried, timestampMs });
    } else observe({ kind: "writing", topic, partition, ids });
    return { ids, bytes: batchOfIds(ids, timestampMs, random, producer) };
  }

  /** What an id says of a key that comes again. */
  #drawKey(): string {
    const { random } = this.#client.context;
    const { keyCount } = this.#options;
    if (keyCount === undefined) return "";
    const key = `:k${random.integer(keyCount)}`;
    return random.fraction() < GONE_SHARE ? `${key}:gone` : key;
  }

  #thinkTime(): Promise<void> {
    const { clock, random } = this.#client.context;
    return sleep(clock, random.fraction() * 2 * this.#options.paceMs);
  }
}
