import { expect, test } from "vitest";
import type {
  KafkaConnection,
  RequestBody,
} from "../../../support/kafka-connection.ts";
import { createTopicBody, TestBroker } from "./support.ts";

const TOPIC = 2;
const BROKER = 4;
const INVALID_CONFIG = 40;

async function create(
  connection: KafkaConnection,
  topics: RequestBody<19>["topics"],
  version = 7,
) {
  const body = { topics, timeoutMs: 1_000, validateOnly: false };
  const answer = await connection.request(19, version, body);
  return answer.topics.map(({ name, errorCode }) => [name, errorCode]);
}

function topicOf(name: string, more: object = {}) {
  const [topic] = createTopicBody(name).topics;
  if (topic === undefined) throw new Error("no topic");
  return { ...topic, ...more };
}

test("valid and invalid topics of one request are told apart", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const config = (name: string, value: string | null) => ({
    configs: [{ name, value }],
  });
  const answers = await create(connection, [
    topicOf("good", config("retention.ms", "1000")),
    topicOf("unknown-config", config("no.such.thing", "1")),
    topicOf("bad-value", config("retention.ms", "soon")),
    topicOf("no-partitions", { numPartitions: 0 }),
    topicOf("negative", { numPartitions: -7 }),
    topicOf("replicated", { replicationFactor: 3 }),
    topicOf("a/b"),
    topicOf("also-good"),
  ]);
  expect(answers).toEqual([
    ["good", 0],
    ["unknown-config", INVALID_CONFIG],
    ["bad-value", INVALID_CONFIG],
    ["no-partitions", 37],
    ["negative", 37],
    ["replicated", 38],
    ["a/b", 17],
    ["also-good", 0],
  ]);
  expect(await create(connection, [topicOf("good")])).toEqual([["good", 36]]);
});

test("a topic named twice in one request is refused", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const twice = [topicOf("twice"), topicOf("twice")];
  expect(await create(connection, twice)).toEqual([["twice", 42]]);
});

test("CreatePartitions answers each topic, and grows those it can", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a", 2);
  await host.createTopic("b", 2);
  const connection = await host.connect();
  for (const version of [0, 1, 2, 3]) {
    const { results } = await connection.request(37, version, {
      topics: [
        { name: "a", count: 3 + version, assignments: null },
        { name: "b", count: 2, assignments: null },
        { name: "b-less", count: 1, assignments: null },
      ],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    expect(
      results.map(({ name, errorCode }) => [name, errorCode]),
      `v${version}`,
    ).toEqual([
      ["a", 0],
      ["b", 37],
      ["b-less", 3],
    ]);
  }
  for (const count of [-1, 0, 2_147_483_647]) {
    const { results } = await connection.request(37, 3, {
      topics: [{ name: "a", count, assignments: null }],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    expect(results[0]?.errorCode, `${count}`).toBe(37);
  }
});

test("DescribeConfigs lists every configuration, defaults as well, when none is named", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a", 1, { "retention.ms": "1000" });
  const connection = await host.connect();
  const describe = async (
    resourceType: number,
    resourceName: string,
    configurationKeys: readonly string[] | null,
  ) => {
    const { results } = await connection.request(32, 4, {
      resources: [{ resourceType, resourceName, configurationKeys }],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    return results[0];
  };
  for (const keys of [null, []]) {
    const all = await describe(TOPIC, "a", keys);
    expect(all?.errorCode).toBe(0);
    const names = all?.configs.map(({ name }) => name);
    expect(names).toContain("retention.ms");
    expect(names).toContain("cleanup.policy");
    expect(names).toContain("max.message.bytes");
    expect(names?.length).toBeGreaterThan(20);
  }
  const named = await describe(TOPIC, "a", ["retention.ms", "segment.bytes"]);
  expect(
    named?.configs.map((one) => [one.name, one.value, one.configSource]),
  ).toEqual([
    ["retention.ms", "1000", 1],
    ["segment.bytes", "1073741824", 5],
  ]);
  const broker = await describe(BROKER, "1", null);
  expect(broker?.errorCode).toBe(0);
  expect(broker?.configs.map(({ name }) => name)).toContain(
    "auto.create.topics.enable",
  );
  expect((await describe(TOPIC, "nowhere", null))?.errorCode).toBe(3);
  expect((await describe(BROKER, "99", null))?.errorCode).toBe(42);
  expect((await describe(-17, "a", null))?.errorCode).toBe(42);
});

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

test("appending and subtracting is for lists only", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  const alter = async (
    configOperation: number,
    name: string,
    value: string | null,
  ) => {
    const { responses } = await connection.request(44, 1, {
      resources: [
        {
          resourceType: TOPIC,
          resourceName: "a",
          configs: [{ name, configOperation, value }],
        },
      ],
      validateOnly: false,
    });
    return responses[0]?.errorCode;
  };
  const valueOf = async (name: string) => {
    const { results } = await connection.request(32, 4, {
      resources: [
        { resourceType: TOPIC, resourceName: "a", configurationKeys: [name] },
      ],
      includeSynonyms: false,
      includeDocumentation: false,
    });
    return results[0]?.configs[0]?.value;
  };
  expect(await alter(APPEND, "retention.ms", "5")).toBe(INVALID_CONFIG);
  expect(await alter(SUBTRACT, "retention.ms", "5")).toBe(INVALID_CONFIG);
  expect(await alter(APPEND, "cleanup.policy", "compact")).toBe(0);
  expect(await valueOf("cleanup.policy")).toBe("delete,compact");
  expect(await alter(SUBTRACT, "cleanup.policy", "delete")).toBe(0);
  expect(await valueOf("cleanup.policy")).toBe("compact");
  expect(await alter(DELETE, "cleanup.policy", null)).toBe(0);
  expect(await valueOf("cleanup.policy")).toBe("delete");
  expect(await alter(SET, "cleanup.policy", "burn")).toBe(INVALID_CONFIG);
  expect(await alter(9, "cleanup.policy", "compact")).toBe(42);
  expect(await alter(-1, "cleanup.policy", "compact")).toBe(42);
});

test("only topics can be altered, and each resource has its answer in its place", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  const connection = await host.connect();
  const resource = (resourceType: number, resourceName: string) => ({
    resourceType,
    resourceName,
    configs: [{ name: "retention.ms", configOperation: SET, value: "1000" }],
  });
  const { responses } = await connection.request(44, 1, {
    resources: [
      resource(BROKER, "1"),
      resource(TOPIC, "nowhere"),
      resource(TOPIC, "a"),
    ],
    validateOnly: false,
  });
  expect(
    responses.map(({ resourceName, errorCode }) => [resourceName, errorCode]),
  ).toEqual([
    ["1", 42],
    ["nowhere", 3],
    ["a", 0],
  ]);
});

test("a topic is deleted by name or by id, and what is not there is told", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a");
  await host.createTopic("b");
  const connection = await host.connect();
  const { topics } = await connection.request(3, 12, {
    topics: null,
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const idOfA = topics.find(({ name }) => name === "a")?.topicId ?? "";
  const { responses } = await connection.request(20, 6, {
    topics: [
      { name: null, topicId: idOfA },
      { name: "b", topicId: "AAAAAAAAAAAAAAAAAAAAAA" },
      { name: "c", topicId: "AAAAAAAAAAAAAAAAAAAAAA" },
      { name: null, topicId: "_____________________w" },
    ],
    topicNames: [],
    timeoutMs: 1_000,
  });
  expect(responses.map(({ errorCode }) => errorCode)).toEqual([0, 0, 3, 100]);
});

test("a deleted topic is answered with its name and its id, however it was named", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const body = { topics: [topicOf("a"), topicOf("b")], timeoutMs: 1_000 };
  const created = await connection.request(19, 7, body);
  const [a, b] = created.topics.map(({ topicId }) => topicId);
  const zero = "AAAAAAAAAAAAAAAAAAAAAA";
  const { responses } = await connection.request(20, 6, {
    topics: [
      { name: "a", topicId: zero },
      { name: null, topicId: b ?? "" },
      { name: null, topicId: zero },
      { name: "c", topicId: a ?? "" },
    ],
    topicNames: [],
    timeoutMs: 1_000,
  });
  expect(
    responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]),
  ).toEqual([
    ["a", a, 0],
    ["b", b, 0],
    [null, zero, 42],
    ["c", a, 42],
  ]);
});

test("configurations of a topic that cannot be are refused as its name is", async () => {
  await using host = await TestBroker.open();
  const connection = await host.connect();
  const { results } = await connection.request(32, 4, {
    resources: ["nowhere", "a b"].map((resourceName) => ({
      resourceType: TOPIC,
      resourceName,
      configurationKeys: null,
    })),
  });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([3, 17]);
  expect(results[0]?.errorMessage).toBe("there is no topic 'nowhere'");
});
