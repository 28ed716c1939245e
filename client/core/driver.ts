/**
 * What a way to a broker must offer: transport, and nothing above it.
 *
 * Batching, partitioning, retries, idempotence and group membership live in
 * `client/core` and are the same over every driver. A driver finds the broker
 * that leads a partition or coordinates a group, speaks its protocol, and
 * answers in these nouns. What a broker refuses is a value (`error`, in the
 * operations' words); what breaks on the way is a thrown `ClientError`.
 */
import type {
  Admin,
  ClusterDescription,
  SeekTarget,
  Supports,
  TopicPartition,
  TopicPartitionOffset,
} from "../client.ts";

export interface Driver {
  readonly supports: Supports;
  /**
   * Topics that exist among those asked for; null asks for all. `autoCreate`
   * lets the broker create those that are missing, if it is set up to.
   */
  metadata(
    topics: readonly string[] | null,
    options?: { readonly autoCreate?: boolean },
  ): Promise<DriverMetadata>;
  /** One batch a partition. With acks 0 resolves when the bytes were handed to the transport. */
  produce(
    batches: readonly DriverBatch[],
    options: { readonly acks: -1 | 0 | 1; readonly timeoutMs: number },
  ): Promise<readonly DriverProduced[]>;
  /** A producer id for an idempotent producer. */
  initProducer(): Promise<{
    readonly producerId: number;
    readonly producerEpoch: number;
  }>;
  /** Opens a stream of batches for partitions that may change while it runs. */
  openFetcher(options: FetcherOptions): Fetcher;
  /** Per partition: the offset, or an error. `latest` is the end offset a consumer may read to. */
  offsetsAt(
    partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
    isolation: Isolation,
  ): Promise<readonly DriverOffset[]>;
  readonly group: GroupTransport;
  readonly admin: Admin;
  describeCluster(): Promise<ClusterDescription>;
  close(): Promise<void>;
}

export type Isolation = "read_committed" | "read_uncommitted";

export interface DriverMetadata {
  readonly topics: readonly {
    readonly name: string;
    readonly error: string | null;
    readonly isInternal: boolean;
    readonly partitionCount: number;
  }[];
}

export interface DriverBatch extends TopicPartition {
  /** A record batch in Kafka's format, as `record/batch-builder.ts` builds it. */
  readonly bytes: Uint8Array;
}

export interface DriverProduced extends TopicPartition {
  readonly error: string | null;
  readonly isRetriable: boolean;
  readonly baseOffset: number;
  readonly detail: string | null;
}

export interface DriverOffset extends TopicPartition {
  readonly error: string | null;
  /** Null where the target lies behind the last record. */
  readonly offset: number | null;
  readonly leaderEpoch: number | null;
}

export interface FetcherOptions {
  readonly isolation: Isolation;
  /** Longest wait of one poll for new records. */
  readonly waitMsMax: number;
  readonly partitionSizeBytesMax: number;
  /** Undelivered bytes above which the fetcher stops asking. */
  readonly bufferedSizeBytesMax: number;
}

/**
 * Fetches in the background; `next` hands over what came. Where a driver can be
 * pushed to, credit takes the place of polls.
 */
export interface Fetcher {
  /**
   * Replaces positions; partitions not named here are no longer fetched. A
   * position's `leaderEpoch` is the one of the record before it.
   */
  assign(positions: readonly TopicPartitionOffset[]): void;
  /** Resolves with at least one item, or null after `close`. Answers to positions that were replaced are dropped. */
  next(): Promise<readonly FetchedBatches[] | null>;
  close(): Promise<void>;
}

export interface FetchedBatches extends TopicPartition {
  /** `offset-out-of-range`, `unknown-topic-or-partition`, `corrupt-message`, ... */
  readonly error: string | null;
  /** The position the bytes were asked for: records below it are to be skipped. */
  readonly fetchOffset: number;
  /** Whole batches, then perhaps the beginning of one: to be ignored. */
  readonly bytes: Uint8Array;
  readonly highWatermark: number;
  readonly startOffset: number | null;
  /**
   * With `offset-out-of-range`: the log was cut below the position since its
   * `leaderEpoch`, and is as it was read up to here. A driver that cannot know
   * leaves it out.
   */
  readonly divergingOffset?: number | null;
  /**
   * With `read_committed`: transactions in these bytes that were rolled back,
   * as Kafka's Fetch answers them. Their records are to be left out.
   */
  readonly abortedTransactions?: readonly AbortedTransaction[];
}

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record; it ends at its abort marker. */
  readonly firstOffset: number;
}

/** The classic group protocol, one method a request. */
export interface GroupTransport {
  join(request: JoinRequest): Promise<JoinAnswer>;
  sync(request: SyncRequest): Promise<SyncAnswer>;
  heartbeat(member: GroupMember): Promise<{ readonly error: string | null }>;
  leave(member: GroupMember): Promise<{ readonly error: string | null }>;
  /** Per partition an error or null. */
  commit(
    member: GroupMember,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<readonly { readonly error: string | null }[]>;
  /** Null entries where the group has not committed. */
  committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartitionOffset | null)[]>;
}

export interface GroupMember {
  readonly group: string;
  readonly memberId: string;
  readonly generation: number;
  readonly groupInstanceId: string | null;
}

export interface JoinRequest {
  readonly group: string;
  /** Empty at first; the broker answers `member-id-required` with the one to use. */
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** In order of preference; metadata is Kafka's consumer-protocol subscription. */
  readonly protocols: readonly {
    readonly name: string;
    readonly metadata: Uint8Array;
  }[];
}

export interface JoinAnswer {
  readonly error: string | null;
  readonly memberId: string;
  readonly generation: number;
  readonly protocolName: string | null;
  readonly leader: string;
  /** Filled in for the leader only. */
  readonly members: readonly {
    readonly memberId: string;
    readonly groupInstanceId: string | null;
    readonly metadata: Uint8Array;
  }[];
}

export interface SyncRequest extends GroupMember {
  readonly protocolType: string;
  readonly protocolName: string;
  /** From the leader; empty from everybody else. */
  readonly assignments: readonly {
    readonly memberId: string;
    readonly assignment: Uint8Array;
  }[];
}

export interface SyncAnswer {
  readonly error: string | null;
  readonly assignment: Uint8Array;
}
