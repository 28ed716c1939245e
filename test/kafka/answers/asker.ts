/**
 * Puts the same questions to any broker of Kafka's protocol and keeps the
 * answers in a form that can be compared: two brokers that behave alike give
 * equal `answers`, whatever ids and ports they chose.
 *
 * Only `ask` keeps what it gets; `topics`, `produce` and `quietly` prepare.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  BatchBuilder,
  type BatchOptions,
} from "../../../broker/record/batch-builder.ts";
import type { CompressionName } from "../../../broker/record/batch-format.ts";
import type { NewRecord } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { apis, type ApiKey } from "../../../broker/wire/kafka/apis.ts";
import {
  ConnectionEnded,
  KafkaConnection,
  type RequestBody,
  type ResponseBody,
} from "../../support/kafka-connection.ts";
import { PlainForm } from "./plain-form.ts";

export const closed = "the broker closed the connection";
/** Some time in 2020: what the tests produce has times of their own. */
export const timeMs = 1_600_000_000_000;
export const unanswered = "no answer";
/** A question that takes longer is not answered at all. */
const answerMsMax = 8_000;
/** Errors that mean: soon, or the next metadata has it. */
const notYet = new Set([3, 5, 6, 14, 15, 16, 100]);

export interface NewTopic {
  readonly name: string;
  readonly partitions?: number;
  /** Without it nothing is set but that records stay for ever. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Nothing is set but `configs`. */
  readonly isBare?: boolean;
}

/** What all brokers are asked about one thing. */
export interface Scenario {
  readonly name: string;
  readonly run: (asker: Asker) => Promise<void>;
}

class Unanswered extends Error {}

export class Asker {
  readonly #port: number;
  readonly form: PlainForm;
  #connection: KafkaConnection | null = null;
  /** By question. */
  readonly answers = new Map<string, unknown>();

  constructor(port: number) {
    this.#port = port;
    this.form = new PlainForm(port);
    this.form.learn(noId, "no id");
    this.form.learn(unknownId, "an unknown id");
  }

  /** The answer as it came, or null where the connection ended instead. */
  async ask<K extends ApiKey>(
    question: string,
    key: K,
    version: number,
    body: RequestBody<K>,
  ): Promise<ResponseBody<K> | null> {
    const name = `${question} (${apis[key].name} v${version})`;
    if (this.answers.has(name)) throw new Error(`asked twice: ${name}`);
    try {
      const answer = await this.quietly(key, version, body);
      this.answers.set(name, this.form.of(answer));
      return answer;
    } catch (error) {
      if (error instanceof ConnectionEnded) this.answers.set(name, closed);
      else if (error instanceof Unanswered) this.answers.set(name, unanswered);
      else throw new Error(name, { cause: error });
      return null;
    }
  }

  /** Asks in each version; the body may depend on it. */
  async askAll<K extends ApiKey>(
    question: string,
    key: K,
    body: (version: number) => RequestBody<K>,
    first = 0,
  ): Promise<void> {
    for (const version of versionsOf(key)) {
      if (version < first) continue;
      await this.ask(question, key, version, body(version));
    }
  }

  /** Keeps what is no answer to one request. */
  note(question: string, value: unknown): void {
    this.answers.set(question, this.form.of(value));
  }

  async quietly<K extends ApiKey>(
    key: K,
    version: number,
    body: RequestBody<K>,
  ): Promise<ResponseBody<K>> {
    const connection = await this.connection();
    let isTooLong = false;
    const tooLong = setTimeout(() => {
      isTooLong = true;
      connection.close();
    }, answerMsMax);
    try {
      return await connection.request(key, version, body);
    } catch (error) {
      throw isTooLong ? new Unanswered() : error;
    } finally {
      clearTimeout(tooLong);
    }
  }

  /** Bytes as they are; answered with the bytes that come, or with null when the connection ends. */
  async raw(bytes: Uint8Array): Promise<Uint8Array | null> {
    const connection = await KafkaConnection.overTcp(this.#port);
    const tooLong = setTimeout(() => connection.close(), answerMsMax);
    try {
      connection.send(bytes);
      return await connection.nextFrame();
    } catch (error) {
      if (error instanceof ConnectionEnded) return null;
      throw error;
    } finally {
      clearTimeout(tooLong);
      connection.close();
    }
  }

  /** A second member of a group must not wait behind the first. */
  another(): Asker {
    const asker = new Asker(this.#port);
    return Object.assign(asker, { answers: this.answers, form: this.form });
  }

  async connection(): Promise<KafkaConnection> {
    if (this.#connection === null || this.#connection.isClosed) {
      this.#connection = await KafkaConnection.overTcp(this.#port);
    }
    return this.#connection;
  }

  close(): void {
    this.#connection?.close();
  }

  /** Creates topics and waits until every partition has its leader. Ids in later answers read as the topic's name. */
  async topics(...topics: readonly NewTopic[]): Promise<readonly string[]> {
    await this.quietly(19, 7, {
      topics: topics.map(({ name, partitions = 1, configs = {}, isBare }) => ({
        name,
        numPartitions: partitions,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(
          isBare === true ? configs : { "retention.ms": "-1", ...configs },
        ).map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: 10_000,
      validateOnly: false,
    });
    const ids: string[] = [];
    for (const { name, partitions = 1 } of topics) {
      const id = await this.untilLed(name, partitions);
      this.form.learn(id, `the id of ${name}`);
      ids.push(id);
    }
    return ids;
  }

  /** Waits until the topic has so many partitions, all led and served. Answers its id. */
  async untilLed(name: string, partitionCount: number): Promise<string> {
    for (let attempt = 1; attempt <= 200; attempt++) {
      const { topics } = await this.quietly(3, 12, {
        topics: [{ topicId: noId, name }],
        allowAutoTopicCreation: false,
        includeClusterAuthorizedOperations: false,
        includeTopicAuthorizedOperations: false,
      });
      const topic = topics[0];
      const isLed =
        topic?.partitions.length === partitionCount &&
        topic.partitions.every(({ errorCode }) => errorCode === 0);
      if (isLed && (await this.#areServed(name, partitionCount))) {
        return topic.topicId;
      }
      await sleep(25);
    }
    throw new Error(`${name} did not get ${partitionCount} leaders`);
  }

  async #areServed(name: string, partitionCount: number): Promise<boolean> {
    const { topics } = await this.quietly(2, 1, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name,
          partitions: Array.from({ length: partitionCount }, (_, index) => ({
            partitionIndex: index,
            currentLeaderEpoch: -1,
            timestamp: -1,
          })),
        },
      ],
    });
    return topics[0]?.partitions.every((one) => one.errorCode === 0) ?? false;
  }

  /** Asks until the answer is no "not yet"; Kafka creates its internal topics when they are first needed. */
  async untilReady<T>(
    ask: () => Promise<T>,
    errorCodeOf: (answer: T) => number | undefined,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const answer = await ask();
      if (!notYet.has(errorCodeOf(answer) ?? 0) || attempt === 200) {
        return answer;
      }
      await sleep(25);
    }
  }

  /** Appends a batch and insists that it was taken. */
  async produce(
    topic: string,
    partition: number,
    records: Uint8Array,
  ): Promise<void> {
    const { responses } = await this.quietly(
      0,
      9,
      produceBody(topic, partition, records),
    );
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
    if (errorCode !== 0) throw new Error(`produce to ${topic}: ${errorCode}`);
  }
}

export const noId = "AAAAAAAAAAAAAAAAAAAAAA";
export const unknownId = "bm8gc3VjaCB0b3BpYy4uLg";

export function versionsOf(key: ApiKey): number[] {
  const { first, last } = apis[key].versions;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export function produceBody(
  topic: string,
  partition: number,
  records: Uint8Array | null,
  acks = -1,
): RequestBody<0> {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 10_000,
    topicData: [
      { name: topic, partitionData: [{ index: partition, records }] },
    ],
  };
}

/** A batch of these values, the first at `timeMs`, each a millisecond after the one before. */
export function batchOf(
  values: readonly string[],
  options: BatchOptions & {
    readonly codec?: CompressionName;
    readonly firstTimestampMs?: number;
    readonly key?: string | null;
  } = {},
): Uint8Array {
  const { codec = "none", firstTimestampMs = timeMs, key = "k" } = options;
  const records = values.map((value, index): NewRecord => ({
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    headers: [],
    timestampMs: firstTimestampMs + index,
  }));
  const builder = new BatchBuilder();
  for (const record of records) builder.append(record);
  const batch = builder.buildCompressed(codec, options);
  if (batch instanceof RecordError) throw batch;
  return new Uint8Array(batch);
}
