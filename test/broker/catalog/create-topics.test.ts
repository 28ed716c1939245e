import { beforeEach, expect, test } from "vitest";
import { offsetsTopic } from "../../../broker/catalog/internal-topics.ts";
import {
  create,
  newTopic,
  startedCatalog,
  type CatalogRig,
} from "./support.ts";

let rig: CatalogRig;
beforeEach(async () => {
  rig = await startedCatalog();
});

test("a topic is created with an id, its partitions and what was set for it", async () => {
  const answers = await create(rig, [
    newTopic("orders", {
      partitionCount: 3,
      configs: [{ name: "retention.ms", value: " 1000" }],
    }),
  ]);
  const topic = rig.catalog.topicByName("orders");
  expect(topic).toMatchObject({
    name: "orders",
    isInternal: false,
    partitionCount: 3,
    config: { retentionMs: 1000 },
  });
  expect(topic?.id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
  expect(rig.catalog.topicById(topic?.id ?? "")).toBe(topic);
  expect(answers.get("orders")).toEqual({
    error: null,
    id: topic?.id,
    name: "orders",
    partitionCount: 3,
    overrides: new Map([["retention.ms", "1000"]]),
  });
});

test("without a count a topic has the broker's default, with an assignment as many as assigned", async () => {
  await create(rig, [
    newTopic("a", { partitionCount: null, replicationFactor: null }),
    newTopic("b", {
      partitionCount: null,
      replicationFactor: null,
      assignments: [
        { partition: 1, replicas: [1] },
        { partition: 0, replicas: [1] },
        { partition: 2, replicas: [1] },
      ],
    }),
  ]);
  expect(rig.catalog.topicByName("a")?.partitionCount).toBe(2);
  expect(rig.catalog.topicByName("b")?.partitionCount).toBe(3);
});

test("valid and invalid topics of one request are answered each for itself", async () => {
  await create(rig, [newTopic("there"), newTopic("a.b")]);
  const assigned = (assignments: [number, number[]][]) => ({
    partitionCount: null,
    replicationFactor: null,
    assignments: assignments.map(([partition, replicas]) => ({
      partition,
      replicas,
    })),
  });
  const answers = await create(rig, [
    newTopic("good"),
    newTopic("there"),
    newTopic("a b"),
    newTopic("a_b"),
    newTopic("twice"),
    newTopic("twice"),
    newTopic("zero", { partitionCount: 0 }),
    newTopic("negative", { partitionCount: -2 }),
    newTopic("rf-2", { replicationFactor: 2 }),
    newTopic("rf-0", { replicationFactor: 0 }),
    newTopic("stranger", assigned([[0, [7]]])),
    newTopic("again", assigned([[0, [1, 1]]])),
    newTopic("empty", assigned([[0, []]])),
    newTopic("gap", assigned([[1, [1]]])),
    newTopic("both", { ...assigned([[0, [1]]]), partitionCount: 1 }),
    newTopic("unknown", { configs: [{ name: "nope", value: "1" }] }),
    newTopic("null", { configs: [{ name: "retention.ms", value: null }] }),
    newTopic("__cluster_metadata"),
    newTopic("__consumer_offsets"),
    newTopic("too-many", { partitionCount: 100_001 }),
  ]);
  const errors = [...answers].map(([name, answer]) => [name, answer.error]);
  expect(Object.fromEntries(errors)).toEqual({
    good: null,
    there: "topic-already-exists",
    "a b": "invalid-topic",
    a_b: "invalid-topic",
    twice: "invalid-request",
    zero: "invalid-partitions",
    negative: "invalid-partitions",
    "rf-2": "invalid-replication-factor",
    "rf-0": "invalid-replication-factor",
    stranger: "invalid-replica-assignment",
    again: "invalid-replica-assignment",
    empty: "invalid-replica-assignment",
    gap: "invalid-replica-assignment",
    both: "invalid-request",
    unknown: "invalid-config",
    null: "invalid-config",
    __cluster_metadata: "invalid-request",
    __consumer_offsets: "invalid-request",
    "too-many": "invalid-partitions",
  });
  expect(rig.catalog.topics().map(({ name }) => name)).toEqual([
    "a.b",
    "good",
    "there",
  ]);
});

test("names that collide are refused within one request too", async () => {
  const answers = await create(rig, [newTopic("x.y"), newTopic("x_y")]);
  expect(answers.get("x.y")?.error).toBeNull();
  expect(answers.get("x_y")?.error).toBe("invalid-topic");
});

test("a topic that exists is said to exist, though it also collides with itself", async () => {
  await create(rig, [newTopic("a.b")]);
  const answers = await create(rig, [newTopic("a.b")]);
  expect(answers.get("a.b")?.error).toBe("topic-already-exists");
});

test("asking only creates nothing", async () => {
  const answers = await create(rig, [newTopic("orders")], {
    validateOnly: true,
  });
  expect(answers.get("orders")?.error).toBeNull();
  expect(rig.catalog.topicByName("orders")).toBeNull();
  expect(rig.log.batchCount).toBe(0);
});

test("ten thousand partitions are one batch", async () => {
  await create(rig, [newTopic("wide", { partitionCount: 10_000 })]);
  expect(rig.log.batchCount).toBe(1);
  expect(rig.changes).toHaveLength(1);
  expect(rig.catalog.topicByName("wide")?.partitionCount).toBe(10_000);
});

test("all topics of a request share the limit of partitions", async () => {
  const answers = await create(rig, [
    newTopic("a", { partitionCount: 60_000 }),
    newTopic("b", { partitionCount: 60_000 }),
    newTopic("c", { partitionCount: 40_000 }),
  ]);
  expect([...answers.values()].map(({ error }) => error)).toEqual([
    null,
    "invalid-partitions",
    null,
  ]);
});

test("the broker creates its offsets topic by the same command", async () => {
  await create(rig, [offsetsTopic(3)], { isInternal: true });
  expect(rig.catalog.topicByName("__consumer_offsets")).toMatchObject({
    isInternal: true,
    partitionCount: 3,
    config: {
      cleanupPolicy: { compact: true, delete: false },
      segmentSizeBytes: 104_857_600,
      compressionType: "producer",
    },
  });
});

test("a topic created again has another id and no old settings", async () => {
  await create(rig, [
    newTopic("t", { configs: [{ name: "retention.ms", value: "1" }] }),
  ]);
  const first = rig.catalog.topicByName("t");
  await rig.catalog.deleteTopics([{ name: "t", id: null }]);
  await create(rig, [newTopic("t")]);
  const second = rig.catalog.topicByName("t");
  expect(second?.id).not.toBe(first?.id);
  expect(second?.overrides.size).toBe(0);
});
