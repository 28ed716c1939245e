/**
 * THE table from request to handler. One that `wire/compact/apis.ts` declares
 * and nobody handles does not compile. Hello is the session's own.
 */
import type { CompactApiName } from "../../wire/compact/apis.ts";
import type { CompactHandler } from "./handler.ts";
import { alterConfigs, describeConfigs } from "./handlers/configs.ts";
import {
  commit,
  committed,
  deleteGroups,
  describeGroups,
  listGroups,
} from "./handlers/groups.ts";
import { heartbeat, join, leave, sync } from "./handlers/members.ts";
import { produce } from "./handlers/produce.ts";
import {
  deleteRecords,
  fetch,
  initProducer,
  offsets,
} from "./handlers/records.ts";
import { credit, subscribe, unsubscribe } from "./handlers/subscriptions.ts";
import {
  createPartitions,
  createTopics,
  deleteTopics,
  describeCluster,
  describeTopics,
  metadata,
} from "./handlers/topics.ts";

export const handlers = {
  metadata,
  "describe-cluster": describeCluster,
  "create-topics": createTopics,
  "delete-topics": deleteTopics,
  "describe-topics": describeTopics,
  "create-partitions": createPartitions,
  "describe-configs": describeConfigs,
  "alter-configs": alterConfigs,
  produce,
  "init-producer": initProducer,
  fetch,
  offsets,
  "delete-records": deleteRecords,
  subscribe,
  credit,
  unsubscribe,
  join,
  sync,
  heartbeat,
  leave,
  commit,
  committed,
  "list-groups": listGroups,
  "describe-groups": describeGroups,
  "delete-groups": deleteGroups,
} satisfies {
  readonly [N in Exclude<CompactApiName, "hello">]: CompactHandler<N>;
};
