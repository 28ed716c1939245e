import { expect, test } from "vitest";
import type { KafkaConnection } from "../../../support/kafka-connection.ts";
import { batchOf, produce, TestBroker } from "./support.ts";

const ZERO_ID = "AAAAAAAAAAAAAAAAAAAAAA";
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const INVALID_TOPIC_EXCEPTION = 17;

function ask(
  connection: KafkaConnection,
  version: number,
  names: readonly string[] | null,
  allowAutoTopicCreation = true,
) {
  return connection.request(3, version, {
    topics: names?.map((name) => ({ name, topicId: ZERO_ID })) ?? null,
    allowAutoTopicCreation,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
}

test("version 0 asks for everything with no names, later ones with null", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  const named = async (version: number, names: readonly string[] | null) =>
    (await ask(connection, version, names)).topics
      .filter(({ isInternal }) => !isInternal)
      .map(({ name }) => name)
      .filter((name) => name !== "__consumer_offsets");
  expect(await named(0, [])).toEqual(["a"]);
  for (let version = 1; version <= 12; version += 1) {
    expect(await named(version, null), `v${version}`).toEqual(["a"]);
    expect(await named(version, []), `v${version}`).toEqual([]);
  }
});

test("a topic that is asked for is created with the broker's default of partitions", async () => {
  await using host = await TestBroker.open({ defaultPartitionCount: 4 });
  const connection = await host.connect();
  const { topics } = await ask(connection, 9, ["new"]);
  expect(topics[0]).toMatchObject({ errorCode: 0, name: "new" });
  expect(topics[0]?.partitions).toHaveLength(4);
  const produced = await produce(connection, "new", batchOf(["a"]));
  expect(produced.errorCode).toBe(0);
});

test("nothing is created where the broker or the request says no", async () => {
  await using off = await TestBroker.open({ autoCreateTopics: false });
  const refused = await ask(await off.connect(), 9, ["new"]);
  expect(refused.topics[0]?.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);

  await using on = await TestBroker.open();
  const connection = await on.connect();
  const forbidden = await ask(connection, 9, ["new"], false);
  expect(forbidden.topics[0]?.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
  // Requests before version 4 cannot say no.
  const old = await ask(connection, 3, ["new"], true);
  expect(old.topics[0]?.errorCode).toBe(0);
});

test.each([
  "",
  ".",
  "..",
  "a/b",
  "../../etc",
  "x".repeat(250),
  "ümlaut",
  "a b",
])("the name %j is INVALID_TOPIC, and makes nothing", async (name) => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { topics } = await ask(connection, 9, [name]);
  expect(topics).toMatchObject([
    { errorCode: INVALID_TOPIC_EXCEPTION, name, partitions: [] },
  ]);
  const all = await ask(connection, 9, null);
  expect(all.topics.map((topic) => topic.name)).not.toContain(name);
});

test("topics have ids from version 10 on, and may be asked for by them in version 12", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  const [named] = (await ask(connection, 10, ["a"])).topics;
  const topicId = named?.topicId ?? ZERO_ID;
  expect(topicId).not.toBe(ZERO_ID);
  const byId = (id: string) =>
    connection.request(3, 12, {
      topics: [{ name: null, topicId: id }],
      allowAutoTopicCreation: true,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
  expect((await byId(topicId)).topics[0]).toMatchObject({
    errorCode: 0,
    name: "a",
  });
  const strange = "_____________________w";
  expect((await byId(strange)).topics[0]).toMatchObject({
    errorCode: 100,
    topicId: strange,
    name: null,
  });
});

test("clients are told an address that IPv4 reaches, and the same by every way of asking", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const here = { nodeId: 1, host: "127.0.0.1", port: 9092 };
  const { brokers, controllerId } = await ask(connection, 12, []);
  expect([brokers, controllerId]).toMatchObject([[here], 1]);
  const found = await connection.request(10, 4, {
    key: "",
    keyType: 0,
    coordinatorKeys: ["a-group"],
  });
  expect(found.coordinators).toMatchObject([{ ...here, key: "a-group" }]);
  const cluster = await connection.request(60, 1, {
    includeClusterAuthorizedOperations: false,
    endpointType: 1,
  });
  expect(cluster.brokers).toMatchObject([
    { brokerId: 1, host: "127.0.0.1", port: 9092 },
  ]);
  expect(cluster.clusterId).toHaveLength(22);
});

test("a cluster's controllers cannot be described here", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  for (const [endpointType, errorCode] of [
    [2, 114],
    [9, 115],
  ] as const) {
    const answer = await connection.request(60, 1, {
      includeClusterAuthorizedOperations: false,
      endpointType,
    });
    expect(answer).toMatchObject({
      errorCode,
      endpointType: 1,
      controllerId: -1,
      brokers: [],
    });
  }
});

test("what one may do is told where it is asked for", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  const answer = await connection.request(3, 10, {
    topics: [{ name: "a", topicId: ZERO_ID }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: true,
    includeTopicAuthorizedOperations: true,
  });
  expect(answer.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000);
  expect(answer.topics[0]?.topicAuthorizedOperations).toBe(0b1101_1111_1000);
  const silent = await ask(connection, 10, ["a"]);
  expect(silent.clusterAuthorizedOperations).toBe(-(2 ** 31));
  expect(silent.topics[0]?.topicAuthorizedOperations).toBe(-(2 ** 31));
});

test("a topic asked for twice is answered once", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  for (const version of [0, 9, 12]) {
    const { topics } = await ask(connection, version, ["a", "b", "a"], false);
    expect(topics.map(({ name }) => name)).toEqual(["a", "b"]);
  }
});
