/**
 * Prometheus metrics under kafka_exporter's names and labels, so that the
 * dashboards made for it show this broker too. Compared with kafka_exporter
 * (`kafka_exporter.go`, `setup` and `collect`):
 *
 * - a partition without a commit has no series, where it says lag -1;
 * - a lag is never below 0;
 * - there is one replica, the leader. It is out of sync, and its partition
 *   under-replicated, when it cannot be read.
 *
 * Everything is asked anew at each scrape, into a registry of its own, so that
 * what is gone from the broker is gone from the answer. How many series there
 * can be is bounded: topics and groups are strangers' to create.
 */
import { Gauge, Registry } from "prom-client";
import {
  type Asker,
  type GroupOffset,
  type PartitionOffsets,
  surveyGroupOffsets,
  type SurveyedTopic,
  surveyOffsets,
  surveyTopics,
} from "./survey.ts";

/** Of topics, each with seven series; and of groups, each with two. */
const METERED_PARTITIONS_MAX = 10_000;

const gaugeTable = {
  kafka_brokers: { labels: [], help: "Brokers in the cluster." },
  kafka_broker_info: { labels: ["id", "address"], help: "A broker." },
  kafka_topic_partitions: { labels: ["topic"], help: "Partitions of a topic." },
  kafka_topic_partition_current_offset: {
    labels: ["topic", "partition"],
    help: "Offset that the next record will have.",
  },
  kafka_topic_partition_oldest_offset: {
    labels: ["topic", "partition"],
    help: "Offset of the first record.",
  },
  kafka_topic_partition_leader: {
    labels: ["topic", "partition"],
    help: "Id of the broker that leads the partition.",
  },
  kafka_topic_partition_leader_is_preferred: {
    labels: ["topic", "partition"],
    help: "1 if the preferred broker leads the partition.",
  },
  kafka_topic_partition_replicas: {
    labels: ["topic", "partition"],
    help: "Replicas of the partition.",
  },
  kafka_topic_partition_in_sync_replica: {
    labels: ["topic", "partition"],
    help: "Replicas that are in sync.",
  },
  kafka_topic_partition_under_replicated_partition: {
    labels: ["topic", "partition"],
    help: "1 if a replica is not in sync.",
  },
  kafka_consumergroup_current_offset: {
    labels: ["consumergroup", "topic", "partition"],
    help: "Offset that the group has committed: the next it will read.",
  },
  kafka_consumergroup_current_offset_sum: {
    labels: ["consumergroup", "topic"],
    help: "Sum of the committed offsets of a topic's partitions.",
  },
  kafka_consumergroup_lag: {
    labels: ["consumergroup", "topic", "partition"],
    help: "Records behind the committed offset.",
  },
  kafka_consumergroup_lag_sum: {
    labels: ["consumergroup", "topic"],
    help: "Records behind the committed offsets of a topic's partitions.",
  },
  kafka_consumergroup_members: {
    labels: ["consumergroup"],
    help: "Members of the group.",
  },
  /** Ours: a disk that failed is nothing that an exporter could see from outside. */
  millrace_topic_partition_offline: {
    labels: ["topic", "partition"],
    help: "1 for a partition whose log has failed; the reason is in the log, in topics describe and in /api/topics.",
  },
  /** Ours: a scrape that does not show everything says so. */
  millrace_metrics_left_out: {
    labels: ["kind"],
    help: "Partitions and groups without series of their own, as there are too many or their coordinator cannot answer.",
  },
} as const satisfies Record<
  string,
  { readonly labels: readonly string[]; readonly help: string }
>;

type GaugeName = keyof typeof gaugeTable;
type Gauges = Readonly<Record<GaugeName, Gauge>>;

/** The text of one scrape. */
export async function renderMetrics(asker: Asker): Promise<string> {
  const registry = new Registry();
  const gauges = createGauges(registry);
  const { node } = asker.operations.describeCluster(asker.context);
  gauges.kafka_brokers.set(1);
  gauges.kafka_broker_info.set(
    { id: node.nodeId, address: `${node.host}:${node.port}` },
    1,
  );
  await meterTopics(gauges, asker, node.nodeId);
  await meterGroups(gauges, asker);
  return registry.metrics();
}

function createGauges(registry: Registry): Gauges {
  const gauges: Partial<Record<GaugeName, Gauge>> = {};
  for (const name of Object.keys(gaugeTable) as GaugeName[]) {
    const { help, labels } = gaugeTable[name];
    const labelNames: string[] = [...labels];
    gauges[name] = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
    });
  }
  return gauges as Gauges;
}

async function meterTopics(
  gauges: Gauges,
  asker: Asker,
  nodeId: number,
): Promise<void> {
  const topics = await surveyTopics(asker);
  for (const { topic, offline } of topics) {
    gauges.kafka_topic_partitions.set(
      { topic: topic.name },
      topic.partitionCount,
    );
    for (const { partition } of offline) {
      const labels = { topic: topic.name, partition };
      gauges.millrace_topic_partition_offline.set(labels, 1);
    }
  }
  const { partitions, leftOutCount } = firstPartitions(topics);
  gauges.millrace_metrics_left_out.set({ kind: "partition" }, leftOutCount);
  for (const offsets of await surveyOffsets(asker, partitions)) {
    meterPartition(gauges, offsets, nodeId);
  }
}

/** Whole topics as long as there is room: half a topic would make wrong sums. */
function firstPartitions(topics: readonly SurveyedTopic[]) {
  const partitions: { readonly topic: string; readonly partition: number }[] =
    [];
  let leftOutCount = 0;
  for (const { topic } of topics) {
    if (partitions.length + topic.partitionCount > METERED_PARTITIONS_MAX) {
      leftOutCount += topic.partitionCount;
      continue;
    }
    for (let partition = 0; partition < topic.partitionCount; partition++) {
      partitions.push({ topic: topic.name, partition });
    }
  }
  return { partitions, leftOutCount };
}

function meterPartition(
  gauges: Gauges,
  { topic, partition, error, startOffset, endOffset }: PartitionOffsets,
  nodeId: number,
): void {
  const labels = { topic, partition };
  const isReadable = error === null;
  if (endOffset !== null) {
    gauges.kafka_topic_partition_current_offset.set(labels, endOffset);
  }
  if (startOffset !== null) {
    gauges.kafka_topic_partition_oldest_offset.set(labels, startOffset);
  }
  if (isReadable) gauges.kafka_topic_partition_leader.set(labels, nodeId);
  gauges.kafka_topic_partition_leader_is_preferred.set(labels, +isReadable);
  gauges.kafka_topic_partition_replicas.set(labels, 1);
  gauges.kafka_topic_partition_in_sync_replica.set(labels, +isReadable);
  gauges.kafka_topic_partition_under_replicated_partition.set(
    labels,
    +!isReadable,
  );
}

async function meterGroups(gauges: Gauges, asker: Asker): Promise<void> {
  const { operations, context } = asker;
  const listed = await operations.groups.list(context, {
    states: [],
    types: [],
  });
  // While coordinators load, groups are unknown and not absent.
  if (listed.error !== null) return;
  let room = METERED_PARTITIONS_MAX;
  let leftOutCount = 0;
  for (const { groupId } of listed.answer) {
    const described =
      room > 0
        ? await operations.groups.describe(context, { groupId })
        : undefined;
    const surveyed =
      room > 0 ? await surveyGroupOffsets(asker, groupId) : undefined;
    if (described?.error !== null || surveyed?.error !== null) {
      leftOutCount++;
      continue;
    }
    const count = surveyed.offsets.length;
    if (count > room) {
      leftOutCount++;
      continue;
    }
    // A group without commits has a series too.
    room -= Math.max(1, count);
    gauges.kafka_consumergroup_members.set(
      { consumergroup: groupId },
      described.answer[0]?.members.length ?? 0,
    );
    meterGroupOffsets(gauges, groupId, surveyed.offsets);
  }
  gauges.millrace_metrics_left_out.set({ kind: "group" }, leftOutCount);
}

function meterGroupOffsets(
  gauges: Gauges,
  consumergroup: string,
  offsets: readonly GroupOffset[],
): void {
  for (const { topic, partition, offset, lag } of offsets) {
    const labels = { consumergroup, topic, partition };
    const sums = { consumergroup, topic };
    gauges.kafka_consumergroup_current_offset.set(labels, offset);
    gauges.kafka_consumergroup_current_offset_sum.inc(sums, offset);
    if (lag === null) continue;
    gauges.kafka_consumergroup_lag.set(labels, lag);
    gauges.kafka_consumergroup_lag_sum.inc(sums, lag);
  }
}
