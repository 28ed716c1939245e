import { expect, test } from "vitest";
import { offsetsTopic } from "../../../broker/catalog/internal-topics.ts";
import { answerOf, create, newTopic, startedCatalog } from "./support.ts";

test("topics are deleted by name and by id, each answered for itself", async () => {
  const rig = await startedCatalog();
  await create(rig, [newTopic("a"), newTopic("b"), newTopic("c")]);
  await create(rig, [offsetsTopic(1)], { isInternal: true });
  const id = rig.catalog.topicByName("b")?.id ?? "";
  const answers = await answerOf(
    rig.catalog.deleteTopics([
      { name: "a", id: null },
      { name: null, id },
      { name: "nope", id: null },
      { name: null, id: "AAAAAAAAAAAAAAAAAAAAAA" },
      { name: "__consumer_offsets", id: null },
    ]),
  );
  expect(answers.map(({ error }) => error)).toEqual([
    null,
    null,
    "unknown-topic-or-partition",
    "unknown-topic-id",
    "invalid-request",
  ]);
  expect(answers[1]).toMatchObject({ id, name: "b" });
  expect(rig.catalog.topics().map(({ name }) => name)).toEqual([
    "__consumer_offsets",
    "c",
  ]);
  expect(rig.catalog.topicById(id)).toBeNull();
});

test("a topic named twice, by name and by id, is not deleted", async () => {
  const rig = await startedCatalog();
  await create(rig, [newTopic("a"), newTopic("b")]);
  const id = rig.catalog.topicByName("b")?.id ?? "";
  const answers = await answerOf(
    rig.catalog.deleteTopics([
      { name: null, id },
      { name: "a", id: null },
      { name: "b", id: null },
    ]),
  );
  expect(answers.map(({ error }) => error)).toEqual([
    "invalid-request",
    null,
    "invalid-request",
  ]);
  expect(rig.catalog.topicById(id)).not.toBeNull();
});

test("a name that collided is free when its topic is gone", async () => {
  const rig = await startedCatalog();
  await create(rig, [newTopic("a.b")]);
  await rig.catalog.deleteTopics([{ name: "a.b", id: null }]);
  const answers = await create(rig, [newTopic("a_b")]);
  expect(answers.get("a_b")?.error).toBeNull();
});
