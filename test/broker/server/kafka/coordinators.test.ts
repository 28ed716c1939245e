import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import type { KafkaConnection } from "../../../support/kafka-connection.ts";
import { TestBroker } from "./support.ts";

/** What clients take for final. COORDINATOR_NOT_AVAILABLE (15) they would ask again for ever. */
const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53;

test("a transaction's coordinator is an error that clients do not retry", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const one = await connection.request(10, 1, {
    key: "tx",
    keyType: 1,
    coordinatorKeys: [],
  });
  expect(one.errorCode).toBe(TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  const several = await connection.request(10, 4, {
    key: "",
    keyType: 1,
    coordinatorKeys: ["tx"],
  });
  expect(several.coordinators).toMatchObject([
    { key: "tx", errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
  ]);
});

test("a type of coordinator that does not exist is an invalid request", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { coordinators } = await connection.request(10, 4, {
    key: "",
    keyType: -3,
    coordinatorKeys: ["x"],
  });
  expect(coordinators).toMatchObject([{ key: "x", errorCode: 42 }]);
});

test("a transactional producer gets no id, with an error that clients do not retry", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  for (const version of [0, 1, 2, 3, 4]) {
    const answer = await connection.request(22, version, {
      transactionalId: "tx",
      transactionTimeoutMs: 60_000,
    });
    expect(answer).toMatchObject({
      errorCode: TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      producerId: -1,
    });
  }
});

test("no two producers get the same id, not even after a restart", async () => {
  const disk = new MemoryDisk();
  const ids = new Set<number>();
  for (let round = 0; round < 3; round += 1) {
    await using host = await TestBroker.open({}, disk);
    const connection = await host.connect();
    for (let count = 0; count < 50; count += 1) {
      const { producerId } = await initProducer(connection);
      expect(ids.has(producerId)).toBe(false);
      ids.add(producerId);
    }
  }
});

test("a producer that asks again gets a new id, as it may have named another's", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { producerId } = await initProducer(connection);
  for (const epoch of [0, 32_766]) {
    const again = await initProducer(connection, producerId, epoch);
    expect(again).toMatchObject({ errorCode: 0, producerEpoch: 0 });
    expect(again.producerId).not.toBe(producerId);
  }
  for (const [id, epoch] of [
    [-5, 3],
    [3, -5],
  ] as const) {
    expect(await initProducer(connection, id, epoch)).toMatchObject({
      errorCode: 42,
      producerId: -1,
    });
  }
});

test("an empty transactional id is no id", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const body = { transactionalId: "", transactionTimeoutMs: 60_000 };
  expect(await connection.request(22, 4, body)).toMatchObject({
    errorCode: 42,
  });
});

test("from version 5 on a sync says which protocol it is for", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const memberId = await idFor(connection);
  const { generationId } = await join(connection, memberId);
  const body = { groupId: "g", generationId, memberId, assignments: [] };
  const nameless = await connection.request(14, 5, body);
  expect(nameless.errorCode).toBe(23);
  const protocol = { protocolType: "consumer", protocolName: "range" };
  const named = await connection.request(14, 5, { ...body, ...protocol });
  expect(named).toMatchObject({ errorCode: 0, ...protocol });
});

test("offsets are deleted where the partition exists, and never of the empty group", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders", 1);
  const connection = await host.connect();
  await commit(connection, [{ partition: 0, offset: 3, metadata: null }]);
  const remove = (groupId: string) =>
    connection.request(47, 0, {
      groupId,
      topics: [
        {
          name: "orders",
          partitions: [{ partitionIndex: 7 }, { partitionIndex: 0 }],
        },
        { name: "nowhere", partitions: [{ partitionIndex: 0 }] },
      ],
    });
  const answer = await remove("g");
  expect(answer.errorCode).toBe(0);
  expect(
    answer.topics.map(({ name, partitions }) => [
      name,
      partitions.map((one) => [one.partitionIndex, one.errorCode]),
    ]),
  ).toEqual([
    [
      "orders",
      [
        [0, 0],
        [7, 3],
      ],
    ],
    ["nowhere", [[0, 3]]],
  ]);
  expect(await committedOffsets(connection)).toBeUndefined();
  expect(await remove("")).toMatchObject({ errorCode: 24, topics: [] });
});

test("what one may do with a group is told where it is asked for", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const describe = async (includeAuthorizedOperations: boolean) => {
    const body = { groups: ["g"], includeAuthorizedOperations };
    const { groups } = await connection.request(15, 5, body);
    return groups[0]?.authorizedOperations;
  };
  expect(await describe(false)).toBe(-(2 ** 31));
  // Read, delete, describe, describe and alter its configuration.
  expect(await describe(true)).toBe(0b1101_0100_1000);
});

test("what a group committed comes back with its metadata, also after a restart", async () => {
  const disk = new MemoryDisk();
  {
    await using host = await TestBroker.open({}, disk);
    await host.createTopic("orders", 2);
    const connection = await host.connect();
    const committed = await commit(connection, [
      { partition: 0, offset: 17, metadata: "half way" },
      { partition: 1, offset: 0, metadata: null },
      { partition: 2, offset: 1, metadata: null },
    ]);
    // The last has no partition.
    expect(committed).toEqual([0, 0, 3]);
    expect(await committedOffsets(connection)).toEqual([
      [0, 17, 4, "half way"],
      [1, 0, 4, ""],
    ]);
  }
  await using host = await TestBroker.open({}, disk);
  const connection = await host.connect();
  expect(await committedOffsets(connection)).toEqual([
    [0, 17, 4, "half way"],
    [1, 0, 4, ""],
  ]);
});

test("metadata over the limit is OFFSET_METADATA_TOO_LARGE, and the rest is committed", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders", 2);
  const connection = await host.connect();
  const committed = await commit(connection, [
    { partition: 0, offset: 1, metadata: "x".repeat(4_097) },
    { partition: 1, offset: 1, metadata: "x".repeat(4_096) },
  ]);
  expect(committed).toEqual([12, 0]);
});

test("nothing committed is offset -1 and no error", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  for (const version of [1, 2, 3, 4, 5, 6, 7]) {
    const { topics } = await connection.request(9, version, {
      groupId: "nobody",
      topics: [{ name: "orders", partitionIndexes: [0, 9] }],
      groups: [],
      requireStable: false,
    });
    expect(
      topics[0]?.partitions.map((one) => [one.committedOffset, one.errorCode]),
      `v${version}`,
    ).toEqual([
      [-1, 0],
      [-1, 0],
    ]);
  }
});

test("members that join at once end in one generation, each known to the coordinator", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connections = await Promise.all([1, 2, 3, 4].map(() => host.connect()));
  const members = await Promise.all(connections.map((one) => idFor(one)));
  const joins = connections.map((connection, index) =>
    join(connection, members[index] ?? ""),
  );
  // Whoever is in a generation that is over joins again, as clients do.
  const answers = await Promise.all(
    joins.map(async (joining, index) => {
      const connection = connections[index];
      if (connection === undefined) throw new Error("no connection");
      let answer = await joining;
      while (answer.generationId < 2) {
        answer = await join(connection, answer.memberId);
      }
      return answer;
    }),
  );
  expect(new Set(answers.map((answer) => answer.generationId)).size).toBe(1);
  expect(answers.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0, 0]);
  const leader = answers.find(({ members: all }) => all.length > 0);
  expect(leader?.members).toHaveLength(4);
});

test("a member with a version 0 join comes in without asking for an id first", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const answer = await connection.request(11, 0, joinBody(""));
  expect(answer).toMatchObject({ errorCode: 0, generationId: 1 });
  expect(answer.leader).toBe(answer.memberId);
});

test("groups of nobody are Dead when described, and refused when deleted", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { groups } = await connection.request(15, 5, {
    groups: ["nobody"],
    includeAuthorizedOperations: false,
  });
  expect(groups).toMatchObject([
    { errorCode: 0, groupId: "nobody", groupState: "Dead", members: [] },
  ]);
  const { results } = await connection.request(42, 2, {
    groupsNames: ["nobody"],
  });
  expect(results).toEqual([{ groupId: "nobody", errorCode: 69 }]);
});

async function initProducer(
  connection: KafkaConnection,
  producerId = -1,
  producerEpoch = -1,
) {
  return connection.request(22, 4, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
    producerId,
    producerEpoch,
  });
}

async function commit(
  connection: KafkaConnection,
  partitions: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly metadata: string | null;
  }[],
): Promise<number[]> {
  const { topics } = await connection.request(8, 8, {
    groupId: "g",
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [
      {
        name: "orders",
        partitions: partitions.map(({ partition, offset, metadata }) => ({
          partitionIndex: partition,
          committedOffset: offset,
          committedLeaderEpoch: 4,
          committedMetadata: metadata,
        })),
      },
    ],
  });
  return topics.flatMap((topic) =>
    topic.partitions.map(({ errorCode }) => errorCode),
  );
}

async function committedOffsets(connection: KafkaConnection) {
  const { groups } = await connection.request(9, 8, {
    groupId: "",
    topics: null,
    groups: [{ groupId: "g", topics: null }],
    requireStable: true,
  });
  return groups[0]?.topics[0]?.partitions.map((one) => [
    one.partitionIndex,
    one.committedOffset,
    one.committedLeaderEpoch,
    one.metadata,
  ]);
}

function joinBody(memberId: string) {
  return {
    groupId: "g",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(0) }],
  };
}

function join(connection: KafkaConnection, memberId: string) {
  return connection.request(11, 9, joinBody(memberId));
}

async function idFor(connection: KafkaConnection): Promise<string> {
  const { errorCode, memberId } = await join(connection, "");
  expect(errorCode).toBe(79);
  return memberId;
}
