/** Builds all that a broker can do on its parts; nothing of it runs until it is called. */
import type { Catalog } from "../catalog/catalog.ts";
import type { Logger, Settings } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import { createCommitOffsets } from "./commit-offsets.ts";
import { createDeleteOffsets } from "./delete-offsets.ts";
import { createDeleteRecords } from "./delete-records.ts";
import {
  type ClusterParts,
  createDescribeCluster,
} from "./describe-cluster.ts";
import { createFetch } from "./fetch.ts";
import { createFullDiskNotice } from "./full-disk-notice.ts";
import { createInitProducer } from "./init-producer.ts";
import { createListOffsets } from "./list-offsets.ts";
import { createManageConfigs } from "./manage-configs.ts";
import { type CoordinatorShard, createManageGroups } from "./manage-groups.ts";
import { createManageTopics } from "./manage-topics.ts";
import type { OpenPartitions } from "./open-partitions.ts";
import type { Operations } from "./operations.ts";
import { createProduce } from "./produce.ts";

export interface OperationsParts extends Pick<
  ClusterParts,
  "clusterId" | "advertisedAt"
> {
  readonly catalog: Catalog;
  readonly partitions: OpenPartitions;
  /** None as long as the coordinators are not open. */
  readonly shards: () => readonly CoordinatorShard[];
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createOperations(parts: OperationsParts): Operations {
  const { catalog, partitions, settings, clock } = parts;
  const { commitOffsets, ...groups } = createManageGroups(parts.shards);
  const { acksAll, transfer, autoCreateTopics } = settings;
  return {
    produce: createProduce({
      partitions,
      clock,
      acksAll,
      failed: createFullDiskNotice(parts),
    }),
    fetch: createFetch({
      partitions,
      clock,
      transfer,
      sizeBytesMax: settings.fetchSizeBytesMax,
    }),
    listOffsets: createListOffsets(partitions),
    deleteRecords: createDeleteRecords(
      partitions,
      (topic) =>
        catalog.topicByName(topic)?.config.cleanupPolicy.delete ?? false,
    ),
    initProducer: createInitProducer(catalog),
    topics: createManageTopics({
      catalog,
      autoCreateTopics,
      offline: partitions.offline,
      leaderEpochOf: (topic, partition) =>
        partitions.leaderEpochOf(topic, partition),
    }),
    configs: createManageConfigs({ catalog, settings }),
    groups: {
      ...groups,
      deleteOffsets: createDeleteOffsets(catalog, groups.deleteOffsets),
    },
    commitOffsets: createCommitOffsets(catalog, commitOffsets),
    describeCluster: createDescribeCluster({
      clusterId: parts.clusterId,
      nodeId: settings.nodeId,
      advertisedAt: parts.advertisedAt,
    }),
  };
}
