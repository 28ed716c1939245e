import { expect, test } from "vitest";
import type { FakeBroker } from "./fake-operations.ts";
import { httpOver } from "./support.ts";

const broker: FakeBroker = {
  topics: [
    {
      name: "orders",
      partitions: [
        [10, 100],
        [0, 7],
      ],
    },
    { name: "broken", partitions: [null] },
  ],
  groups: [
    {
      name: "billing",
      memberCount: 2,
      commits: [
        ["orders", 0, 90],
        ["orders", 1, 9],
        ["orders", 7, 5],
      ],
    },
    { name: "idle", memberCount: 0, commits: [["orders", 0, null]] },
  ],
};

async function scrape(over: FakeBroker): Promise<readonly string[]> {
  const app = await httpOver(over);
  const answer = await app.inject("/metrics");
  expect(answer.statusCode).toBe(200);
  expect(answer.headers["content-type"]).toBe(
    "text/plain; version=0.0.4; charset=utf-8",
  );
  return answer.body
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

test("a scrape has kafka_exporter's names and labels, and nothing else but ours", async () => {
  expect(await scrape(broker)).toEqual([
    "kafka_brokers 1",
    'kafka_broker_info{id="5",address="broker.local:9092"} 1',
    'kafka_topic_partitions{topic="broken"} 1',
    'kafka_topic_partitions{topic="orders"} 2',
    'kafka_topic_partition_current_offset{topic="orders",partition="0"} 100',
    'kafka_topic_partition_current_offset{topic="orders",partition="1"} 7',
    'kafka_topic_partition_oldest_offset{topic="orders",partition="0"} 10',
    'kafka_topic_partition_oldest_offset{topic="orders",partition="1"} 0',
    'kafka_topic_partition_leader{topic="orders",partition="0"} 5',
    'kafka_topic_partition_leader{topic="orders",partition="1"} 5',
    'kafka_topic_partition_leader_is_preferred{topic="broken",partition="0"} 0',
    'kafka_topic_partition_leader_is_preferred{topic="orders",partition="0"} 1',
    'kafka_topic_partition_leader_is_preferred{topic="orders",partition="1"} 1',
    'kafka_topic_partition_replicas{topic="broken",partition="0"} 1',
    'kafka_topic_partition_replicas{topic="orders",partition="0"} 1',
    'kafka_topic_partition_replicas{topic="orders",partition="1"} 1',
    'kafka_topic_partition_in_sync_replica{topic="broken",partition="0"} 0',
    'kafka_topic_partition_in_sync_replica{topic="orders",partition="0"} 1',
    'kafka_topic_partition_in_sync_replica{topic="orders",partition="1"} 1',
    'kafka_topic_partition_under_replicated_partition{topic="broken",partition="0"} 1',
    'kafka_topic_partition_under_replicated_partition{topic="orders",partition="0"} 0',
    'kafka_topic_partition_under_replicated_partition{topic="orders",partition="1"} 0',
    'kafka_consumergroup_current_offset{consumergroup="billing",topic="orders",partition="0"} 90',
    'kafka_consumergroup_current_offset{consumergroup="billing",topic="orders",partition="1"} 9',
    'kafka_consumergroup_current_offset{consumergroup="billing",topic="orders",partition="7"} 5',
    'kafka_consumergroup_current_offset_sum{consumergroup="billing",topic="orders"} 104',
    'kafka_consumergroup_lag{consumergroup="billing",topic="orders",partition="0"} 10',
    // Committed beyond the end (the topic was made anew): never below 0.
    'kafka_consumergroup_lag{consumergroup="billing",topic="orders",partition="1"} 0',
    'kafka_consumergroup_lag_sum{consumergroup="billing",topic="orders"} 10',
    'kafka_consumergroup_members{consumergroup="billing"} 2',
    'kafka_consumergroup_members{consumergroup="idle"} 0',
    'millrace_topic_partition_offline{topic="broken",partition="0"} 1',
    'millrace_metrics_left_out{kind="partition"} 0',
    'millrace_metrics_left_out{kind="group"} 0',
  ]);
});

test("while coordinators load, groups have no series and topics have theirs", async () => {
  const lines = await scrape({ ...broker, groups: "loading" });
  expect(lines.filter((line) => line.includes("consumergroup"))).toEqual([]);
  expect(lines).toContain('kafka_topic_partitions{topic="orders"} 2');
});

test("topics beyond the bound are left out whole and counted", async () => {
  const many = Array.from({ length: 9_999 }, () => [0, 1] as const);
  const lines = await scrape({
    topics: [
      { name: "big", partitions: many },
      { name: "more", partitions: many.slice(0, 2) },
      { name: "one", partitions: many.slice(0, 1) },
    ],
    groups: [],
  });
  expect(lines).toContain('millrace_metrics_left_out{kind="partition"} 2');
  expect(lines).toContain('kafka_topic_partitions{topic="more"} 2');
  const leaders = lines.filter((line) =>
    line.startsWith("kafka_topic_partition_leader{"),
  );
  expect(leaders).toHaveLength(10_000);
  expect(leaders.some((line) => line.includes('"more"'))).toBe(false);
});

test("a group with more commits than there is room for is counted, the others are shown", async () => {
  const commits = Array.from(
    { length: 10_001 },
    (_, partition) => ["orders", partition, 1] as const,
  );
  const lines = await scrape({
    topics: broker.topics,
    groups: [
      { name: "huge", memberCount: 1, commits },
      { name: "small", memberCount: 1, commits: commits.slice(0, 1) },
    ],
  });
  expect(lines).toContain('millrace_metrics_left_out{kind="group"} 1');
  expect(
    lines.filter((line) => line.startsWith("kafka_consumergroup_members")),
  ).toEqual(['kafka_consumergroup_members{consumergroup="small"} 1']);
});

test("names that need it are escaped", async () => {
  const lines = await scrape({
    topics: [],
    groups: [{ name: 'a"b\nc\\d', memberCount: 1, commits: [] }],
  });
  expect(lines).toContain(
    String.raw`kafka_consumergroup_members{consumergroup="a\"b\nc\\d"} 1`,
  );
});
