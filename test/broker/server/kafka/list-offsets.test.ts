import { expect, test } from "vitest";
import type { KafkaConnection } from "../../../support/kafka-connection.ts";
import { batchOf, epochMs, produce, TestBroker } from "./support.ts";

async function list(
  connection: KafkaConnection,
  timestamp: number,
  version = 7,
  more: {
    readonly currentLeaderEpoch?: number;
    readonly partitionIndex?: number;
  } = {},
) {
  const { topics } = await connection.request(2, version, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [
      {
        name: "orders",
        partitions: [{ partitionIndex: 0, timestamp, ...more }],
      },
    ],
  });
  const answer = topics[0]?.partitions[0];
  return [answer?.errorCode, answer?.offset, answer?.timestamp];
}

/** Three batches of two: 0, 1 | 1000, 1001 | 500, 501 ms after the epoch. */
async function openWithRecords(): Promise<{
  host: TestBroker;
  connection: KafkaConnection;
}> {
  const host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  for (const afterMs of [0, 1_000, 500]) {
    const batch = batchOf(["a", "b"], null, epochMs + afterMs);
    await produce(connection, "orders", batch);
  }
  return { host, connection };
}

test.each([1, 2, 3, 4, 5, 6, 7])(
  "version %i finds the start, the end, and a record by its time",
  async (version) => {
    const { host, connection } = await openWithRecords();
    await using _ = host;
    const at = (timestamp: number) => list(connection, timestamp, version);
    expect(await at(-2)).toEqual([0, 0, -1]);
    expect(await at(-1)).toEqual([0, 6, -1]);
    expect(await at(0)).toEqual([0, 0, epochMs]);
    expect(await at(epochMs + 1)).toEqual([0, 1, epochMs + 1]);
    expect(await at(epochMs + 2)).toEqual([0, 2, epochMs + 1_000]);
    expect(await at(epochMs + 1_001)).toEqual([0, 3, epochMs + 1_001]);
    expect(await at(epochMs + 1_002)).toEqual([0, -1, -1]);
  },
);

test("the record with the newest timestamp is found from version 7 on", async () => {
  const { host, connection } = await openWithRecords();
  await using _ = host;
  expect(await list(connection, -3, 7)).toEqual([0, 3, epochMs + 1_001]);
  expect(await list(connection, -3, 6)).toEqual([35, -1, -1]);
  expect(await list(connection, -99, 7)).toEqual([35, -1, -1]);
});

test("an empty partition has its end at 0 and no record at any time", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  expect(await list(connection, -1)).toEqual([0, 0, -1]);
  expect(await list(connection, 0)).toEqual([0, -1, -1]);
  expect(await list(connection, -3)).toEqual([0, -1, -1]);
});

test("a partition that is not there, and leader epochs that are not, are told", async () => {
  const { host, connection } = await openWithRecords();
  await using _ = host;
  const error = async (more: Parameters<typeof list>[3]) =>
    (await list(connection, -1, 7, more))[0];
  expect(await error({ partitionIndex: 9 })).toBe(3);
  expect(await error({ partitionIndex: -9 })).toBe(3);
  expect(await error({ currentLeaderEpoch: 8 })).toBe(75);
  expect(await error({ currentLeaderEpoch: -8 })).toBe(74);
});

test("a leader epoch's end is the log's end, and an epoch to come has none", async () => {
  const { host, connection } = await openWithRecords();
  await using _ = host;
  const end = async (leaderEpoch: number, currentLeaderEpoch = -1) => {
    const { topics } = await connection.request(23, 4, {
      replicaId: -1,
      topics: [
        {
          topic: "orders",
          partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }],
        },
      ],
    });
    const one = topics[0]?.partitions[0];
    return [one?.errorCode, one?.leaderEpoch, one?.endOffset];
  };
  expect(await end(0)).toEqual([0, 0, 6]);
  expect(await end(9)).toEqual([0, -1, -1]);
  expect(await end(-1)).toEqual([0, -1, -1]);
  expect(await end(0, 9)).toEqual([75, -1, -1]);
});

test("records are deleted up to an offset, or all that there are", async () => {
  const { host, connection } = await openWithRecords();
  await using _ = host;
  const deleteBefore = async (offset: number, partitionIndex = 0) => {
    const { topics } = await connection.request(21, 2, {
      topics: [{ name: "orders", partitions: [{ partitionIndex, offset }] }],
      timeoutMs: 1_000,
    });
    const one = topics[0]?.partitions[0];
    return [one?.errorCode, one?.lowWatermark];
  };
  expect(await deleteBefore(3)).toEqual([0, 3]);
  expect(await list(connection, -2)).toEqual([0, 3, -1]);
  expect(await deleteBefore(2)).toEqual([0, 3]);
  expect(await deleteBefore(7)).toEqual([1, -1]);
  expect(await deleteBefore(-5)).toEqual([1, -1]);
  expect(await deleteBefore(0, 5)).toEqual([3, -1]);
  expect(await deleteBefore(-1)).toEqual([0, 6]);
});

test("the current epoch of a log without records ends at its end", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("empty");
  const connection = await host.connect();
  const { topics } = await connection.request(23, 4, {
    topics: [
      { topic: "empty", partitions: [{ partition: 0, leaderEpoch: 0 }] },
    ],
  });
  expect(topics[0]?.partitions[0]).toMatchObject({
    errorCode: 0,
    leaderEpoch: 0,
    endOffset: 0,
  });
});

test("records of a topic that is only compacted are not deleted", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("latest", 1, { "cleanup.policy": "compact" });
  const connection = await host.connect();
  const { topics } = await connection.request(21, 2, {
    topics: [
      { name: "latest", partitions: [{ partitionIndex: 0, offset: 0 }] },
    ],
    timeoutMs: 1_000,
  });
  expect(topics[0]?.partitions[0]).toMatchObject({
    errorCode: 44,
    lowWatermark: -1,
  });
});
