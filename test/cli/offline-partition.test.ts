import { expect, test } from "vitest";
import { startBroker } from "../../broker/broker.ts";
import { parseSettings } from "../../broker/options.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import { createNodePlatform } from "../../broker/platform/node/node-platform.ts";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import { connect, topic } from "../../client/index.ts";
import { FailingDisk } from "../support/failing-disk.ts";
import { jsonLines, run, start } from "./support.ts";

const context = {
  principal: "User:ANONYMOUS",
  clientId: null,
  clientHost: "here",
  listener: "in-process",
  connectionId: 0,
  closed: new AbortController().signal,
};

function batch(text: string): Uint8Array {
  const value = new TextEncoder().encode(text);
  const record = { key: null, value, headers: [], timestampMs: Date.now() };
  return new Uint8Array(buildBatch([record], { producer: null }));
}

async function serveOn(disk: FailingDisk) {
  const platform = createNodePlatform({
    mmap: "plain",
    mappedSizeBytesMax: 0,
  });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const broker = await startBroker({
    platform: { ...platform, disk },
    settings: parseSettings({}),
    directoryPath: "/data",
    clusterId: null,
    logger: silent,
  });
  await broker.listen({ host: "127.0.0.1", port: 0 });
  return { broker, at: `127.0.0.1:${broker.addresses[0]?.port}` };
}

test(
  "a producer that is stopped says what it waits for, and sends it when there is room",
  { timeout: 60_000 },
  async () => {
    const disk = new FailingDisk(new MemoryDisk());
    const { broker, at } = await serveOn(disk);
    try {
      let tries = 0;
      disk.rule = ({ path }) => {
        if (!path.includes("orders-0")) return null;
        tries++;
        return { code: "ENOSPC" };
      };
      const sending = start(["produce", "orders", "-b", at], "late\n");
      await expect.poll(() => tries, { timeout: 30_000 }).toBeGreaterThan(2);
      sending.child.kill("SIGTERM");
      await sending.untilError(/waiting for .*once more to stop at once\n/);
      disk.rule = () => null;
      expect(await sending.ended).toMatchObject({
        exitCode: 0,
        stderr: expect.stringMatching(
          /^waiting for 1 record on .*\n1 record to orders\n$/m,
        ),
      });
    } finally {
      await broker.close();
    }
  },
);

test(
  "topics describe says why a partition is offline",
  { timeout: 60_000 },
  async () => {
    const disk = new FailingDisk(new MemoryDisk());
    const { broker, at } = await serveOn(disk);
    try {
      const client = await connect({ broker });
      await client.admin.createTopic({ name: "orders", partitionCount: 2 });
      disk.rule = ({ path }) =>
        path.includes("orders-1") ? { code: "EIO" } : null;
      const to = topic("orders", { format: "text" });
      await client.send(to, { key: null, value: "kept", partition: 0 });
      // Not by a client, which would try again for as long as it may.
      const { results } = broker.operations.produce(context, {
        acks: 1,
        timeoutMs: 1_000,
        transactionalId: null,
        partitions: [{ topic: "orders", partition: 1, records: batch("lost") }],
      });
      expect(await results).toMatchObject([{ error: "storage-offline" }]);
      const [text, json] = await Promise.all([
        run(["topics", "describe", "orders", "--broker", at]),
        run(["topics", "describe", "orders", "--json", "--broker", at]),
      ]);
      await client.close();
      expect(text.stdout).toMatch(/^ *1 .* - +- +-$/m);
      expect(text.stdout).toMatch(
        /\npartition 1 is offline: storage-offline at .*orders-1: .*EIO/,
      );
      expect(jsonLines(json.stdout)[0]?.["partitions"]).toMatchObject([
        { partition: 0, startOffset: 0, endOffset: 1, offline: null },
        { partition: 1, offline: expect.stringContaining("EIO") },
      ]);
    } finally {
      await broker.close();
    }
  },
);
