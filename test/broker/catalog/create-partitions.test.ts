import { beforeEach, expect, test } from "vitest";
import { offsetsTopic } from "../../../broker/catalog/internal-topics.ts";
import {
  answerOf,
  create,
  newTopic,
  startedCatalog,
  type CatalogRig,
} from "./support.ts";

let rig: CatalogRig;
beforeEach(async () => {
  rig = await startedCatalog();
  await create(rig, [newTopic("t", { partitionCount: 2 })]);
});

function grow(
  name: string,
  partitionCount: number,
  assignments: readonly (readonly number[])[] | null = null,
  validateOnly = false,
) {
  const topics = [{ name, partitionCount, assignments }];
  return answerOf(rig.catalog.createPartitions({ topics, validateOnly }));
}

test("a topic grows, and says so", async () => {
  expect(await grow("t", 4)).toMatchObject([
    { error: null, partitionCount: 4 },
  ]);
  expect(rig.catalog.topicByName("t")?.partitionCount).toBe(4);
  expect(rig.changes.at(-1)).toMatchObject({
    kind: "changed",
    topic: { partitionCount: 4 },
    previous: { partitionCount: 2 },
  });
});

test.each([
  ["as many as it has", "t", 2, null, "invalid-partitions"],
  ["fewer", "t", 1, null, "invalid-partitions"],
  ["a negative count", "t", -1, null, "invalid-partitions"],
  ["more than the limit", "t", 100_001, null, "invalid-partitions"],
  ["an unknown topic", "nope", 3, null, "unknown-topic-or-partition"],
  ["too few assignments", "t", 4, [[1]], "invalid-replica-assignment"],
  ["another broker", "t", 3, [[9]], "invalid-replica-assignment"],
] as const)("%s is refused", async (_what, name, count, assignments, error) => {
  expect(await grow(name, count, assignments)).toMatchObject([{ error }]);
  expect(rig.catalog.topicByName("t")?.partitionCount).toBe(2);
});

test("asking only grows nothing", async () => {
  expect(await grow("t", 3, [[1]], true)).toMatchObject([{ error: null }]);
  expect(rig.catalog.topicByName("t")?.partitionCount).toBe(2);
});

test("a topic named twice is refused both times, as which was meant nobody knows", async () => {
  const topic = { name: "t", partitionCount: 3, assignments: null };
  const answers = await answerOf(
    rig.catalog.createPartitions({
      topics: [topic, topic],
      validateOnly: false,
    }),
  );
  expect(answers.map(({ error }) => error)).toEqual([
    "invalid-request",
    "invalid-request",
  ]);
  expect(rig.catalog.topicByName("t")?.partitionCount).toBe(2);
});

test("the broker's own topics do not grow: groups would move", async () => {
  await create(rig, [offsetsTopic(1)], { isInternal: true });
  expect(await grow("__consumer_offsets", 2)).toMatchObject([
    { error: "invalid-request" },
  ]);
});
