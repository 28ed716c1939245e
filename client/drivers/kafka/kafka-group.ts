/** The classic group protocol and committed offsets, spoken to coordinators. */
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type { TopicPartition, TopicPartitionOffset } from "../../client.ts";
import type {
  GroupMember,
  GroupTransport,
  JoinAnswer,
  JoinRequest,
  SyncAnswer,
  SyncRequest,
} from "../../core/driver.ts";
import { refused } from "../../core/refusal.ts";
import {
  groupByTopic,
  keyOf,
  partitionsByTopic,
  sameId,
} from "../../core/topic-partitions.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";

/** Besides what the request itself may be kept for. */
const ANSWER_TIMEOUT_MS = 30_000;
/** A sync is kept until the leader has worked out the assignment. */
const SYNC_TIMEOUT_MS = 330_000;

export class KafkaGroups implements GroupTransport {
  readonly #cluster: KafkaCluster;

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster;
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const { group } = request;
    const answer = await this.#cluster.askCoordinator(
      group,
      apis[11],
      {
        groupId: group,
        sessionTimeoutMs: request.sessionTimeoutMs,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs,
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        protocolType: request.protocolType,
        protocols: [...request.protocols],
      },
      {
        isKept: true,
        timeoutMs:
          Math.max(request.rebalanceTimeoutMs, request.sessionTimeoutMs) +
          ANSWER_TIMEOUT_MS,
      },
    );
    return {
      error: this.#cluster.coordinatorWord(group, answer.errorCode),
      memberId: answer.memberId,
      generation: answer.generationId,
      protocolName: answer.protocolName,
      leader: answer.leader,
      members: answer.members,
    };
  }

  async sync(request: SyncRequest): Promise<SyncAnswer> {
    const { group } = request;
    const answer = await this.#cluster.askCoordinator(
      group,
      apis[14],
      {
        groupId: group,
        generationId: request.generation,
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        protocolType: request.protocolType,
        protocolName: request.protocolName,
        assignments: [...request.assignments],
      },
      { isKept: true, timeoutMs: SYNC_TIMEOUT_MS },
    );
    const error = this.#cluster.coordinatorWord(group, answer.errorCode);
    return { error, assignment: answer.assignment };
  }

  async heartbeat(
    member: GroupMember,
  ): Promise<{ readonly error: string | null }> {
    const { group } = member;
    const answer = await this.#cluster.askCoordinator(group, apis[12], {
      groupId: group,
      generationId: member.generation,
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
    });
    return { error: this.#cluster.coordinatorWord(group, answer.errorCode) };
  }

  async leave(member: GroupMember): Promise<{ readonly error: string | null }> {
    const { group, memberId, groupInstanceId } = member;
    const answer = await this.#cluster.askCoordinator(group, apis[13], {
      groupId: group,
      memberId,
      members: [{ memberId, groupInstanceId }],
    });
    const code = answer.errorCode || (answer.members[0]?.errorCode ?? 0);
    return { error: this.#cluster.coordinatorWord(group, code) };
  }

  async commit(
    member: GroupMember,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<readonly { readonly error: string | null }[]> {
    const { group } = member;
    const answer = await this.#cluster.askCoordinator(group, apis[8], {
      groupId: group,
      generationIdOrMemberEpoch: member.generation,
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      topics: groupByTopic(offsets).map(({ topic, items }) => ({
        name: topic,
        partitions: items.map((item) => ({
          partitionIndex: item.partition,
          committedOffset: item.offset,
          committedLeaderEpoch: item.leaderEpoch ?? -1,
          committedMetadata: item.metadata ?? "",
        })),
      })),
    });
    const codes = new Map(
      answer.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => [
          keyOf({ topic: name, partition: partitionIndex }),
          errorCode,
        ]),
      ),
    );
    return offsets.map((offset) => ({
      error: this.#cluster.coordinatorWord(
        group,
        codes.get(keyOf(offset)) ?? -1,
      ),
    }));
  }

  async committed(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartitionOffset | null)[]> {
    if (partitions.length === 0) return [];
    const all = await this.committedOf(group, partitions);
    const byKey = new Map(all.map((one) => [keyOf(one), one]));
    return partitions.map((id) => byKey.get(keyOf(id)) ?? null);
  }

  /** What the group has committed of these partitions, or of all. */
  async committedOf(
    group: string,
    partitions: readonly TopicPartition[] | null,
  ): Promise<readonly TopicPartitionOffset[]> {
    const topics =
      partitions === null
        ? null
        : partitionsByTopic(partitions).map((one) => ({
            name: one.topic,
            partitionIndexes: one.partitions,
          }));
    const answer = await this.#cluster.askCoordinator(group, apis[9], {
      groupId: group,
      topics,
      groups: [{ groupId: group, topics }],
      requireStable: true,
    });
    // From v8 on the answer is by group.
    const found = answer.groups[0] ?? answer;
    this.#check(group, found.errorCode);
    return found.topics.flatMap(({ name, partitions: of }) =>
      of.flatMap((one) => {
        this.#check(group, one.errorCode);
        if (one.committedOffset < 0) return [];
        const id = { topic: name, partition: one.partitionIndex };
        return [
          {
            ...sameId(id),
            offset: one.committedOffset,
            ...(one.committedLeaderEpoch < 0
              ? {}
              : { leaderEpoch: one.committedLeaderEpoch }),
            ...(one.metadata === null || one.metadata === ""
              ? {}
              : { metadata: one.metadata }),
          },
        ];
      }),
    );
  }

  #check(group: string, errorCode: number): void {
    const word = this.#cluster.coordinatorWord(group, errorCode);
    if (word !== null) throw refused(`the offsets of ${group}`, word);
  }
}
