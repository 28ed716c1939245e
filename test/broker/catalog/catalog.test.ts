import { expect, test } from "vitest";
import { settle } from "../machine/support.ts";
import { FakeLog } from "../machine/fake-log.ts";
import { answerOf, create, newTopic, startedCatalog } from "./support.ts";

test("what is not yet durable is seen by commands only", async () => {
  const log = new FakeLog(false);
  const rig = await startedCatalog(log);
  const creating = create(rig, [newTopic("t")]);
  const again = create(rig, [newTopic("t")]);
  await settle();
  expect(rig.catalog.topicByName("t")).toBeNull();
  expect(rig.changes).toEqual([]);
  await log.sync();
  expect((await creating).get("t")?.error).toBeNull();
  expect((await again).get("t")?.error).toBe("topic-already-exists");
  expect(rig.changes).toMatchObject([
    { kind: "created", topic: { name: "t" } },
  ]);
});

test("the owner hears of a change before its command is answered", async () => {
  const rig = await startedCatalog();
  const order: string[] = [];
  rig.catalog.onChange(({ kind }) => order.push(kind));
  await create(rig, [newTopic("t")]).then(() => order.push("answered"));
  expect(order).toEqual(["created", "answered"]);
});

test("a topic that a failed write takes back was never shown", async () => {
  const log = new FakeLog(false);
  const rig = await startedCatalog(log);
  const creating = create(rig, [newTopic("t")]);
  log.failWrite("no space");
  await expect(creating).rejects.toThrow("coordinator-not-available");
  await settle();
  expect(rig.changes).toEqual([]);
  expect(rig.catalog.state).toEqual({ phase: "ready" });
});

test("a topic that survives a failed sync is shown when the log is loaded again", async () => {
  const log = new FakeLog(false);
  const rig = await startedCatalog(log);
  const creating = create(rig, [newTopic("t")]);
  log.failSync("I/O error", 1);
  await expect(creating).rejects.toThrow("coordinator-not-available");
  await settle();
  expect(rig.changes).toMatchObject([
    { kind: "created", topic: { name: "t" } },
  ]);
  expect(rig.catalog.topicByName("t")).not.toBeNull();
});

test("while the log is loaded again, what was shown stays", async () => {
  const log = new FakeLog(false);
  const rig = await startedCatalog(log);
  const creating = create(rig, [newTopic("kept")]);
  await log.sync();
  await creating;
  const failing = create(rig, [newTopic("lost")]);
  log.failWrite("no space");
  expect(rig.catalog.topicByName("kept")).not.toBeNull();
  await expect(failing).rejects.toThrow();
  expect(rig.catalog.topicByName("kept")).not.toBeNull();
  await settle();
  expect(rig.catalog.topics().map(({ name }) => name)).toEqual(["kept"]);
  expect(rig.changes).toHaveLength(1);
});

test("a topic deleted and created again in one sync is first deleted, then created", async () => {
  const log = new FakeLog(false);
  const rig = await startedCatalog(log);
  const first = create(rig, [newTopic("t")]);
  await log.sync();
  await first;
  rig.changes.length = 0;
  void rig.catalog.deleteTopics([{ name: "t", id: null }]);
  const second = create(rig, [newTopic("t", { partitionCount: 5 })]);
  await log.sync();
  await second;
  expect(rig.changes.map(({ kind }) => kind)).toEqual(["deleted", "created"]);
  expect(rig.catalog.topicByName("t")?.partitionCount).toBe(5);
});

test("producer ids come in blocks that never overlap, also after a restart", async () => {
  const rig = await startedCatalog();
  expect(await answerOf(rig.catalog.allocateProducerIds())).toEqual({
    firstProducerId: 0,
    count: 1000,
  });
  expect(await answerOf(rig.catalog.allocateProducerIds())).toEqual({
    firstProducerId: 1000,
    count: 1000,
  });
  await rig.catalog.close();
  const next = await startedCatalog(rig.log.reopened(), rig.snapshots);
  expect(await answerOf(next.catalog.allocateProducerIds())).toMatchObject({
    firstProducerId: 2000,
  });
});

test("one record raises every leader epoch, and none of partitions created later", async () => {
  const rig = await startedCatalog();
  await create(rig, [newTopic("old", { partitionCount: 2 })]);
  await rig.catalog.recordUncleanOpening();
  expect(rig.log.batchCount).toBe(2);
  await create(rig, [newTopic("new")]);
  await rig.catalog.recordUncleanOpening();
  await rig.catalog.createPartitions({
    topics: [{ name: "old", partitionCount: 3, assignments: null }],
    validateOnly: false,
  });
  const epochs = ({ catalog }: typeof rig, name: string): readonly number[] => {
    const topic = catalog.topicByName(name);
    if (topic === null) throw new Error(name);
    return Array.from({ length: topic.partitionCount }, (_, partition) =>
      catalog.leaderEpoch(topic, partition),
    );
  };
  expect(epochs(rig, "old")).toEqual([2, 2, 0]);
  expect(epochs(rig, "new")).toEqual([1]);

  const replayed = await startedCatalog(rig.log.reopened());
  expect(epochs(replayed, "old")).toEqual([2, 2, 0]);
  await replayed.catalog.close();
  const restored = await startedCatalog(
    replayed.log.reopened(),
    replayed.snapshots,
  );
  await restored.catalog.recordUncleanOpening();
  expect(epochs(restored, "old")).toEqual([3, 3, 1]);
  expect(epochs(restored, "new")).toEqual([2]);
});

test("a lookup of all topics is sorted and remembered until something changes", async () => {
  const rig = await startedCatalog();
  await create(rig, [newTopic("b"), newTopic("a")]);
  const topics = rig.catalog.topics();
  expect(topics.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(rig.catalog.topics()).toBe(topics);
  await create(rig, [newTopic("c")]);
  expect(rig.catalog.topics()).toHaveLength(3);
});
