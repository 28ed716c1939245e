/**
 * Creates and deletes topics, writes a little to them, and looks what there is.
 * Names come again and again, so that a topic lies where an older one lay; the
 * ids of its records name the one that they were meant for.
 */
import { batchOfIds } from "./sim-records.ts";
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import { fetchOnce } from "./sim-reader.ts";

const NO_ERROR = 0;
const UNKNOWN_TOPIC = 3;
const TOPIC_EXISTS = 36;
const NAME_COUNT = 3;

export class SimTopicAdmin {
  readonly #client: SimKafkaClient;
  readonly #prefix: string;
  #isStopping = false;
  #isIdle = false;

  /** Names begin with the prefix; nobody else may touch them. */
  constructor(context: SimClientContext, prefix: string) {
    this.#client = new SimKafkaClient(context);
    this.#prefix = prefix;
  }

  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  async run(): Promise<void> {
    const { clock, random } = this.#client.context;
    while (!this.#isStopping) {
      const topic = `${this.#prefix}${random.integer(NAME_COUNT)}`;
      const choice = random.fraction();
      if (choice < 0.3) await this.#create(topic);
      else if (choice < 0.5) await this.#delete(topic);
      else if (choice < 0.8) await this.#write(topic);
      else await this.list();
      await sleep(clock, random.fraction() * 500);
    }
    this.#isIdle = true;
  }

  /** True once an answer came. */
  async list(): Promise<boolean> {
    const { observe, nextCall } = this.#client.context;
    const call = nextCall();
    observe({ kind: "asking-topics", call });
    const answer = await this.#client.call(3, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    if (answer === null) return false;
    const topics = answer.topics.map(({ name }) => name ?? "");
    observe({ kind: "found-topics", call, topics });
    return true;
  }

  async #create(topic: string): Promise<void> {
    const { observe, random } = this.#client.context;
    observe({ kind: "creating-topic", topic });
    const answer = await this.#client.call(19, 7, {
      topics: [
        {
          name: topic,
          numPartitions: 1 + random.integer(3),
          replicationFactor: 1,
          assignments: [],
          configs: [],
        },
      ],
      timeoutMs: 5_000,
      validateOnly: false,
    });
    const errorCode = answer?.topics[0]?.errorCode;
    if (errorCode === NO_ERROR) observe({ kind: "created-topic", topic });
    // It may have been there, or an answer before this one was lost.
    else if (errorCode === TOPIC_EXISTS) await this.list();
  }

  async #delete(topic: string): Promise<void> {
    const { observe } = this.#client.context;
    observe({ kind: "deleting-topic", topic });
    const answer = await this.#client.call(20, 6, {
      topics: [{ name: topic, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
      topicNames: [],
      timeoutMs: 5_000,
    });
    const errorCode = answer?.responses[0]?.errorCode;
    if (errorCode === NO_ERROR || errorCode === UNKNOWN_TOPIC) {
      observe({ kind: "deleted-topic", topic });
    }
  }

  /** Once, at 1: whatever becomes of it. Then reads what is there. */
  async #write(topic: string): Promise<void> {
    const { clock, random, nextCall, observe } = this.#client.context;
    const ids = [`${topic}:${nextCall()}/0`];
    const place = { topic, partition: 0 };
    const timestampMs = clock.now();
    observe({ kind: "sent", ...place, ids, isRetried: false, timestampMs });
    await this.#client.call(0, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 5_000,
      topicData: [
        {
          name: topic,
          partitionData: [
            { index: 0, records: batchOfIds(ids, timestampMs, random, null) },
          ],
        },
      ],
    });
    const limits = { waitMs: 0, sizeBytesMax: 100_000 };
    await fetchOnce(
      this.#client,
      topic,
      [{ ...place, fetchOffset: 0 }],
      limits,
    );
  }
}
