/** A client over any driver: puts the parts of `core` together. */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type {
  Admin,
  Client,
  ConsumerOptions,
  GroupConsumer,
  PartitionReader,
  Producer,
  ProducerOptions,
  ReaderOptions,
  Rec,
  SendRecord,
  SendResult,
  Supports,
} from "../client.ts";
import type { TopicSink, TopicSource } from "../topic.ts";
import { createAdmin } from "./admin.ts";
import { mustBeTopic } from "./checked-arguments.ts";
import { CoreConsumer } from "./consumer.ts";
import type { Driver } from "./driver.ts";
import { messagesOf } from "./messages.ts";
import { parseConsumerOptions } from "./options.ts";
import { CoreProducer } from "./producer.ts";
import { CoreReader } from "./reader.ts";
import { closedError } from "./refusal.ts";
import { TopicCounts } from "./topic-counts.ts";
import { abortedError } from "./wait.ts";

export interface ClientPlatform {
  readonly clock: Clock;
  readonly random: Random;
}

/** The driver is the client's from now on: closing the client closes it. */
export function createClient(driver: Driver, platform: ClientPlatform): Client {
  return new CoreClient(driver, platform);
}

interface Closable {
  close(): Promise<void>;
  /** Resolves once it is. */
  readonly closed: Promise<void>;
}

class CoreClient implements Client {
  readonly clock: Clock;
  readonly random: Random;
  readonly admin: Admin;
  readonly #driver: Driver;
  readonly #counts: TopicCounts;
  /** Closed with the client, consumers first: what they commit may need the rest. */
  readonly #consumers = new Set<Closable>();
  readonly #producers = new Set<Closable>();
  #producer: Producer | null = null;
  #closing: Promise<void> | null = null;

  constructor(driver: Driver, platform: ClientPlatform) {
    this.#driver = driver;
    this.clock = platform.clock;
    this.random = platform.random;
    this.admin = createAdmin(driver.admin);
    this.#counts = new TopicCounts(driver, platform.clock);
  }

  get supports(): Supports {
    return this.#driver.supports;
  }

  send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SendResult> {
    if (this.#closing !== null) return Promise.reject(closedError("client"));
    this.#producer ??= this.producer();
    return this.#producer.send(topic, record, options);
  }

  producer(options?: ProducerOptions): Producer {
    this.#mustBeOpen();
    const producer = new CoreProducer(
      this.#driver,
      this,
      this.#counts,
      options,
    );
    keep(this.#producers, producer);
    return producer;
  }

  async consumer(options: ConsumerOptions): Promise<GroupConsumer> {
    this.#mustBeOpen();
    const settings = parseConsumerOptions(options);
    const { signal } = settings;
    if (signal?.aborted === true) throw abortedError(signal);
    // A broker that cannot be reached is told here, and not by a silent iteration.
    await this.#driver.metadata(settings.topics);
    this.#mustBeOpen();
    const consumer = new CoreConsumer(this.#driver, this, settings);
    keep(this.#consumers, consumer);
    return consumer;
  }

  async *messages<K, V>(
    topic: TopicSource<K, V>,
    options: Omit<ConsumerOptions, "topics">,
  ): AsyncGenerator<Rec<K, V> & { ack(): void }> {
    mustBeTopic(topic, "messages");
    const consumer = await this.consumer({ ...options, topics: [topic.name] });
    yield* messagesOf(consumer, topic, this.clock);
  }

  reader(options: ReaderOptions): PartitionReader {
    this.#mustBeOpen();
    const reader = new CoreReader(this.#driver, this, options);
    keep(this.#consumers, reader);
    return reader;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#consumers].map((one) => one.close()));
    await Promise.all([...this.#producers].map((one) => one.close()));
    await this.#driver.close();
  }

  #mustBeOpen(): void {
    if (this.#closing !== null) throw closedError("client");
  }
}

/** In the set until it is closed. */
function keep<T extends Closable>(open: Set<T>, one: T): void {
  open.add(one);
  void one.closed.then(() => open.delete(one));
}
