/** A whole broker that is left alone while its records grow old. */
import { expect, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import {
  batchOf,
  epochMs,
  fetch,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

/** A batch of one record with a key, as a compacted topic wants it. */
function keyed(value: string): Uint8Array {
  const bytes = new TextEncoder().encode(value);
  const record = {
    key: bytes,
    value: bytes,
    headers: [],
    timestampMs: epochMs,
  };
  return new Uint8Array(buildBatch([record], { producer: null }));
}

const OFFSET_OUT_OF_RANGE = 1;
const topicConfigs = {
  short: { "retention.ms": "60000" },
  small: { "retention.bytes": "0" },
  kept: { "retention.ms": "-1" },
  compacted: { "retention.ms": "60000", "cleanup.policy": "compact" },
  both: { "retention.ms": "60000", "cleanup.policy": "compact,delete" },
} as const;

test("topics lose what their retention lets go, and no others do", async () => {
  await using host = await TestBroker.open({
    retentionCheckIntervalMs: 60_000,
  });
  const connection = await host.connect();
  for (const [name, configs] of Object.entries(topicConfigs)) {
    await host.createTopic(name, 1, configs);
    const needsKeys = name === "compacted" || name === "both";
    await produce(connection, name, needsKeys ? keyed("a") : batchOf(["a"]));
  }
  // The first round is after 30 s: nothing is a minute old by then.
  await host.clock.advanceAndSettle(30_000);
  const startOf = async (topic: string) =>
    (await fetch(connection, topic, 1)).logStartOffset;
  expect(await startOf("small")).toBe(1);
  expect(await startOf("short")).toBe(0);
  await host.clock.advanceAndSettle(60_000);
  await host.clock.settle(20);
  expect(
    Object.fromEntries(
      await Promise.all(
        Object.keys(topicConfigs).map(async (name) => [
          name,
          await startOf(name),
        ]),
      ),
    ),
  ).toEqual({ short: 1, small: 1, kept: 0, compacted: 0, both: 1 });
  const gone = await fetch(connection, "short", 0);
  expect(gone.errorCode).toBe(OFFSET_OUT_OF_RANGE);
  const later = batchOf(["b"], null, epochMs + 90_000);
  expect(await produce(connection, "short", later)).toMatchObject({
    errorCode: 0,
    baseOffset: 1,
    logStartOffset: 1,
  });
  expect(valuesIn((await fetch(connection, "short", 1)).records)).toEqual([
    "b",
  ]);
  expect(
    host.lines
      .filter(({ message }) => message.startsWith("retention removed"))
      .map(({ fields, message }) => ({ ...fields, message })),
  ).toContainEqual({
    topic: "short",
    partition: 0,
    message:
      "retention removed 1 segments of 69 bytes: the partition starts at offset 1",
  });
  expect(host.warnings).toEqual([]);
});

test("a limit that is set later counts from the next round on", async () => {
  await using host = await TestBroker.open({
    retentionCheckIntervalMs: 60_000,
  });
  await host.createTopic("orders", 1, { "retention.ms": "-1" });
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["a"]));
  await host.clock.advanceAndSettle(400_000);
  expect((await fetch(connection, "orders", 0)).errorCode).toBe(0);
  await connection.request(44, 1, {
    resources: [
      {
        resourceType: 2,
        resourceName: "orders",
        configs: [
          { name: "retention.ms", configOperation: 0, value: "300000" },
        ],
      },
    ],
    validateOnly: false,
  });
  await host.clock.advanceAndSettle(60_000);
  await host.clock.settle(20);
  const gone = await fetch(connection, "orders", 0);
  expect(gone.errorCode).toBe(OFFSET_OUT_OF_RANGE);
});

test("a partition that nobody asks for is opened only when its one segment is too old", async () => {
  const disk = new MemoryDisk();
  const clock = new ManualClock();
  const first = await TestBroker.open({}, disk, clock);
  await first.createTopic("orders", 1, { "retention.ms": "300000" });
  await produce(await first.connect(), "orders", batchOf(["a"]));
  await first.broker.close();
  await using host = await TestBroker.open(
    { retentionCheckIntervalMs: 60_000 },
    disk,
    clock,
  );
  const { directory } = host.broker;
  const at = { topic: "orders", partition: 0 };
  await clock.advanceAndSettle(270_000);
  expect(directory.log(at)).toBe(null);
  await clock.advanceAndSettle(60_000);
  await clock.settle(20);
  expect(directory.log(at)?.startOffset).toBe(1);
});

test("what a crash may have torn is opened, and not merely looked at", async () => {
  const disk = new MemoryDisk();
  const first = await TestBroker.open({}, disk);
  await first.createTopic("orders");
  await produce(await first.connect(), "orders", batchOf(["a"]));
  first.broker.fail(new Error("a crash"));
  await first.broker.close();
  await using host = await TestBroker.open({}, disk);
  const at = { topic: "orders", partition: 0 };
  expect(await host.broker.directory.peek(at)).toBe(null);
});
