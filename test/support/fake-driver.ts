/**
 * A driver over partitions in memory that fails as it is told to.
 *
 * It keeps an idempotent producer's sequences as a broker does: a batch it has
 * is answered again, one out of turn is refused. Faults are drawn for each
 * batch: refused, taken without an answer, lost on the way.
 */
import {
  baseSequenceOf,
  hasProducerId,
  lastSequenceOf,
  producerIdOf,
  recordsCountOf,
  setBaseOffset,
} from "../../broker/record/batch.ts";
import { openRecords, type StoredRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type {
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from "../../client/client.ts";
import type {
  Driver,
  DriverBatch,
  DriverProduced,
  FetchedBatches,
  Fetcher,
} from "../../client/core/driver.ts";
import { ClientError } from "../../client/errors.ts";
import { FakeGroups } from "./fake-groups.ts";

/** What becomes of one batch. */
export type Fate =
  | { readonly kind: "taken" }
  /** Taken, and nobody hears of it. */
  | { readonly kind: "unanswered" }
  /** Never arrives. */
  | { readonly kind: "lost" }
  | { readonly kind: "refused"; readonly error: string };

interface Partition {
  readonly batches: { readonly bytes: Uint8Array; readonly offset: number }[];
  endOffset: number;
  /** By producer id: the last five batches. */
  readonly producers: Map<
    number,
    { readonly first: number; readonly last: number; readonly offset: number }[]
  >;
}

export class FakeDriver implements Driver {
  readonly supports = {
    transactions: false,
    commitMetadata: true,
    pausePartition: true,
    delayedDelivery: false,
    lookupByKey: false,
    seekByTime: true,
    push: false,
    groupProtocols: ["classic"],
  } as const;
  readonly group = new FakeGroups();
  readonly fetchers: FakeFetcher[] = [];
  readonly #topics = new Map<string, Partition[]>();
  /** How many produce requests there were. */
  produceCount = 0;
  /** Decides about each batch before it is looked at. */
  fate: (batch: DriverBatch) => Fate = () => ({ kind: "taken" });
  /** Awaited before each produce is looked at. */
  gate: () => Promise<void> = () => Promise.resolve();
  batchSizeBytesMax = Infinity;
  #nextProducerId = 1;

  create(name: string, partitionCount: number): void {
    const partitions = Array.from({ length: partitionCount }, () => ({
      batches: [],
      endOffset: 0,
      producers: new Map(),
    }));
    this.#topics.set(name, partitions);
  }

  /** All records of a partition. */
  records(topic: string, partition: number): readonly StoredRecord[] {
    return this.#partition({ topic, partition }).batches.flatMap(({ bytes }) =>
      recordsIn(bytes),
    );
  }

  batchCount(topic: string, partition: number): number {
    return this.#partition({ topic, partition }).batches.length;
  }

  metadata: Driver["metadata"] = async (topics) => ({
    topics: (topics ?? [...this.#topics.keys()]).flatMap((name) => {
      const partitions = this.#topics.get(name);
      if (partitions === undefined) return [];
      const partitionCount = partitions.length;
      return [{ name, error: null, isInternal: false, partitionCount }];
    }),
  });

  produce: Driver["produce"] = async (batches, { timeoutMs }) => {
    this.produceCount += 1;
    // As the encoders of both protocols do.
    if (!Number.isInteger(timeoutMs)) throw new RangeError(`${timeoutMs}`);
    await this.gate();
    let isLost = false;
    const answers = batches.map((batch): DriverProduced => {
      const fate = this.fate(batch);
      if (fate.kind === "refused") return answer(batch, fate.error);
      if (fate.kind === "lost" || fate.kind === "unanswered") isLost = true;
      return fate.kind === "lost"
        ? answer(batch, "network-exception")
        : this.#append(batch);
    });
    if (isLost) {
      throw new ClientError("broker-unreachable", "the connection was lost");
    }
    return answers;
  };

  initProducer: Driver["initProducer"] = async () => ({
    producerId: this.#nextProducerId++,
    producerEpoch: 0,
  });

  openFetcher: Driver["openFetcher"] = () => {
    const fetcher = new FakeFetcher((position) => this.#read(position));
    this.fetchers.push(fetcher);
    return fetcher;
  };

  offsetsAt: Driver["offsetsAt"] = async (partitions) =>
    partitions.map((target) => ({
      topic: target.topic,
      partition: target.partition,
      error: null,
      offset: offsetOf(target.at, this.#partition(target).endOffset),
      leaderEpoch: null,
    }));

  get admin(): never {
    throw new Error("nothing is administered here");
  }

  describeCluster(): never {
    throw new Error("there is no cluster here");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #partition({ topic, partition }: TopicPartition): Partition {
    const found = this.#topics.get(topic)?.[partition];
    if (found === undefined) throw new Error(`no ${topic}-${partition}`);
    return found;
  }

  #append(batch: DriverBatch): DriverProduced {
    const partition = this.#partition(batch);
    if (batch.bytes.length > this.batchSizeBytesMax) {
      return answer(batch, "message-too-large");
    }
    // The sender may stamp its own bytes anew.
    const bytes = batch.bytes.slice();
    const offset = partition.endOffset;
    if (hasProducerId(bytes, 0)) {
      const first = baseSequenceOf(bytes, 0);
      const last = lastSequenceOf(bytes, 0);
      const known = partition.producers.get(producerIdOf(bytes, 0)) ?? [];
      const same = known.find((one) => one.first === first);
      if (same !== undefined) {
        return same.last === last
          ? answer(batch, null, same.offset)
          : answer(batch, "out-of-order-sequence");
      }
      const expected = (known.at(-1)?.last ?? -1) + 1;
      if (first !== expected) return answer(batch, "out-of-order-sequence");
      known.push({ first, last, offset });
      partition.producers.set(producerIdOf(bytes, 0), known.slice(-5));
    }
    setBaseOffset(bytes, 0, offset);
    partition.batches.push({ bytes, offset });
    partition.endOffset += recordsCountOf(bytes, 0);
    for (const fetcher of this.fetchers) fetcher.wake();
    return answer(batch, null, offset);
  }

  #read(position: TopicPartitionOffset): FetchedBatches | null {
    const partition = this.#partition(position);
    const common = {
      topic: position.topic,
      partition: position.partition,
      fetchOffset: position.offset,
      highWatermark: partition.endOffset,
      startOffset: 0,
    };
    const bytes = new Uint8Array(0);
    if (position.offset > partition.endOffset) {
      return { ...common, error: "offset-out-of-range", bytes };
    }
    const found = partition.batches.findLast(
      ({ offset }) => offset <= position.offset,
    );
    if (found === undefined || position.offset === partition.endOffset) {
      return null;
    }
    return { ...common, error: null, bytes: found.bytes };
  }
}

export class FakeFetcher implements Fetcher {
  readonly #read: (position: TopicPartitionOffset) => FetchedBatches | null;
  #positions = new Map<string, TopicPartitionOffset>();
  #isClosed = false;
  #wake = (): void => {};

  constructor(read: (position: TopicPartitionOffset) => FetchedBatches | null) {
    this.#read = read;
  }

  get positions(): readonly TopicPartitionOffset[] {
    return [...this.#positions.values()];
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    this.#positions = new Map(
      positions.map((one) => [`${one.topic}/${one.partition}`, one]),
    );
    this.wake();
  }

  async next(): Promise<readonly FetchedBatches[] | null> {
    for (;;) {
      if (this.#isClosed) return null;
      const fetched: FetchedBatches[] = [];
      for (const [key, position] of this.#positions) {
        const item = this.#read(position);
        if (item === null) continue;
        fetched.push(item);
        if (item.error !== null) {
          this.#positions.delete(key);
          continue;
        }
        const last = recordsIn(item.bytes).at(-1)?.offset ?? position.offset;
        this.#positions.set(key, { ...position, offset: last + 1 });
      }
      if (fetched.length > 0) return fetched;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  wake(): void {
    this.#wake();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.wake();
    return Promise.resolve();
  }
}

function answer(
  { topic, partition }: TopicPartition,
  error: string | null,
  baseOffset = -1,
): DriverProduced {
  const isRetriable = error === "not-leader-or-follower";
  return { topic, partition, error, isRetriable, baseOffset, detail: null };
}

function offsetOf(at: SeekTarget, endOffset: number): number {
  if (typeof at === "number") return at;
  return at === "latest" ? endOffset : 0;
}

function recordsIn(bytes: Uint8Array): readonly StoredRecord[] {
  const reader = openRecords(bytes, 0, { sizeBytesMax: 1 << 30 });
  if (reader instanceof RecordError) throw reader;
  const records: StoredRecord[] = [];
  for (;;) {
    const record = reader.next();
    if (record === null) return records;
    if (record instanceof RecordError) throw record;
    records.push(record);
  }
}
