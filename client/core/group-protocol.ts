/**
 * What members of our groups say in their joins and syncs: Kafka's
 * consumer-protocol bytes around our assignors.
 */
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from "../../broker/wire/kafka/consumer-protocol.ts";
import type { TopicPartition } from "../client.ts";
import { ClientError } from "../errors.ts";
import {
  assignPartitions,
  type AssignableMember,
  type AssignorName,
} from "./assignor.ts";
import type { Driver, JoinAnswer, SyncRequest } from "./driver.ts";
import { partitionsByTopic } from "./topic-partitions.ts";

/** kafkajs has its own name for it, and offers nothing else by default. */
const KAFKAJS_ROUND_ROBIN = "RoundRobinAssigner";

/** The names a member offers for its assignors; Java's, then those of other clients. */
export function protocolNames(
  assignors: readonly AssignorName[],
): readonly string[] {
  return assignors.includes("roundrobin")
    ? [...assignors, KAFKAJS_ROUND_ROBIN]
    : assignors;
}

/** `owned`: what the member had in `generation`, for the sticky assignor. */
export function subscriptionBytes(
  topics: readonly string[],
  owned: readonly TopicPartition[],
  generation: number,
): Uint8Array {
  return encodeSubscription({
    topics: [...topics].sort(),
    ownedPartitions: partitionsByTopic(owned),
    generationId: generation,
  });
}

/** What a member was given; nothing where it was given no bytes. */
export function assignedPartitions(
  bytes: Uint8Array,
): readonly TopicPartition[] {
  if (bytes.length === 0) return [];
  const assignment = decodeAssignment(bytes);
  if (assignment === null) {
    throw new ClientError(
      "protocol-violation",
      `the group's leader sent an assignment of ${bytes.length} bytes that is none`,
    );
  }
  return assignment.assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

export interface LeaderWork {
  readonly assignments: SyncRequest["assignments"];
  /** Of the topics of all members, as they were when this was worked out. */
  readonly partitionCounts: ReadonlyMap<string, number>;
}

/** The leader's work: asks for the partitions of everybody's topics and deals them out. */
export async function assignForAll(
  driver: Driver,
  answer: JoinAnswer,
): Promise<LeaderWork> {
  const members = answer.members.map((member): AssignableMember => {
    const subscription = decodeSubscription(member.metadata);
    // A member whose bytes are no subscription gets nothing, and harms nobody.
    return {
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      topics: subscription?.topics ?? [],
      owned: (subscription?.ownedPartitions ?? []).flatMap(
        ({ topic, partitions }) =>
          partitions.map((partition) => ({ topic, partition })),
      ),
    };
  });
  const topics = [...new Set(members.flatMap((member) => member.topics))];
  const partitionCounts = await countPartitions(driver, topics);
  const assignment = assignPartitions(
    assignorNamed(answer.protocolName),
    members,
    partitionCounts,
  );
  const assignments = [...assignment].map(([memberId, partitions]) => ({
    memberId,
    assignment: encodeAssignment({
      assignedPartitions: partitionsByTopic(partitions),
    }),
  }));
  return { assignments, partitionCounts };
}

/** Of the topics that exist. */
export async function countPartitions(
  driver: Driver,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const metadata = await driver.metadata(topics);
  return new Map(
    metadata.topics
      .filter(
        ({ error, partitionCount }) => error === null && partitionCount > 0,
      )
      .map(({ name, partitionCount }) => [name, partitionCount]),
  );
}

function assignorNamed(name: string | null): AssignorName {
  if (name === KAFKAJS_ROUND_ROBIN) return "roundrobin";
  if (name === "range" || name === "roundrobin" || name === "sticky") {
    return name;
  }
  throw new ClientError(
    "protocol-violation",
    `the group chose the protocol ${name}, which nobody here offered`,
  );
}
