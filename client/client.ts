/**
 * The client's interfaces: what a program, a pipeline and the command line see,
 * whichever way leads to the broker (in process, Millrace over TCP, any Kafka).
 *
 * Offsets and timestamps are numbers, durations are milliseconds, bytes appear
 * only where nobody named a type. Every wait takes an `AbortSignal`; whatever
 * is opened can be disposed of with `await using`.
 */
import type { Clock } from "../broker/platform/clock.ts";
import type { Random } from "../broker/platform/random.ts";
import type { Topic, TopicSink, TopicSource } from "./topic.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPartitionOffset extends TopicPartition {
  /** The next record to read: last done + 1. */
  readonly offset: number;
  /**
   * Of the record before it. A commit without it is given the one of the batch
   * that was handed out last, if the offset does not lie behind that.
   */
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

/** A record as it was read. */
export interface Rec<K = unknown, V = unknown> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** ms since the epoch; what it means is the topic's `message.timestamp.type`. */
  readonly timestamp: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: K;
  readonly value: V;
  /** The last value of each name; Kafka allows a name more than once, see `headerList`. */
  readonly headers: ReadonlyMap<string, Uint8Array | null>;
  readonly headerList: readonly Header[];
}

export type RawRecord = Rec<Uint8Array | null, Uint8Array | null>;

export interface Header {
  readonly name: string;
  readonly value: Uint8Array | null;
}

/** A record to send. */
export interface SendRecord<K, V> {
  readonly key: K;
  readonly value: V;
  readonly headers?:
    Readonly<Record<string, string | Uint8Array>> | readonly Header[];
  /** ms since the epoch; default: now. */
  readonly timestamp?: number;
  /** Default: by the key as Java's client does, or sticky without a key. */
  readonly partition?: number;
}

export interface SendResult extends TopicPartition {
  /** -1 with acks 0, where nobody tells. */
  readonly offset: number;
}

export interface Client extends AsyncDisposable {
  readonly supports: Supports;
  readonly admin: Admin;
  /** The time this client lives by; what stands above it uses the same. */
  readonly clock: Clock;
  readonly random: Random;
  /** Sends one record through the client's own producer; resolves when it is acknowledged. */
  send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SendResult>;
  producer(options?: ProducerOptions): Producer;
  consumer(options: ConsumerOptions): Promise<GroupConsumer>;
  /** Records one by one, decoded; `ack` marks one done, commits follow in the background, in order. */
  messages<K, V>(
    topic: TopicSource<K, V>,
    options: Omit<ConsumerOptions, "topics">,
  ): AsyncIterable<Rec<K, V> & { ack(): void }>;
  /** Reads partitions without a group. */
  reader(options: ReaderOptions): PartitionReader;
  close(): Promise<void>;
}

export interface Supports {
  readonly transactions: boolean;
  readonly commitMetadata: boolean;
  readonly pausePartition: boolean;
  readonly delayedDelivery: boolean;
  readonly lookupByKey: boolean;
  readonly seekByTime: boolean;
  readonly push: boolean;
  readonly groupProtocols: readonly ("classic" | "consumer" | "share")[];
}

export interface ProducerOptions {
  /** -1 (default): on the disk; 1: in the page cache; 0: not answered. */
  readonly acks?: -1 | 0 | 1;
  /** Default true with acks -1: a retry never doubles a record. */
  readonly idempotent?: boolean;
  readonly compression?: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  /** How long a record may wait for company; 0 (default) sends at the end of this turn. */
  readonly lingerMs?: number;
  /** A batch is sent when it has this size. Default 16 KiB, as Java's client. */
  readonly batchSizeBytesMax?: number;
  /** `send` waits while more than this is not yet acknowledged. Default 32 MiB. */
  readonly bufferedSizeBytesMax?: number;
  /** After this a record fails, retries included. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
}

export interface Producer extends AsyncDisposable {
  send<K, V>(
    topic: TopicSink<K, V>,
    record: SendRecord<K, V>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SendResult>;
  /** Resolves when everything sent before is acknowledged or has failed. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Where a group without committed offsets starts; required, never guessed. */
export type From = "earliest" | "latest" | { readonly timestamp: number };

export interface ConsumerOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly from: From;
  readonly signal?: AbortSignal;
  readonly isolation?: "read_committed" | "read_uncommitted";
  /** Fetched bytes that nobody has taken yet, over all partitions. Default 32 MiB. */
  readonly bufferedSizeBytesMax?: number;
  /** Default 45,000, as Kafka since 3.0. */
  readonly sessionTimeoutMs?: number;
  /** How long a member may take to give partitions up and rejoin. Default 300,000. */
  readonly rebalanceTimeoutMs?: number;
  /** Default 3,000. */
  readonly heartbeatIntervalMs?: number;
  readonly groupInstanceId?: string;
  readonly assignors?: readonly ("range" | "roundrobin" | "sticky")[];
}

/** Records of one partition that arrived together, in order. */
export interface PartitionBatch extends TopicPartition {
  readonly records: readonly RawRecord[];
  readonly highWatermark: number;
  readonly leaderEpoch: number | null;
}

export type SeekTarget =
  number | "earliest" | "latest" | { readonly timestamp: number };

/**
 * A member of a group. Heartbeats go on while handlers work; a rebalance waits
 * for `onRevoke` before it gives a partition up.
 */
export interface GroupConsumer
  extends AsyncDisposable, AsyncIterable<PartitionBatch> {
  commit(offsets: readonly TopicPartitionOffset[]): Promise<void>;
  /** What the group has committed; null where it has not. */
  committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartitionOffset | null)[]>;
  /** Stops fetching these; what was fetched already is not delivered until `resume`. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  seek(target: TopicPartition & { readonly offset: SeekTarget }): Promise<void>;
  /** Awaited before partitions are given up: drain and commit here. `lost`: too late to commit. */
  onRevoke(
    handler: (
      partitions: readonly TopicPartition[],
      reason: "revoked" | "lost",
    ) => Promise<void>,
  ): void;
  /** Awaited before the first batch of new partitions is delivered. `offset` is where reading starts. */
  onAssign(
    handler: (partitions: readonly TopicPartitionOffset[]) => Promise<void>,
  ): void;
  readonly assignment: readonly TopicPartition[];
  /** Leaves the group and ends the iteration. Commits nothing by itself. */
  close(): Promise<void>;
}

export interface ReaderOptions {
  readonly partitions: readonly (TopicPartition & {
    readonly offset: SeekTarget;
  })[];
  readonly signal?: AbortSignal;
  readonly isolation?: "read_committed" | "read_uncommitted";
  readonly bufferedSizeBytesMax?: number;
}

export interface PartitionReader
  extends AsyncDisposable, AsyncIterable<PartitionBatch> {
  close(): Promise<void>;
}

/** The part of administration that the command line and the pipeline need. */
export interface Admin {
  describeCluster(): Promise<ClusterDescription>;
  listTopics(options?: {
    readonly includeInternal?: boolean;
  }): Promise<readonly TopicSummary[]>;
  /** Refused with `unknown-topic-or-partition` where the topic does not exist. */
  describeTopic(name: string): Promise<TopicDescription>;
  /** True where it was created, false where it existed (then nothing changes). */
  createTopic(topic: NewTopic): Promise<boolean>;
  deleteTopic(name: string): Promise<void>;
  /** Grows a topic to `partitionCount` partitions. */
  createPartitions(topic: string, partitionCount: number): Promise<void>;
  /** The offset of the first record at or after a target; null where there is none. */
  offsetsAt(
    partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
  ): Promise<readonly (number | null)[]>;
  listGroups(): Promise<readonly GroupSummary[]>;
  describeGroup(group: string): Promise<GroupDescription>;
  /** Sets committed offsets of a group without members. */
  resetGroup(
    group: string,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<void>;
  deleteGroup(group: string): Promise<void>;
}

export interface ClusterDescription {
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly brokers: readonly {
    readonly nodeId: number;
    readonly host: string;
    readonly port: number;
  }[];
}

export interface TopicSummary {
  readonly name: string;
  readonly partitionCount: number;
  readonly isInternal: boolean;
}

export interface TopicDescription extends TopicSummary {
  readonly topicId: string | null;
  readonly partitions: readonly {
    readonly partition: number;
    readonly leader: number;
    readonly leaderEpoch: number | null;
    /** Both offsets are 0 where the partition is offline. */
    readonly startOffset: number;
    readonly endOffset: number;
    /** Why the partition is offline, as far as the broker says it: Kafka does not. Null: it is not. */
    readonly offline: string | null;
  }[];
  /** Settings that differ from the defaults, under Kafka's names. */
  readonly configs: Readonly<Record<string, string>>;
}

export interface NewTopic {
  readonly name: string;
  /** Default: the broker's. */
  readonly partitionCount?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export interface GroupSummary {
  readonly group: string;
  readonly state: string;
  readonly protocolType: string;
}

export interface GroupDescription extends GroupSummary {
  readonly assignor: string | null;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly clientHost: string;
    readonly assignment: readonly TopicPartition[];
  }[];
  readonly offsets: readonly (TopicPartitionOffset & {
    readonly endOffset: number;
    /** End offset - committed offset, never below 0. */
    readonly lag: number;
  })[];
}

export type { Topic, TopicSink, TopicSource };
