import { expect, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import {
  batchOf,
  fetch,
  fetchBody,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

const zeroId = "AAAAAAAAAAAAAAAAAAAAAA";

/** Topics `one` (partition 0) and `three` (partition 2 only), each written to, and closed. */
async function twoTopics(disk: MemoryDisk): Promise<string> {
  await using first = await TestBroker.open({}, disk);
  await first.createTopic("one");
  await first.createTopic("three", 3);
  const connection = await first.connect();
  const producer = { id: 7, epoch: 0, baseSequence: 0 };
  await produce(connection, "one", batchOf(["a", "b"], producer));
  await produce(connection, "three", batchOf(["c"]), { partition: 2 });
  return await idOf(first, "one");
}

async function idOf(broker: TestBroker, name: string): Promise<string> {
  const topics = await topicsOf(broker);
  return topics.find((topic) => topic.name === name)?.topicId ?? "";
}

async function topicsOf(broker: TestBroker) {
  const connection = await broker.connect();
  const { topics } = await connection.request(3, 12, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return topics;
}

test("without a catalog, every partition directory is taken in with its id and its records", async () => {
  const disk = new MemoryDisk();
  const id = await twoTopics(disk);
  await disk.removeDirectory("/data/__cluster_metadata-0");

  await using broker = await TestBroker.open({}, disk);
  expect(await idOf(broker, "one")).toBe(id);
  const counts = (await topicsOf(broker)).map((topic) => [
    topic.name,
    topic.partitions.length,
  ]);
  expect(counts).toEqual([
    ["__consumer_offsets", 1],
    ["one", 1],
    ["three", 3],
  ]);
  const connection = await broker.connect();
  const one = await fetch(connection, "one", 0);
  expect(valuesIn(one.records)).toEqual(["a", "b"]);
  const three = await fetch(connection, "three", 0, { partition: 2 });
  expect(valuesIn(three.records)).toEqual(["c"]);
  expect(broker.warnings).toEqual([]);
});

test("a producer that comes after an adoption is never taken for one that was there before", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  await disk.removeDirectory("/data/__cluster_metadata-0");

  await using broker = await TestBroker.open({}, disk);
  const connection = await broker.connect();
  const { producerId } = await connection.request(22, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1,
    producerEpoch: -1,
  });
  expect(producerId).toBeGreaterThanOrEqual(2 ** 32);
  expect(producerId).toBeLessThan(2 ** 52 + 2 ** 32);
});

test("an adopted topic's records have no end of their time until somebody sets one", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  await disk.removeDirectory("/data/__cluster_metadata-0");

  await using broker = await TestBroker.open({}, disk);
  const connection = await broker.connect();
  const { results } = await connection.request(32, 4, {
    resources: [
      {
        resourceType: 2,
        resourceName: "one",
        configurationKeys: ["retention.ms"],
      },
      {
        resourceType: 2,
        resourceName: "__consumer_offsets",
        configurationKeys: ["cleanup.policy"],
      },
    ],
    includeSynonyms: false,
    includeDocumentation: false,
  });
  const values = results.map(({ configs }) => configs[0]?.value);
  expect(values).toEqual(["-1", "compact"]);
});

test("beside a catalog, unknown directories are left alone and reported, and taken in when told to", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  await disk.rename("/data/one-0", "/data/stranger-0");
  await disk.rename("/data/three-2", "/data/three-7");
  {
    await using broker = await TestBroker.open({}, disk);
    expect(await idOf(broker, "stranger")).toBe("");
    expect(broker.warnings.map(({ fields }) => fields)).toEqual([
      { count: 2, directories: ["three-7", "stranger-0"] },
    ]);
  }
  await using broker = await TestBroker.open({ adoptDirectories: true }, disk);
  // The id in its directory is that of a topic which the catalog has.
  expect(await idOf(broker, "stranger")).toBe("");
  expect(broker.warnings.at(-1)?.message).toMatch(/left alone: another topic/);

  const connection = await broker.connect();
  await connection.request(20, 6, {
    topics: [{ name: "one", topicId: zeroId }],
    topicNames: [],
    timeoutMs: 0,
  });
  await broker.broker.close();
  await using again = await TestBroker.open({ adoptDirectories: true }, disk);
  expect(await idOf(again, "stranger")).not.toBe("");
  const stranger = await fetch(await again.connect(), "stranger", 0);
  expect(valuesIn(stranger.records)).toEqual(["a", "b"]);
});

test("directories of one name and two ids, or of an absurd partition, make no topic", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  await disk.removeDirectory("/data/__cluster_metadata-0");
  await disk.rename("/data/one-0", "/data/three-0");
  await disk.createDirectory("/data/many-2000000000");

  await using broker = await TestBroker.open({}, disk);
  expect((await topicsOf(broker)).map(({ name }) => name)).toEqual([
    "__consumer_offsets",
  ]);
  expect(broker.warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/topic three is left alone: .* different ids/),
    "topic many is left alone: a topic has at most 100000 partitions",
  ]);
});

test("an adopted partition goes on in the epoch that its checkpoint knows", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  await disk.removeDirectory("/data/__cluster_metadata-0");
  const path = "/data/one-0/leader-epoch-checkpoint";
  const file = await disk.open(path, "create");
  await file.append([new TextEncoder().encode("0\n1\n41 0\n")]);
  await file.close();

  await using broker = await TestBroker.open({}, disk);
  const one = (await topicsOf(broker)).find(({ name }) => name === "one");
  expect(one?.partitions[0]?.leaderEpoch).toBe(41);
  const connection = await broker.connect();
  const body = fetchBody("one", 0, { currentLeaderEpoch: 40 });
  const { responses } = await connection.request(1, 12, body);
  expect(responses[0]?.partitions[0]?.errorCode).toBe(74);
});

test("an epoch that only the open log knows is the one that clients are told", async () => {
  const disk = new MemoryDisk();
  await twoTopics(disk);
  const path = "/data/one-0/leader-epoch-checkpoint";
  const file = await disk.open(path, "create");
  await file.append([new TextEncoder().encode("0\n1\n41 0\n")]);
  await file.close();

  await using broker = await TestBroker.open({}, disk);
  const connection = await broker.connect();
  await fetch(connection, "one", 0);
  const one = (await topicsOf(broker)).find(({ name }) => name === "one");
  expect(one?.partitions[0]?.leaderEpoch).toBe(41);
});

test("the node id is the directory's, whatever the options say", async () => {
  const disk = new MemoryDisk();
  await (await TestBroker.open({ nodeId: 5 }, disk)).broker.close();
  await using broker = await TestBroker.open({ nodeId: 6 }, disk);
  const connection = await broker.connect();
  const cluster = await connection.request(60, 1, {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
  });
  expect([cluster.controllerId, cluster.brokers[0]?.brokerId]).toEqual([5, 5]);
});
