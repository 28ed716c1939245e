import { expect, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { epochMs, produce, TestBroker } from "../server/kafka/support.ts";

function keyed(timestampMs: number): Uint8Array {
  const bytes = new TextEncoder().encode("k");
  const record = { key: bytes, value: bytes, headers: [], timestampMs };
  return new Uint8Array(buildBatch([record], { producer: null }));
}

test.each([
  ["compact", 2],
  ["delete", 1],
])(
  "with cleanup.policy %s, max.compaction.lag.ms makes %i segments",
  async (policy, count) => {
    const disk = new MemoryDisk();
    await using host = await TestBroker.open({}, disk);
    await host.createTopic("orders", 1, {
      "cleanup.policy": policy,
      "max.compaction.lag.ms": "1000",
    });
    const connection = await host.connect();
    for (const afterMs of [0, 1_000, 1_001]) {
      await produce(connection, "orders", keyed(epochMs + afterMs));
    }
    const entries = await disk.list("/data/orders-0");
    const logs = entries.filter(({ name }) => name.endsWith(".log"));
    expect(logs.length).toBe(count);
  },
);
