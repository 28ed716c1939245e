/**
 * Directories that a real Kafka wrote, served by Millrace: stopped cleanly,
 * killed, and with its catalog gone.
 */
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { needs } from "../support/needs.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import {
  commitOffsets,
  contentOf,
  feed,
  feedMore,
  groupsOf,
  stateOf,
} from "./feed.ts";
import { findingsIn } from "./findings.ts";
import {
  copyDirectory,
  type Left,
  leaveDirectories,
  type Served,
  serveDirectory,
} from "./left-directories.ts";

interface Seen {
  readonly content: Awaited<ReturnType<typeof contentOf>>;
  readonly state: Awaited<ReturnType<typeof stateOf>>;
  readonly groups: Awaited<ReturnType<typeof groupsOf>>;
}

type Written = Left<Seen>;

describe("a directory that Kafka wrote", needs("kafka").options, () => {
  let temporary: TemporaryDirectory;
  let clean: Written;
  let killed: Written;

  beforeAll(async () => {
    temporary = await createTemporaryDirectory();
    const properties = {
      "node.id": "4",
      "offsets.topic.num.partitions": "50",
      // Snapshots of its catalog, whose log it then cuts.
      "metadata.log.max.record.bytes.between.snapshots": "500",
      "metadata.max.retention.bytes": "1000",
      "internal.metadata.log.segment.bytes": "8000",
    };
    const seenBy = async (port: number): Promise<Seen> => ({
      content: await contentOf(port),
      state: await stateOf(port),
      groups: await groupsOf(port),
    });
    ({ clean, killed } = await leaveDirectories(temporary.path, properties, {
      clean: async (port) => {
        await feed(port);
        await commitOffsets(port);
        return seenBy(port);
      },
      killed: async (port) => {
        await feedMore(port);
        return seenBy(port);
      },
    }));
  });
  afterAll(() => temporary?.remove());

  async function copyOf(written: Written, name: string): Promise<string> {
    const path = join(temporary.path, name);
    await copyDirectory(written.directory, path);
    return path;
  }

  /** Topics, ids, configuration, records, offsets and groups are what they were. */
  async function expectSame(served: Served, written: Written): Promise<void> {
    expect(await stateOf(served.port)).toEqual(written.state);
    expect(await groupsOf(served.port)).toEqual(written.groups);
    expect(await contentOf(served.port)).toEqual(written.content);
    expect(served.broker.nodeId).toBe(4);
    expect(served.warnings).toEqual([]);
  }

  test(
    "verifies clean, stopped as well as killed, and after we have served it",
    {
      // 60 partitions, four times over.
      timeout: 180_000,
    },
    async () => {
      for (const written of [clean, killed]) {
        const name = `verified-${written === clean ? "clean" : "killed"}`;
        const directory = await copyOf(written, name);
        expect(await findingsIn(directory)).toEqual([]);
        const served = await serveDirectory(directory);
        await feedMore(served.port);
        await served.broker.close();
        expect(await findingsIn(directory)).toEqual([]);
      }
    },
  );

  test("after a clean stop is served as it was, and goes on being written", async () => {
    const directory = await copyOf(clean, "served-clean");
    const served = await serveDirectory(directory);
    await expectSame(served, clean);
    await feedMore(served.port);
    const content = await contentOf(served.port);
    await served.broker.close();

    const again = await serveDirectory(directory);
    expect(await contentOf(again.port)).toEqual(content);
    await expectMore(content, clean.content);
    await again.broker.close();
  });

  test("after a kill is served as it was, its reserved indexes rebuilt", async () => {
    const directory = await copyOf(killed, "served-killed");
    const reserved = await largeIndexesIn(directory);
    expect(reserved.length).toBeGreaterThan(0);
    const served = await serveDirectory(directory);
    await expectSame(served, killed);
    await feedMore(served.port);
    await served.broker.close();
    expect(await largeIndexesIn(directory)).toEqual([]);
  });

  test("is served when its catalog begins with a snapshot, the log before it gone", async () => {
    const directory = await copyOf(killed, "served-cut");
    await cutCatalogBehindSnapshot(join(directory, "__cluster_metadata-0"));
    const served = await serveDirectory(directory);
    await expectSame(served, killed);
    await served.broker.close();
  });

  test("without its catalog keeps topics, ids, records, groups and offsets", async () => {
    for (const written of [clean, killed]) {
      const name = `adopted-${written === clean ? "clean" : "killed"}`;
      const directory = await copyOf(written, name);
      await rm(join(directory, "__cluster_metadata-0"), { recursive: true });
      await rm(join(directory, "bootstrap.checkpoint"));
      const served = await serveDirectory(directory);
      const { configs: _unknown, ...state } = await stateOf(served.port);
      const { configs: _known, ...expected } = written.state;
      expect(state).toEqual(expected);
      expect(await groupsOf(served.port)).toEqual(written.groups);
      expect(await contentOf(served.port)).toEqual(written.content);
      expect(served.warnings).toEqual([]);
      await feedMore(served.port);
      await served.broker.close();
    }
  });

  test("lets a consumer group go on where it had committed", async () => {
    const served = await serveDirectory(await copyOf(clean, "served-group"));
    const client = new Kafka({
      brokers: [`127.0.0.1:${served.port}`],
      logLevel: logLevel.NOTHING,
    });
    const producer = client.producer({ idempotent: true });
    await producer.connect();
    await producer.send({
      topic: "orders",
      messages: [{ partition: 2, value: "the next" }],
    });
    await producer.disconnect();
    const consumer = client.consumer({ groupId: "readers" });
    await consumer.connect();
    await consumer.subscribe({ topic: "orders", fromBeginning: true });
    const value = await new Promise((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => resolve(String(message.value)),
      });
    });
    await consumer.disconnect();
    await served.broker.close();
    expect(value).toBe("the next");
  });
});

/** Each partition is what it was with records behind it. */
async function expectMore(
  now: Written["content"],
  before: Written["content"],
): Promise<void> {
  let added = 0;
  for (const [partition, records] of Object.entries(before)) {
    expect(now[partition]?.slice(0, records.length)).toEqual(records);
    added += (now[partition]?.length ?? 0) - records.length;
  }
  expect(added).toBe(3 * 20 * 3 + 20);
}

/** As Kafka cuts it after a while: segments that lie below the newest snapshot whole. */
async function cutCatalogBehindSnapshot(directory: string): Promise<void> {
  const names = (await readdir(directory)).sort();
  const snapshots = names.filter((name) => name.endsWith(".checkpoint"));
  const snapshotEnd = Number.parseInt(snapshots.at(-1) ?? "0", 10);
  const bases = names.flatMap((name) =>
    name.endsWith(".log") ? [Number.parseInt(name, 10)] : [],
  );
  const firstKept = bases.findLast((base) => base <= snapshotEnd) ?? 0;
  expect(firstKept).toBeGreaterThan(0);
  for (const name of names) {
    const isSegments = /\.(log|index|timeindex|snapshot)$/.test(name);
    if (isSegments && Number.parseInt(name, 10) < firstKept) {
      await rm(join(directory, name));
    }
  }
}

/** Index files that are as large as Kafka reserves them. */
async function largeIndexesIn(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(directory)) {
    if (!/^(codecs|orders|compacted)-\d+$/.test(name)) continue;
    for (const file of await readdir(join(directory, name))) {
      const { size } = await stat(join(directory, name, file));
      if (/index$/.test(file) && size > 1_000_000)
        found.push(`${name}/${file}`);
    }
  }
  return found;
}
