/**
 * A coordinator with one member, whose answers a test decides: it writes down
 * what it was asked, in order.
 */
import { encodeAssignment } from "../../broker/wire/kafka/consumer-protocol.ts";
import type {
  TopicPartition,
  TopicPartitionOffset,
} from "../../client/client.ts";
import type { GroupMember, GroupTransport } from "../../client/core/driver.ts";
import { partitionsByTopic } from "../../client/core/topic-partitions.ts";

export class FakeGroups implements GroupTransport {
  /** One line a request, besides heartbeats. */
  readonly log: string[] = [];
  readonly offsets = new Map<string, TopicPartitionOffset>();
  heartbeatCount = 0;
  /** What the next assignments hold. */
  assigned: readonly TopicPartition[] = [];
  heartbeatAnswer: () => string | null | Promise<string | null> = () => null;
  commitAnswer: string | null = null;
  /** Answers to joins before they succeed. */
  readonly joinRefusals: string[] = [];
  generation = 0;

  join: GroupTransport["join"] = async ({ memberId }) => {
    this.log.push(`join ${memberId === "" ? "new" : memberId}`);
    const refusal =
      memberId === "" ? "member-id-required" : this.joinRefusals.shift();
    const common = { protocolName: "range", leader: "other", members: [] };
    if (refusal !== undefined) {
      const generation = -1;
      return { error: refusal, memberId: "m1", generation, ...common };
    }
    this.generation += 1;
    const { generation } = this;
    return { error: null, memberId, generation, ...common };
  };

  sync: GroupTransport["sync"] = async ({ generation }) => {
    this.log.push(`sync ${generation}`);
    const assignedPartitions = partitionsByTopic(this.assigned);
    return {
      error: null,
      assignment: encodeAssignment({ assignedPartitions }),
    };
  };

  heartbeat: GroupTransport["heartbeat"] = async () => {
    this.heartbeatCount += 1;
    return { error: await this.heartbeatAnswer() };
  };

  leave: GroupTransport["leave"] = async ({ memberId }) => {
    this.log.push(`leave ${memberId}`);
    return { error: null };
  };

  commit = async (
    { generation }: GroupMember,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<readonly { readonly error: string | null }[]> => {
    const error = generation === this.generation ? null : "illegal-generation";
    return offsets.map((one) => {
      const word = this.commitAnswer ?? error;
      this.log.push(`commit ${one.partition}@${one.offset} ${word ?? "ok"}`);
      if (word === null) this.offsets.set(`${one.topic}/${one.partition}`, one);
      return { error: word };
    });
  };

  committed: GroupTransport["committed"] = async (_group, partitions) =>
    partitions.map(
      ({ topic, partition }) =>
        this.offsets.get(`${topic}/${partition}`) ?? null,
    );
}
