import { expect, test } from "vitest";
import type { CatalogRecord } from "../../../broker/catalog/catalog-codec.ts";
import { CatalogState } from "../../../broker/catalog/catalog-state.ts";
import { leaderEpochOf } from "../../../broker/catalog/topic.ts";

function stateOf(records: readonly CatalogRecord[]): CatalogState {
  const state = new CatalogState();
  for (const record of records) state.replay(record);
  return state;
}

const topic = { type: "topic", name: "t", topicId: "id" } as const;

function partition(number: number, leaderEpoch = 0): CatalogRecord {
  return { type: "partition", topicId: "id", partition: number, leaderEpoch };
}

function newLeader(number: number): CatalogRecord {
  return { type: "new-leader", topicId: "id", partition: number };
}

function epochsOf(state: CatalogState): readonly number[] {
  const found = state.topicByName("t");
  if (found === null) return [];
  return Array.from({ length: found.partitionCount }, (_, number) =>
    leaderEpochOf(found, number, 0),
  );
}

test("a configuration may come before its topic, as Kafka writes it, and in any text", () => {
  const state = stateOf([
    { type: "config", topic: "t", name: "retention.ms", value: " +7 " },
    {
      type: "config",
      topic: "t",
      name: "remote.storage.enable",
      value: "true",
    },
    topic,
  ]);
  expect(state.topicByName("t")?.config.retentionMs).toBe(7);
  expect([...(state.topicByName("t")?.overrides ?? [])]).toEqual([
    ["retention.ms", "7"],
    ["remote.storage.enable", "true"],
  ]);
});

test("partitions out of order keep the count, and each its own epoch", () => {
  const state = stateOf([
    topic,
    partition(2, 4),
    partition(0, 7),
    partition(1, 1),
  ]);
  const found = state.topicByName("t");
  expect(found?.partitionCount).toBe(3);
  expect(epochsOf(state)).toEqual([7, 1, 4]);
});

test("a partition that another controller gave a new leader has the next epoch", () => {
  const state = stateOf([
    topic,
    ...[0, 1, 2, 3].map((number) => partition(number)),
    newLeader(2),
    newLeader(1),
    newLeader(1),
    newLeader(9),
  ]);
  expect(epochsOf(state)).toEqual([0, 2, 1, 0]);
  expect(state.topicByName("t")?.partitionCount).toBe(4);
  const again = stateOf([...state.records()]);
  expect(epochsOf(again)).toEqual([0, 2, 1, 0]);

  for (const number of [0, 3, 0, 2]) state.replay(newLeader(number));
  expect(state.topicByName("t")?.epochRuns).toEqual([
    { firstPartition: 0, baseEpoch: 2 },
    { firstPartition: 3, baseEpoch: 1 },
  ]);
});

test("partitions created together share one number for their epochs", () => {
  const state = stateOf([topic, partition(0), partition(1), partition(2)]);
  expect(state.topicByName("t")?.epochRuns).toEqual([
    { firstPartition: 0, baseEpoch: 0 },
  ]);
});

test("records of topics that are not there change nothing", () => {
  const state = stateOf([
    partition(0),
    { type: "remove-topic", topicId: "id" },
  ]);
  expect([...state.topics()]).toEqual([]);
});
