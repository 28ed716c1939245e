/**
 * A client over topics that are arrays: what a pipeline needs of one, with
 * rebalances and failures on demand.
 *
 * `FakeBroker` is what lasts: records and committed offsets. A `FakeClient` on
 * it is one process: dropping it and making another is a crash. A consumer owns
 * all partitions from its first read on, unless a test moves them.
 */
import type {
  Admin,
  Client,
  ConsumerOptions,
  GroupConsumer,
  Header,
  PartitionBatch,
  Producer,
  RawRecord,
  SendRecord,
  SendResult,
  TopicPartition,
  TopicPartitionOffset,
  TopicSink,
} from "../../client/index.ts";
import { ClientError } from "../../client/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { SeededRandom } from "./seeded-random.ts";

type Bytes = Uint8Array | null;

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

export class FakeBroker {
  readonly clock = new ManualClock();
  readonly #topics = new Map<string, RawRecord[][]>();
  /** By `topic-partition`, over all groups: a test has one. */
  readonly committed = new Map<string, number>();
  readonly #watchers = new Set<() => void>();

  /** False where it exists. */
  create(name: string, partitionCount: number): boolean {
    if (this.#topics.has(name)) return false;
    const partitions = Array.from({ length: partitionCount }, () => []);
    this.#topics.set(name, partitions);
    return true;
  }

  partitionsOf(name: string): readonly (readonly RawRecord[])[] {
    const partitions = this.#topics.get(name);
    if (partitions !== undefined) return partitions;
    throw new ClientError("refused", `there is no topic ${name}`, {
      answer: "unknown-topic-or-partition",
    });
  }

  /** All records of a topic, partition after partition. */
  records(name: string): readonly RawRecord[] {
    return this.partitionsOf(name).flat();
  }

  /** Values as text, in the order of one partition or of all. */
  texts(name: string, partition?: number): readonly (string | null)[] {
    const records =
      partition === undefined
        ? this.records(name)
        : (this.partitionsOf(name)[partition] ?? []);
    return records.map(({ value }) => textOf(value));
  }

  /** Appends without a client; text becomes UTF-8. */
  put(
    name: string,
    value: string | Uint8Array | null,
    more: {
      readonly partition?: number;
      readonly key?: string | Uint8Array | null;
      readonly headers?: readonly Header[];
      readonly timestamp?: number;
    } = {},
  ): SendResult {
    return this.append(name, more.partition ?? 0, {
      key: bytesOf(more.key ?? null),
      value: bytesOf(value),
      headerList: more.headers ?? [],
      timestamp: more.timestamp ?? this.clock.now(),
    });
  }

  append(
    name: string,
    partition: number,
    record: Pick<RawRecord, "key" | "value" | "headerList" | "timestamp">,
  ): SendResult {
    this.partitionsOf(name);
    const log = this.#topics.get(name)?.[partition];
    if (log === undefined) {
      throw new ClientError("invalid-argument", `no ${name}-${partition}`);
    }
    const offset = log.length;
    log.push({
      ...record,
      topic: name,
      partition,
      offset,
      timestampType: "CreateTime",
      headers: new Map(record.headerList.map((h) => [h.name, h.value])),
    });
    this.wake();
    return { topic: name, partition, offset };
  }

  /** Deletes a topic's records and begins at offset 0 again. */
  recreate(name: string): void {
    for (const log of this.#topics.get(name) ?? []) log.length = 0;
  }

  /** Loses what lies from the offset on. */
  cut(name: string, partition: number, endOffset: number): void {
    this.#topics.get(name)?.[partition]?.splice(endOffset);
  }

  /** Resolves at the next change that a consumer may wait for. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#watchers.add(resolve));
  }

  wake(): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const resolve of watchers) resolve();
  }
}

/** What a test may put in the way of a client's calls: throw, or wait. */
export interface Hooks {
  send?: (
    topic: string,
    value: string | null,
    partition: number | null,
  ) => Promise<void> | void;
  /** After the record is written: what waits here is an acknowledgement under way. */
  acknowledge?: (topic: string) => Promise<void> | void;
  commit?: (offsets: readonly TopicPartitionOffset[]) => Promise<void> | void;
  createTopic?: (name: string) => void;
  closeConsumer?: () => void;
}

export class FakeClient implements Client {
  readonly supports = {
    transactions: false,
    commitMetadata: true,
    pausePartition: true,
    delayedDelivery: false,
    lookupByKey: false,
    seekByTime: true,
    push: false,
    groupProtocols: ["classic"] as const,
  };
  readonly broker: FakeBroker;
  readonly hooks: Hooks;
  readonly clock: ManualClock;
  readonly random = new SeededRandom(1);
  readonly admin: Admin;
  /** Records of one partition that are delivered at once. */
  readonly batchCount: number;
  readonly consumers: FakeConsumer[] = [];
  isProducerClosed = false;
  /** Set it, and the process behind this client has ended: nothing it does arrives, nothing reaches it. */
  isCrashed = false;

  constructor(
    broker: FakeBroker,
    hooks: Hooks = {},
    options: { readonly batchCount?: number } = {},
  ) {
    this.broker = broker;
    this.hooks = hooks;
    this.clock = broker.clock;
    this.batchCount = options.batchCount ?? 10;
    this.admin = fakeAdmin(broker, hooks);
  }

  send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
  ): Promise<SendResult> {
    return this.#send(topic, record);
  }

  producer(): Producer {
    const close = async (): Promise<void> => {
      this.isProducerClosed = true;
    };
    return {
      send: (topic, record) => this.#send(topic, record),
      flush: async () => {},
      close,
      [Symbol.asyncDispose]: close,
    };
  }

  async consumer(options: ConsumerOptions): Promise<FakeConsumer> {
    const consumer = new FakeConsumer(this, options.topics);
    this.consumers.push(consumer);
    return consumer;
  }

  messages(): never {
    throw notFaked("messages");
  }

  reader(): never {
    throw notFaked("reader");
  }

  async close(): Promise<void> {
    for (const consumer of this.consumers) await consumer.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Never resolves for the dead. */
  async #unlessCrashed(): Promise<void> {
    if (this.isCrashed) await new Promise(() => {});
  }

  async #send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
  ): Promise<SendResult> {
    const key = topic.key.encode(record.key);
    const value = topic.value.encode(record.value);
    const count = this.broker.partitionsOf(topic.name).length;
    const partition = record.partition ?? partitionFor(key, count);
    await this.hooks.send?.(
      topic.name,
      textOf(value),
      record.partition ?? null,
    );
    if (this.isProducerClosed) {
      throw new ClientError("closed", "the producer is closed");
    }
    const headerList = Array.isArray(record.headers) ? record.headers : [];
    const timestamp = record.timestamp ?? this.clock.now();
    await this.#unlessCrashed();
    const written = this.broker.append(topic.name, partition, {
      key,
      value,
      headerList,
      timestamp,
    });
    await this.hooks.acknowledge?.(topic.name);
    await this.#unlessCrashed();
    return written;
  }
}

export class FakeConsumer implements GroupConsumer {
  readonly #client: FakeClient;
  readonly #topics: readonly string[];
  /** By `topic-partition`, in the order of assignment. */
  readonly #positions = new Map<
    string,
    { readonly id: TopicPartition; offset: number }
  >();
  readonly paused = new Set<string>();
  #onAssign: Parameters<GroupConsumer["onAssign"]>[0] = async () => {};
  #onRevoke: Parameters<GroupConsumer["onRevoke"]>[0] = async () => {};
  #failure: ClientError | null = null;
  isClosed = false;

  constructor(client: FakeClient, topics: readonly string[]) {
    this.#client = client;
    this.#topics = topics;
  }

  get assignment(): readonly TopicPartition[] {
    return [...this.#positions.values()].map(({ id }) => id);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PartitionBatch, undefined> {
    await this.assign(this.#allPartitions());
    while (!this.isClosed) {
      if (this.#failure !== null) throw this.#failure;
      const batch = this.#client.isCrashed ? null : this.#nextBatch();
      if (batch === null) await this.#client.broker.changed();
      else yield batch;
    }
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.#client.isCrashed) await new Promise(() => {});
    await this.#client.hooks.commit?.(offsets);
    if (this.isClosed) throw new ClientError("closed", "it is closed");
    for (const one of offsets) {
      this.#client.broker.committed.set(nameOf(one), one.offset);
    }
  }

  async committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartitionOffset | null)[]> {
    return partitions.map((id) => {
      const offset = this.#client.broker.committed.get(nameOf(id));
      return offset === undefined ? null : { ...id, offset };
    });
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const id of partitions) this.paused.add(nameOf(id));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const id of partitions) this.paused.delete(nameOf(id));
    this.#client.broker.wake();
  }

  async seek(): Promise<void> {
    throw notFaked("seek");
  }

  onRevoke(handler: Parameters<GroupConsumer["onRevoke"]>[0]): void {
    this.#onRevoke = handler;
  }

  onAssign(handler: Parameters<GroupConsumer["onAssign"]>[0]): void {
    this.#onAssign = handler;
  }

  async close(): Promise<void> {
    this.#client.hooks.closeConsumer?.();
    this.isClosed = true;
    this.#client.broker.wake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // What a coordinator would do, when a test says so.

  async assign(ids: readonly TopicPartition[]): Promise<void> {
    const offsets = ids.map((id) => ({
      ...id,
      offset: this.#client.broker.committed.get(nameOf(id)) ?? 0,
    }));
    await this.#onAssign(offsets);
    for (const { topic, partition, offset } of offsets) {
      const id = { topic, partition };
      this.paused.delete(nameOf(id));
      this.#positions.set(nameOf(id), { id, offset });
    }
    this.#client.broker.wake();
  }

  /** Resolves when the member has given the partitions up. */
  async revoke(
    ids: readonly TopicPartition[],
    reason: "revoked" | "lost" = "revoked",
  ): Promise<void> {
    // Fetching ends first, as the next owner must not wait for it.
    for (const id of ids) this.#positions.delete(nameOf(id));
    await this.#onRevoke(ids, reason);
  }

  /** Reads a partition from another offset on, as after a reset. */
  goTo(id: TopicPartition, offset: number): void {
    this.#positions.set(nameOf(id), { id, offset });
    this.#client.broker.wake();
  }

  /** The next read fails for good. */
  breakWith(failure: ClientError): void {
    this.#failure = failure;
    this.#client.broker.wake();
  }

  #allPartitions(): readonly TopicPartition[] {
    return this.#topics.flatMap((topic) =>
      this.#client.broker
        .partitionsOf(topic)
        .map((_, partition) => ({ topic, partition })),
    );
  }

  #nextBatch(): PartitionBatch | null {
    for (const position of this.#positions.values()) {
      const { id } = position;
      if (this.paused.has(nameOf(id))) continue;
      const log = this.#client.broker.partitionsOf(id.topic)[id.partition];
      const end = position.offset + this.#client.batchCount;
      const records = log?.slice(position.offset, end) ?? [];
      if (records.length === 0) continue;
      position.offset += records.length;
      const highWatermark = log?.length ?? 0;
      return { ...id, records, highWatermark, leaderEpoch: 0 };
    }
    return null;
  }
}

function fakeAdmin(broker: FakeBroker, hooks: Hooks): Admin {
  return {
    async describeTopic(name) {
      const partitions = broker.partitionsOf(name);
      return {
        name,
        partitionCount: partitions.length,
        isInternal: false,
        topicId: null,
        configs: {},
        partitions: partitions.map((log, partition) => ({
          partition,
          leader: 0,
          leaderEpoch: 0,
          startOffset: 0,
          endOffset: log.length,
          offline: null,
        })),
      };
    },
    async createTopic({ name, partitionCount }) {
      hooks.createTopic?.(name);
      return broker.create(name, partitionCount ?? 1);
    },
    async offsetsAt(partitions) {
      return partitions.map(
        ({ topic, partition }) =>
          broker.partitionsOf(topic)[partition]?.length ?? null,
      );
    },
    describeCluster: () => Promise.reject(notFaked("describeCluster")),
    listTopics: () => Promise.reject(notFaked("listTopics")),
    deleteTopic: () => Promise.reject(notFaked("deleteTopic")),
    createPartitions: () => Promise.reject(notFaked("createPartitions")),
    listGroups: () => Promise.reject(notFaked("listGroups")),
    describeGroup: () => Promise.reject(notFaked("describeGroup")),
    resetGroup: () => Promise.reject(notFaked("resetGroup")),
    deleteGroup: () => Promise.reject(notFaked("deleteGroup")),
  };
}

function notFaked(what: string): ClientError {
  return new ClientError("not-supported", `the fake client has no ${what}`);
}

/** Any function of the key would do; records without one go to partition 0. */
function partitionFor(key: Bytes, count: number): number {
  let sum = 0;
  for (const byte of key ?? []) sum += byte;
  return sum % count;
}

export function textOf(bytes: Bytes | undefined): string | null {
  if (bytes === null || bytes === undefined) return null;
  return new TextDecoder().decode(bytes);
}

function bytesOf(value: string | Uint8Array | null): Bytes {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}
