/**
 * Any Kafka broker as a driver, ours on its Kafka listener too.
 *
 * Sockets, TLS and SASL are @platformatic/kafka's; its producer and consumer
 * are not used, as they know no pause of one partition, no metadata of commits,
 * no awaited revocation and no signals (and choose partitions as Java's client
 * does only when told to). This file is loaded at first use: the package takes
 * half a second.
 */
import type { ConnectionOptions } from "@platformatic/kafka";
import type { Clock } from "../../../broker/platform/clock.ts";
import type { Random } from "../../../broker/platform/random.ts";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type { Admin, Supports } from "../../client.ts";
import type { Driver, DriverMetadata } from "../../core/driver.ts";
import { lookedUp } from "../../core/positions.ts";
import { refused } from "../../core/refusal.ts";
import { KafkaTopics } from "./kafka-admin.ts";
import { KafkaGroupAdmin } from "./kafka-admin-groups.ts";
import { KafkaCluster } from "./kafka-cluster.ts";
import { type BrokerAddress, KafkaConnections } from "./kafka-connections.ts";
import { wordOf } from "./kafka-errors.ts";
import { KafkaFetcher } from "./kafka-fetcher.ts";
import { KafkaGroups } from "./kafka-group.ts";
import { offsetsAt, produce } from "./kafka-partitions.ts";

export interface KafkaDriverOptions {
  /** At least one; the others of the cluster are found through them. */
  readonly brokers: readonly BrokerAddress[];
  readonly clientId: string;
  readonly tls?: ConnectionOptions["tls"];
  readonly sasl?: ConnectionOptions["sasl"];
}

const supports: Supports = {
  transactions: false,
  commitMetadata: true,
  pausePartition: true,
  delayedDelivery: false,
  lookupByKey: false,
  seekByTime: true,
  push: false,
  groupProtocols: ["classic"],
};

/** Connects at the first request. */
export function createKafkaDriver(
  options: KafkaDriverOptions,
  platform: { readonly clock: Clock; readonly random: Random },
): Driver {
  const { tls, sasl } = options;
  const connections = new KafkaConnections(platform.clock, options.clientId, {
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  });
  const cluster = new KafkaCluster(connections, options.brokers);
  const group = new KafkaGroups(cluster);
  const admin = createAdmin(cluster, group, platform);
  return {
    supports,
    metadata: (topics, { autoCreate } = {}) =>
      metadata(cluster, topics, autoCreate ?? false),
    produce: (batches, how) => produce(cluster, batches, how),
    initProducer: () => initProducer(cluster),
    openFetcher: (how) => new KafkaFetcher(cluster, platform, how),
    offsetsAt: (partitions, isolation) =>
      offsetsAt(cluster, partitions, isolation),
    group,
    admin,
    describeCluster: () => admin.describeCluster(),
    close: () => connections.close(),
  };
}

function createAdmin(
  cluster: KafkaCluster,
  group: KafkaGroups,
  platform: { readonly clock: Clock; readonly random: Random },
): Admin {
  const topics = new KafkaTopics(cluster, platform);
  const groups = new KafkaGroupAdmin(cluster, group);
  const leaders = {
    offsetsAt: (...args: Parameters<Driver["offsetsAt"]>) =>
      offsetsAt(cluster, ...args),
  };
  return {
    describeCluster: () => topics.describeCluster(),
    listTopics: (options) => topics.listTopics(options),
    describeTopic: (name) => topics.describeTopic(name),
    createTopic: (topic) => topics.createTopic(topic),
    deleteTopic: (name) => topics.deleteTopic(name),
    createPartitions: (topic, count) => topics.createPartitions(topic, count),
    offsetsAt: (partitions) =>
      lookedUp(leaders, partitions, "read_uncommitted"),
    listGroups: () => groups.listGroups(),
    describeGroup: (name) => groups.describeGroup(name),
    resetGroup: (name, offsets) => groups.resetGroup(name, offsets),
    deleteGroup: (name) => groups.deleteGroup(name),
  };
}

async function metadata(
  cluster: KafkaCluster,
  topics: readonly string[] | null,
  autoCreate: boolean,
): Promise<DriverMetadata> {
  const answer = await cluster.metadata(topics, autoCreate);
  return {
    topics: answer.topics.flatMap(
      ({ name, errorCode, isInternal, partitions }) =>
        name === null
          ? []
          : [
              {
                name,
                error: wordOf(errorCode),
                isInternal,
                partitionCount: partitions.length,
              },
            ],
    ),
  };
}

async function initProducer(
  cluster: KafkaCluster,
): Promise<{ producerId: number; producerEpoch: number }> {
  const answer = await cluster.askAny(apis[22], {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
  });
  const word = wordOf(answer.errorCode);
  if (word !== null) throw refused("asking for a producer id", word);
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
}
