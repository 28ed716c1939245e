/** The catalog on a real partition log and real snapshot files, on a memory disk. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Catalog } from "../../../broker/catalog/catalog.ts";
import { CATALOG_TOPIC } from "../../../broker/catalog/topic-name.ts";
import type { MachineLog } from "../../../broker/machine/machine-log.ts";
import { createSnapshotFiles } from "../../../broker/machine/snapshot-file.ts";
import { defaultLogConfig } from "../../../broker/storage/log-config.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { TestStorage } from "../storage/support.ts";
import { machineOptions, newTopic } from "./support.ts";

const DIRECTORY = `/data/${CATALOG_TOPIC}-0`;
const INT32_MAX = 2 ** 31 - 1;

let storage: TestStorage;
let seed = 1;
beforeEach(() => {
  storage = new TestStorage();
});
afterEach(() => storage.close());

async function openCatalog(): Promise<Catalog> {
  const directory = storage.directory ?? (await storage.openDirectory());
  const { log } = await directory.openLog(
    { topic: CATALOG_TOPIC, partition: 0, topicId: "AAAAAAAAAAAAAAAAAAAAAQ" },
    { ...defaultLogConfig, maxMessageSizeBytes: INT32_MAX },
  );
  // A partition log is a machine's log as it stands.
  const machineLog: MachineLog = log;
  const catalog = new Catalog(
    {
      log: machineLog,
      snapshots: createSnapshotFiles(storage.disk, DIRECTORY),
      clock: storage.clock,
      random: new SeededRandom(seed++),
    },
    { nodeId: 1, defaultPartitionCount: 1, partitionCountMax: 100_000 },
    machineOptions,
  );
  await catalog.start();
  expect(catalog.state).toEqual({ phase: "ready" });
  return catalog;
}

function create(catalog: Catalog, name: string, partitionCount = 1) {
  return catalog.createTopics({
    topics: [newTopic(name, { partitionCount })],
    validateOnly: false,
    isInternal: false,
  });
}

const namesOf = (catalog: Catalog) => catalog.topics().map(({ name }) => name);

test("what was created is there after a clean stop, read from the snapshot", async () => {
  const catalog = await openCatalog();
  await create(catalog, "wide", 10_000);
  await create(catalog, "b");
  await catalog.close();
  await storage.close();
  const names = (await storage.memory.list(DIRECTORY)).map(({ name }) => name);
  expect(names).toContain("00000000000000010003-0000000000.checkpoint");
  const reopened = await openCatalog();
  expect(namesOf(reopened)).toEqual(["b", "wide"]);
  expect(reopened.topicByName("wide")?.partitionCount).toBe(10_000);
});

test("what was answered is there after a crash", async () => {
  const catalog = await openCatalog();
  expect(await create(catalog, "a")).toMatchObject({ error: null });
  expect(await create(catalog, "b")).toMatchObject({ error: null });
  await storage.close(false);
  const reopened = await openCatalog();
  expect(namesOf(reopened)).toEqual(["a", "b"]);
});

test("commands made together share a sync", async () => {
  const catalog = await openCatalog();
  await create(catalog, "first");
  storage.syncedPaths.length = 0;
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => create(catalog, `t-${index}`)),
  );
  const logSyncs = storage.syncedPaths.filter((path) => path.endsWith(".log"));
  expect(logSyncs.length).toBeLessThanOrEqual(2);
  expect(catalog.topics()).toHaveLength(21);
});

test("a full disk refuses commands and loses nothing; with room again it goes on", async () => {
  const catalog = await openCatalog();
  await create(catalog, "kept");
  storage.disk.rule = ({ operation }) =>
    operation === "append" ? { code: "ENOSPC", writtenSizeBytes: 10 } : null;
  expect(await create(catalog, "refused")).toMatchObject({
    error: "coordinator-not-available",
  });
  await storage.clock.settle();
  expect(namesOf(catalog)).toEqual(["kept"]);
  storage.disk.rule = () => null;
  expect(await create(catalog, "later")).toMatchObject({ error: null });
  expect(namesOf(catalog)).toEqual(["kept", "later"]);
});

test("a failed sync makes the catalog refuse, and what it showed stays readable", async () => {
  const catalog = await openCatalog();
  await create(catalog, "kept");
  storage.disk.rule = ({ operation }) =>
    operation === "sync" ? { code: "EIO" } : null;
  expect(await create(catalog, "doubtful")).toMatchObject({
    error: "coordinator-not-available",
  });
  await storage.clock.settle();
  expect(catalog.topicByName("kept")).not.toBeNull();
  expect(await create(catalog, "more")).toMatchObject({
    error: "coordinator-not-available",
  });
});
