/** What Millrace writes, read by Kafka's own dump tool without a complaint. */
import { cp, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { needs } from "../support/needs.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { codecs, commitOffsets, contentOf, feed } from "./feed.ts";
import { complaintsIn, dumpLogSegments } from "./kafka-broker.ts";

describe("a directory that Millrace wrote", needs("kafka").options, () => {
  let temporary: TemporaryDirectory;
  let content: Readonly<Record<string, readonly string[]>>;
  /** After a clean stop. */
  let clean: string;
  /** Copied while the broker ran, opened again, and stopped cleanly. */
  let recovered: string;

  beforeAll(async () => {
    temporary = await createTemporaryDirectory();
    clean = join(temporary.path, "clean");
    recovered = join(temporary.path, "recovered");
    const broker = await openBroker({ dir: clean, listen: { port: 0 } });
    const port = broker.addresses[0]?.port ?? 0;
    await feed(port);
    await commitOffsets(port);
    content = await contentOf(port);
    await cp(clean, recovered, { recursive: true });
    await broker.close();

    const again = await openBroker({ dir: recovered, listen: { port: 0 } });
    await contentOf(again.addresses[0]?.port ?? 0);
    await again.close();
  });
  afterAll(() => temporary?.remove());

  /** All files of the topics' partitions with one of these endings. */
  async function filesOf(
    directory: string,
    topics: readonly string[],
    ...suffixes: readonly string[]
  ): Promise<string[]> {
    const files: string[] = [];
    for (const name of await readdir(directory)) {
      if (!topics.includes(name.replace(/-\d+$/, ""))) continue;
      for (const file of await readdir(join(directory, name))) {
        if (suffixes.some((suffix) => file.endsWith(suffix))) {
          files.push(join(directory, name, file));
        }
      }
    }
    return files.sort();
  }

  const topics = ["codecs", "orders", "compacted"];
  const both = () => [clean, recovered];

  test("has every batch and every record that was sent, in several segments", async () => {
    for (const directory of both()) {
      const files = await filesOf(directory, topics, ".log");
      for (const partition of codecs.keys()) {
        const prefix = join(directory, `codecs-${partition}/`);
        const segments = files.filter((file) => file.startsWith(prefix));
        expect(segments.length).toBeGreaterThan(1);
      }
      const dump = await dumpLogSegments(files);
      expect(complaintsIn(dump)).toEqual([]);
      const dumped = dump.match(/^\| offset: /gm)?.length;
      const sent = Object.values(content).flat().length;
      expect(dumped).toBe(sent);
      expect(dump.match(/isvalid: true/g)?.length).toBeGreaterThan(200);
      for (const codec of codecs) {
        expect(dump).toContain(`compresscodec: ${codec}`);
      }
    }
  });

  test("has indexes that agree with their logs", async () => {
    for (const directory of both()) {
      const files = await filesOf(directory, topics, ".index", ".timeindex");
      const dump = await dumpLogSegments(files, ["--deep-iteration"]);
      expect(complaintsIn(dump)).toEqual([]);
      expect(dump).toMatch(/^offset: \d+ position: [1-9]\d*$/m);
      expect(dump).toMatch(/^timestamp: \d{13} offset: \d+$/m);

      const indexes = files.filter((file) => file.endsWith(".index"));
      const verified = await dumpLogSegments(indexes, ["--verify-index-only"]);
      expect(complaintsIn(verified)).toEqual([]);
      const sane = await dumpLogSegments(files, ["--index-sanity-check"]);
      expect(complaintsIn(sane)).toEqual([]);
      expect(sane.match(/passed sanity check|is empty/g)?.length).toBe(
        files.length,
      );
    }
  });

  test("has producer snapshots that say who wrote last", async () => {
    for (const directory of both()) {
      const files = await filesOf(directory, ["codecs"], ".snapshot");
      expect(files.length).toBeGreaterThan(codecs.length);
      const dump = await dumpLogSegments(files, []);
      expect(complaintsIn(dump)).toEqual([]);
      expect(dump).toMatch(
        /producerId: \d+ producerEpoch: 0 .*lastSequence: 2999/,
      );
    }
  });

  test("has groups and offsets in Kafka's own records", async () => {
    for (const directory of both()) {
      const files = await filesOf(directory, ["__consumer_offsets"], ".log");
      const dump = await dumpLogSegments(files, [
        "--deep-iteration",
        "--offsets-decoder",
      ]);
      expect(complaintsIn(dump)).toEqual([]);
      expect(dump).toMatch(/"group":"readers","topic":"orders","partition":2/);
      expect(dump).toMatch(/"offset":17,.*"metadata":"half way"/);
      expect(dump).toMatch(/"protocolType":"consumer"/);
      expect(dump).not.toContain("Failed");
    }
  });

  test("has a catalog in Kafka's own metadata records, log and snapshot", async () => {
    for (const directory of both()) {
      const files = await filesOf(
        directory,
        ["__cluster_metadata"],
        ".log",
        ".checkpoint",
      );
      expect(files.map((file) => file.replace(/.*\./, "")).sort()).toEqual([
        "checkpoint",
        "log",
      ]);
      for (const file of files) {
        const dump = await dumpLogSegments(
          [file],
          ["--deep-iteration", "--cluster-metadata-decoder"],
        );
        expect(complaintsIn(dump)).toEqual([]);
        expect(dump).toMatch(/"TOPIC_RECORD".*"name":"codecs"/);
        expect(dump).toMatch(/"CONFIG_RECORD".*"name":"segment.bytes"/);
        expect(dump).toMatch(/"PARTITION_RECORD".*"partitionId":4/);
        expect(dump).toMatch(/"PRODUCER_IDS_RECORD".*"nextProducerId":[1-9]/);
      }
    }
  });

  test("has leader epochs as Kafka's checkpoints have them", async () => {
    const path = (directory: string) =>
      join(directory, "orders-0", "leader-epoch-checkpoint");
    expect(await readFile(path(clean), "utf8")).toBe("0\n1\n0 0\n");
    expect(await readFile(path(recovered), "utf8")).toBe("0\n1\n0 0\n");
  });
});
