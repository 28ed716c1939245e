/** Administration over the compact protocol. What a broker refuses is thrown as `refused`. */
import type {
  CompactAnswer,
  CompactApiName,
  CompactRequestInput,
} from "../../../broker/wire/compact/apis.ts";
import type {
  Admin,
  ClusterDescription,
  GroupDescription,
  GroupSummary,
  NewTopic,
  SeekTarget,
  TopicDescription,
  TopicPartition,
  TopicPartitionOffset,
  TopicSummary,
} from "../../client.ts";
import type { DriverOffset } from "../../core/driver.ts";
import { assignedPartitions } from "../../core/group-protocol.ts";
import { refused } from "../../core/refusal.ts";
import { ClientError } from "../../errors.ts";
import type { ConnectionSlot } from "./connection-slot.ts";
import type { CompactGroupTransport } from "./group-transport.ts";

type OffsetsAt = (
  partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
) => Promise<readonly DriverOffset[]>;

interface ErrorFields {
  readonly code: string;
  readonly message: string;
  readonly detail: string | null;
}

export class CompactAdmin implements Admin {
  readonly #slot: ConnectionSlot;
  readonly #group: CompactGroupTransport;
  readonly #offsetsAt: OffsetsAt;

  constructor(
    slot: ConnectionSlot,
    group: CompactGroupTransport,
    offsetsAt: OffsetsAt,
  ) {
    this.#slot = slot;
    this.#group = group;
    this.#offsetsAt = offsetsAt;
  }

  describeCluster(): Promise<ClusterDescription> {
    return this.#ask("describe-cluster", {}, "describing the cluster");
  }

  async listTopics(
    options: { readonly includeInternal?: boolean } = {},
  ): Promise<readonly TopicSummary[]> {
    const request = { topics: null, mayCreate: false };
    const { topics } = await this.#ask("metadata", request, "listing topics");
    const includeInternal = options.includeInternal ?? false;
    return topics
      .filter(({ isInternal }) => includeInternal || !isInternal)
      .map(({ name, partitionCount, isInternal }) => ({
        name,
        partitionCount,
        isInternal,
      }));
  }

  async describeTopic(name: string): Promise<TopicDescription> {
    const what = `describing topic ${name}`;
    const answer = await this.#ask("describe-topics", { names: [name] }, what);
    const topic = only(answer.topics, what);
    throwIf(topic.error, what);
    return {
      name,
      partitionCount: topic.partitions.length,
      isInternal: topic.isInternal,
      topicId: topic.topicId,
      partitions: topic.partitions.map((one, partition) => {
        const { error, leader, leaderEpoch } = one;
        const isOffline = error?.code === "storage-offline";
        if (!isOffline) throwIf(error, `${what}, partition ${partition}`);
        const offline = isOffline ? (error.detail ?? error.message) : null;
        return {
          partition,
          leader,
          leaderEpoch,
          startOffset: one.startOffset ?? 0,
          endOffset: one.endOffset ?? 0,
          offline,
        };
      }),
      configs: Object.fromEntries(
        topic.configs.map((config) => [config.name, config.value ?? ""]),
      ),
    };
  }

  async createTopic(topic: NewTopic): Promise<boolean> {
    const { name, partitionCount, configs } = topic;
    const what = `creating topic ${name}`;
    const created = {
      name,
      partitionCount: partitionCount ?? null,
      configs: Object.entries(configs ?? {}).map(([key, value]) => ({
        name: key,
        value,
      })),
    };
    const request = { topics: [created], validateOnly: false };
    const answer = await this.#ask("create-topics", request, what);
    const { error } = only(answer.topics, what);
    if (error?.code === "topic-already-exists") return false;
    throwIf(error, what);
    return true;
  }

  async deleteTopic(name: string): Promise<void> {
    const what = `deleting topic ${name}`;
    const answer = await this.#ask("delete-topics", { names: [name] }, what);
    throwIf(only(answer.topics, what).error, what);
  }

  async createPartitions(name: string, partitionCount: number): Promise<void> {
    const what = `growing topic ${name} to ${partitionCount} partitions`;
    const request = { topics: [{ name, partitionCount }], validateOnly: false };
    const answer = await this.#ask("create-partitions", request, what);
    throwIf(only(answer.topics, what).error, what);
  }

  async offsetsAt(
    partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
  ): Promise<readonly (number | null)[]> {
    const found = await this.#offsetsAt(partitions);
    return found.map(({ topic, partition, error, offset }) => {
      if (error !== null) {
        throw refused(`finding an offset of ${topic}-${partition}`, error);
      }
      return offset;
    });
  }

  async listGroups(): Promise<readonly GroupSummary[]> {
    const request = { states: [] };
    const answer = await this.#ask("list-groups", request, "listing groups");
    return answer.groups.map(({ groupId, state, protocolType }) => ({
      group: groupId,
      state,
      protocolType,
    }));
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const what = `describing group ${group}`;
    const request = { groupIds: [group] };
    const answer = await this.#ask("describe-groups", request, what);
    const described = only(answer.groups, what);
    throwIf(described.error, what);
    const { state, protocolType, protocol, members } = described;
    return {
      group,
      state,
      protocolType,
      assignor: protocol === "" ? null : protocol,
      members: members.map(
        ({ memberId, clientId, clientHost, assignment }) => ({
          memberId,
          clientId,
          clientHost,
          // Other kinds of groups say there what only they understand.
          assignment:
            protocolType === "consumer" ? assignedPartitions(assignment) : [],
        }),
      ),
      offsets: await this.#lagOf(group),
    };
  }

  async resetGroup(
    group: string,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<void> {
    const nobody = { memberId: "", generation: -1, groupInstanceId: null };
    const results = await this.#group.commit({ group, ...nobody }, offsets);
    for (const [index, { error }] of results.entries()) {
      const { topic, partition } = offsets[index] ?? {
        topic: "",
        partition: 0,
      };
      if (error === null) continue;
      throw refused(
        `setting ${group}'s offset of ${topic}-${partition}`,
        error,
      );
    }
  }

  async deleteGroup(group: string): Promise<void> {
    const what = `deleting group ${group}`;
    const request = { groupIds: [group] };
    const answer = await this.#ask("delete-groups", request, what);
    throwIf(only(answer.groups, what).error, what);
  }

  async #lagOf(group: string): Promise<GroupDescription["offsets"]> {
    const committed = await this.#group.committedOf(group, null);
    const ends = await this.#offsetsAt(
      committed.map(({ topic, partition }) => ({
        topic,
        partition,
        at: "latest",
      })),
    );
    return committed.map((one, index) => {
      // Of a topic that was deleted there is nothing left to read.
      const endOffset = ends[index]?.offset ?? one.offset;
      return { ...one, endOffset, lag: Math.max(0, endOffset - one.offset) };
    });
  }

  async #ask<N extends CompactApiName>(
    name: N,
    fields: CompactRequestInput<N>,
    what: string,
  ): Promise<CompactAnswer<N>> {
    const connection = await this.#slot.get();
    const answer = await connection.request(name, fields);
    if (answer.error === null) return answer.fields;
    throw refused(what, answer.error, answer.detail);
  }
}

function throwIf(error: ErrorFields | null, what: string): void {
  if (error === null) return;
  throw refused(what, error.code, error.detail ?? error.message);
}

/** One was asked about, so one answer is expected. */
function only<T>(answers: readonly T[], what: string): T {
  const [answer] = answers;
  if (answer !== undefined) return answer;
  throw new ClientError("protocol-violation", `${what}: no answer about it`);
}
