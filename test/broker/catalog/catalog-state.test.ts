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

test("partitions out of order keep the count, and an epoch that is safe for all", () => {
  const state = stateOf([
    topic,
    partition(2, 4),
    partition(0, 7),
    partition(1, 1),
  ]);
  const found = state.topicByName("t");
  expect(found?.partitionCount).toBe(3);
  for (const number of [0, 1, 2]) {
    expect(found && leaderEpochOf(found, number, 0)).toBe(7);
  }
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
