/** All that a broker can do. Both protocols translate to these and nothing else. */
import type { CommitOffsets } from "./commit-offsets.ts";
import type { DeleteRecords } from "./delete-records.ts";
import type { DescribeCluster } from "./describe-cluster.ts";
import type { Fetch } from "./fetch.ts";
import type { InitProducer } from "./init-producer.ts";
import type { ListOffsets } from "./list-offsets.ts";
import type { ManageConfigs } from "./manage-configs.ts";
import type { ManageGroups } from "./manage-groups.ts";
import type { ManageTopics } from "./manage-topics.ts";
import type { Produce } from "./produce.ts";

export interface Operations {
  readonly produce: Produce;
  readonly fetch: Fetch;
  readonly listOffsets: ListOffsets;
  readonly deleteRecords: DeleteRecords;
  readonly initProducer: InitProducer;
  readonly topics: ManageTopics;
  readonly configs: ManageConfigs;
  readonly groups: Omit<ManageGroups, "commitOffsets">;
  readonly commitOffsets: CommitOffsets;
  readonly describeCluster: DescribeCluster;
}
