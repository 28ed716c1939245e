/** Everything that can be read from a broker, as text that does not depend on how it is kept. */
import type { KafkaConnection } from "../support/kafka-connection.ts";
import { recordsOf } from "../support/read-records.ts";

export type Listing = Readonly<Record<string, unknown>>;

export async function listingOf(connection: KafkaConnection): Promise<Listing> {
  const metadata = await connection.request(3, 12, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const topics: Record<string, unknown> = {};
  for (const { name, topicId, partitions } of metadata.topics) {
    if (name === null || name.startsWith("__")) continue;
    topics[name] = {
      id: topicId,
      configs: await configsOf(connection, name),
      partitions: await Promise.all(
        partitions.map(({ partitionIndex }) =>
          partitionOf(connection, name, partitionIndex),
        ),
      ),
    };
  }
  const { clusterId, controllerId } = metadata;
  const groups = await groupsOf(connection);
  return { clusterId, nodeId: controllerId, topics, groups };
}

async function configsOf(connection: KafkaConnection, resourceName: string) {
  const { results } = await connection.request(32, 4, {
    resources: [{ resourceType: 2, resourceName, configurationKeys: null }],
  });
  const set = results[0]?.configs.filter(
    ({ configSource }) => configSource === 1,
  );
  return set?.map(({ name, value }) => `${name}=${value}`);
}

async function partitionOf(
  connection: KafkaConnection,
  topic: string,
  partition: number,
) {
  const { topics } = await connection.request(23, 4, {
    topics: [
      {
        topic,
        partitions: [0, 1].map((leaderEpoch) => ({ partition, leaderEpoch })),
      },
    ],
  });
  const epochEnds = topics[0]?.partitions.map(
    ({ leaderEpoch, endOffset }) => `${leaderEpoch} ends at ${endOffset}`,
  );
  const records = await recordsOf(connection, topic, partition);
  return { epochEnds, records };
}

async function groupsOf(connection: KafkaConnection) {
  const listed = await connection.request(16, 4, { statesFilter: [] });
  const names = listed.groups.map(({ groupId }) => groupId).sort();
  const described = await connection.request(15, 5, {
    groups: names,
    includeAuthorizedOperations: false,
  });
  const fetched = await connection.request(9, 8, {
    groupId: "",
    topics: null,
    groups: names.map((groupId) => ({ groupId, topics: null })),
  });
  return names.map((groupId, index) => ({
    groupId,
    state: described.groups[index]?.groupState,
    members: described.groups[index]?.members.map((member) => ({
      id: member.memberId,
      assignment: Buffer.from(member.memberAssignment).toString(),
    })),
    offsets: fetched.groups[index]?.topics.flatMap(({ name, partitions }) =>
      partitions.map(
        (one) =>
          `${name}-${one.partitionIndex} ${one.committedOffset} epoch ${one.committedLeaderEpoch} ${one.metadata}`,
      ),
    ),
  }));
}
