/** What clients ask of a group's committed offsets, and what they hear. */
import type { MemberError } from "./group-answers.ts";

export interface CommitOffsetsRequest {
  readonly groupId: string;
  /** Null for who is no member: an operator, or a consumer that assigns itself. */
  readonly memberId: string | null;
  readonly instanceId: string | null;
  readonly generation: number | null;
  /** How long to keep them, where the client decides (OffsetCommit v2-4); null mostly. */
  readonly retentionMs: number | null;
  readonly topics: readonly CommitTopic[];
}

export interface CommitTopic {
  readonly topic: string;
  readonly partitions: readonly CommitPartition[];
}

export interface CommitPartition {
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number | null;
  readonly metadata: string | null;
}

export type CommitError =
  | MemberError
  /** Longer than can be stored. */
  | "invalid-group-id"
  | "illegal-generation"
  | "rebalance-in-progress"
  /** There is no room for another group. */
  | "group-max-size-reached"
  /** More than the log takes at once; nothing is committed. */
  | "message-too-large";

/** Of one partition; the others are committed nevertheless. */
export type CommitPartitionError =
  | "offset-metadata-too-large"
  /** Too large a number to be told from its neighbours. */
  | "offset-out-of-range";

export type CommitOffsetsAnswer =
  | { readonly error: CommitError }
  | { readonly error: null; readonly topics: readonly CommittedTopic[] };

export interface CommittedTopic {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly error: CommitPartitionError | null;
  }[];
}

/** Topics and partitions by name and number. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface FetchOffsetsRequest {
  readonly groupId: string;
  /** Null for all there are. */
  readonly topics: readonly TopicPartitions[] | null;
}

/** A group that nobody knows has committed nothing: that is no error. */
export interface FetchOffsetsAnswer {
  readonly error: null;
  readonly topics: readonly FetchedTopic[];
}

export interface FetchedTopic {
  readonly topic: string;
  readonly partitions: readonly FetchedOffset[];
}

export interface FetchedOffset {
  readonly partition: number;
  /** Null where nothing was committed. */
  readonly offset: number | null;
  readonly leaderEpoch: number | null;
  readonly metadata: string;
}

export interface DeleteOffsetsRequest {
  readonly groupId: string;
  readonly topics: readonly TopicPartitions[];
}

export type DeleteOffsetsAnswer =
  | {
      readonly error:
        "group-id-not-found" | "invalid-group-id" | "non-empty-group";
    }
  | { readonly error: null; readonly topics: readonly DeletedTopic[] };

export interface DeletedTopic {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    /**
     * `message-too-large`: more than fit at once; ask again for the rest.
     * `unknown-topic-or-partition` comes from who knows topics, no coordinator.
     */
    readonly error:
      | "group-subscribed-to-topic"
      | "message-too-large"
      | "unknown-topic-or-partition"
      | null;
  }[];
}
