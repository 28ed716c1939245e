/**
 * Committing, fetching and deleting a group's offsets.
 *
 * Who may commit (Kafka's rule): a member of the present generation, except
 * while the leader assigns; and anybody who is no member, as long as the group
 * is empty.
 */
import type { ClassicGroup } from "./classic-group.ts";
import { startSession } from "./classic-rebalance.ts";
import { stateRules } from "./classic-states.ts";
import type { CommittedOffset, OffsetRecord } from "./group-record.ts";
import { offsetTombstone, type GroupOffsets } from "./group-offsets.ts";
import type { Turn } from "./group-turn.ts";
import { isStorable, isStorableGroupId } from "./stored-text.ts";
import type {
  CommitError,
  CommitOffsetsAnswer,
  CommitOffsetsRequest,
  CommitPartition,
  CommitPartitionError,
  DeleteOffsetsAnswer,
  DeleteOffsetsRequest,
  FetchedOffset,
  FetchOffsetsAnswer,
  FetchOffsetsRequest,
} from "./offset-answers.ts";
import { isSubscribed, subscribedTopics } from "./subscription.ts";

/** `group` is null where nobody knows it yet: its first offset makes it. */
export function commitOffsets(
  group: ClassicGroup | null,
  request: CommitOffsetsRequest,
  turn: Turn,
): CommitOffsetsAnswer {
  const error = refusal(group, request);
  if (error !== null) return { error };
  if (group !== null) keepAlive(group, request, turn);
  const nowMs = turn.world.clock.now();
  const { groupId, retentionMs } = request;
  const expireTimestampMs =
    retentionMs === null
      ? null
      : Math.min(nowMs + Math.max(0, retentionMs), Number.MAX_SAFE_INTEGER);
  // One record a partition, however often a request names it: the last one holds.
  const values = new Map<string, OffsetRecord>();
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((commit) => {
      const { partition } = commit;
      const error = partitionRefusal(commit, turn);
      if (error === null) {
        const value: CommittedOffset = {
          offset: commit.offset,
          leaderEpoch: commit.leaderEpoch,
          metadata: commit.metadata ?? "",
          commitTimestampMs: nowMs,
          expireTimestampMs,
        };
        const record = { groupId, topic, partition, value };
        values.set(`${partition} ${topic}`, { kind: "offset", ...record });
      }
      return { partition, error };
    }),
  }));
  for (const record of values.values()) {
    if (!turn.maybeAppend(record)) return { error: "message-too-large" };
  }
  return { error: null, topics };
}

function refusal(
  group: ClassicGroup | null,
  request: CommitOffsetsRequest,
): CommitError | null {
  const { groupId, generation, memberId, instanceId } = request;
  if (!isStorableGroupId(groupId)) return "invalid-group-id";
  if (group === null) return generation === null ? null : "illegal-generation";
  if (generation === null && group.state === "Empty") return null;
  if (generation === null && memberId === null && instanceId === null) {
    return "unknown-member-id";
  }
  const error = group.check(memberId ?? "", instanceId);
  if (error !== null) return error;
  if (generation !== group.generation) return "illegal-generation";
  return stateRules[group.state].commit;
}

function keepAlive(
  group: ClassicGroup,
  { memberId }: CommitOffsetsRequest,
  turn: Turn,
): void {
  if (memberId === null || !stateRules[group.state].commitIsHeartbeat) return;
  const member = group.members.get(memberId);
  if (member !== null) startSession(group, member, turn);
}

function partitionRefusal(
  { offset, metadata }: CommitPartition,
  turn: Turn,
): CommitPartitionError | null {
  const { offsetMetadataSizeBytesMax } = turn.settings;
  if (metadata !== null) {
    const isTooLong = metadata.length > offsetMetadataSizeBytesMax;
    if (isTooLong || !isStorable(metadata)) return "offset-metadata-too-large";
  }
  return Number.isSafeInteger(offset) ? null : "offset-out-of-range";
}

/** Answers in the order of the question; all there are, if it names none. */
export function fetchOffsets(
  offsets: GroupOffsets,
  { groupId, topics }: FetchOffsetsRequest,
): FetchOffsetsAnswer {
  if (topics === null) {
    const all = Array.from(offsets.of(groupId), ([topic, partitions]) => ({
      topic,
      partitions: Array.from(partitions, ([partition, committed]) =>
        fetched(partition, committed),
      ),
    }));
    return { error: null, topics: all };
  }
  const asked = topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) =>
      fetched(partition, offsets.get(groupId, topic, partition)),
    ),
  }));
  return { error: null, topics: asked };
}

function fetched(
  partition: number,
  committed: CommittedOffset | null,
): FetchedOffset {
  return {
    partition,
    offset: committed?.offset ?? null,
    leaderEpoch: committed?.leaderEpoch ?? null,
    metadata: committed?.metadata ?? "",
  };
}

/** Refuses a topic that a member consumes: its offsets would come back at once. */
export function deleteOffsets(
  group: ClassicGroup | null,
  offsets: GroupOffsets,
  request: DeleteOffsetsRequest,
  turn: Turn,
): DeleteOffsetsAnswer {
  const { groupId } = request;
  if (groupId === "") return { error: "invalid-group-id" };
  if (group === null) return { error: "group-id-not-found" };
  // Only consumers say what they are subscribed to.
  if (group.state !== "Empty" && group.protocolType !== "consumer") {
    return { error: "non-empty-group" };
  }
  const subscribed = subscribedTopics(group);
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => {
      if (isSubscribed(subscribed, topic)) {
        return { partition, error: "group-subscribed-to-topic" as const };
      }
      const value = offsets.get(groupId, topic, partition);
      if (value !== null) {
        const record = { groupId, topic, partition, value };
        const tombstone = offsetTombstone({ kind: "offset", ...record });
        if (!turn.maybeAppend(tombstone)) {
          return { partition, error: "message-too-large" as const };
        }
      }
      return { partition, error: null };
    }),
  }));
  return { error: null, topics };
}
