/** The groups' half of administration. */
import { decodeAssignment } from "../../../broker/wire/kafka/consumer-protocol.ts";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type {
  GroupDescription,
  GroupSummary,
  TopicPartition,
  TopicPartitionOffset,
} from "../../client.ts";
import { refused } from "../../core/refusal.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import { wordOf } from "./kafka-errors.ts";
import type { KafkaGroups } from "./kafka-group.ts";
import { offsetsAt } from "./kafka-partitions.ts";

export class KafkaGroupAdmin {
  readonly #cluster: KafkaCluster;
  readonly #groups: KafkaGroups;

  constructor(cluster: KafkaCluster, groups: KafkaGroups) {
    this.#cluster = cluster;
    this.#groups = groups;
  }

  /** Each broker lists the groups that it coordinates. */
  async listGroups(): Promise<readonly GroupSummary[]> {
    await this.#cluster.metadata([]);
    const answers = await Promise.all(
      this.#cluster.brokers.map((broker) =>
        this.#cluster.connections.request(broker, apis[16], {
          statesFilter: [],
        }),
      ),
    );
    return answers.flatMap(({ errorCode, groups }) => {
      const word = wordOf(errorCode);
      if (word !== null) throw refused("listing groups", word);
      return groups.map(({ groupId, groupState, protocolType }) => ({
        group: groupId,
        state: groupState,
        protocolType,
      }));
    });
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const answer = await this.#cluster.askCoordinator(group, apis[15], {
      groups: [group],
      includeAuthorizedOperations: false,
    });
    const found = answer.groups[0];
    const word = this.#cluster.coordinatorWord(group, found?.errorCode ?? -1);
    if (found === undefined || word !== null) {
      throw refused(`describing ${group}`, word ?? "unknown-server-error");
    }
    return {
      group,
      state: found.groupState,
      protocolType: found.protocolType,
      assignor: found.protocolData === "" ? null : found.protocolData,
      members: found.members.map((member) => ({
        memberId: member.memberId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        assignment: assignmentOf(member.memberAssignment),
      })),
      offsets: await this.#offsetsOf(group),
    };
  }

  async resetGroup(
    group: string,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<void> {
    const member = {
      group,
      memberId: "",
      generation: -1,
      groupInstanceId: null,
    };
    for (const { error } of await this.#groups.commit(member, offsets)) {
      if (error !== null) throw refused(`resetting ${group}`, error);
    }
  }

  async deleteGroup(group: string): Promise<void> {
    const answer = await this.#cluster.askCoordinator(group, apis[42], {
      groupsNames: [group],
    });
    const code = answer.results[0]?.errorCode ?? -1;
    const word = this.#cluster.coordinatorWord(group, code);
    if (word !== null) throw refused(`deleting ${group}`, word);
  }

  async #offsetsOf(group: string): Promise<GroupDescription["offsets"]> {
    const committed = await this.#groups.committedOf(group, null);
    const ends = await offsetsAt(
      this.#cluster,
      committed.map(({ topic, partition }) => ({
        topic,
        partition,
        at: "latest" as const,
      })),
      "read_uncommitted",
    );
    return committed.map((one, index) => {
      const endOffset = ends[index]?.offset ?? one.offset;
      return { ...one, endOffset, lag: Math.max(0, endOffset - one.offset) };
    });
  }
}

/** Another protocol's bytes are no assignment of ours. */
function assignmentOf(bytes: Uint8Array): readonly TopicPartition[] {
  const topics = decodeAssignment(bytes)?.assignedPartitions ?? [];
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}
