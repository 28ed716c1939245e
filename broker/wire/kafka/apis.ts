/**
 * THE table of Kafka's APIs that Millrace speaks: key, name, versions, request,
 * response.
 *
 * Everything that lists APIs reads this one: the answer to ApiVersions, the
 * dispatch table (which does not compile without a handler for each key), the
 * page on compatibility, the fuzzer, the golden tests. It knows no handlers.
 *
 * The versions are those that the messages declare; what each of them brought
 * stands at the top of the message's file.
 */
import type { Infer, Input, Message } from "../schema.ts";
import type { VersionRange } from "../versions.ts";
import { produceRequest, produceResponse } from "./messages/00-produce.ts";
import { fetchRequest, fetchResponse } from "./messages/01-fetch.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
} from "./messages/02-list-offsets.ts";
import { metadataRequest, metadataResponse } from "./messages/03-metadata.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
} from "./messages/08-offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
} from "./messages/09-offset-fetch.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
} from "./messages/10-find-coordinator.ts";
import {
  joinGroupRequest,
  joinGroupResponse,
} from "./messages/11-join-group.ts";
import {
  heartbeatRequest,
  heartbeatResponse,
} from "./messages/12-heartbeat.ts";
import {
  leaveGroupRequest,
  leaveGroupResponse,
} from "./messages/13-leave-group.ts";
import {
  syncGroupRequest,
  syncGroupResponse,
} from "./messages/14-sync-group.ts";
import {
  describeGroupsRequest,
  describeGroupsResponse,
} from "./messages/15-describe-groups.ts";
import {
  listGroupsRequest,
  listGroupsResponse,
} from "./messages/16-list-groups.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
} from "./messages/18-api-versions.ts";
import {
  createTopicsRequest,
  createTopicsResponse,
} from "./messages/19-create-topics.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
} from "./messages/20-delete-topics.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
} from "./messages/21-delete-records.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
} from "./messages/22-init-producer-id.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from "./messages/23-offset-for-leader-epoch.ts";
import {
  describeConfigsRequest,
  describeConfigsResponse,
} from "./messages/32-describe-configs.ts";
import {
  alterConfigsRequest,
  alterConfigsResponse,
} from "./messages/33-alter-configs.ts";
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from "./messages/37-create-partitions.ts";
import {
  deleteGroupsRequest,
  deleteGroupsResponse,
} from "./messages/42-delete-groups.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from "./messages/44-incremental-alter-configs.ts";
import {
  offsetDeleteRequest,
  offsetDeleteResponse,
} from "./messages/47-offset-delete.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
} from "./messages/60-describe-cluster.ts";

export const apis = {
  0: {
    ...api(0, "Produce", produceRequest, produceResponse),
    // Kafka 4 says 0 and refuses 0-2 all the same (KAFKA-18659): librdkafka
    // before 2.11.1 takes compression away from a broker that says 3.
    advertised: { first: 0, last: produceRequest.versions.last },
  },
  1: api(1, "Fetch", fetchRequest, fetchResponse),
  2: api(2, "ListOffsets", listOffsetsRequest, listOffsetsResponse),
  3: api(3, "Metadata", metadataRequest, metadataResponse),
  8: api(8, "OffsetCommit", offsetCommitRequest, offsetCommitResponse),
  9: api(9, "OffsetFetch", offsetFetchRequest, offsetFetchResponse),
  10: api(
    10,
    "FindCoordinator",
    findCoordinatorRequest,
    findCoordinatorResponse,
  ),
  11: api(11, "JoinGroup", joinGroupRequest, joinGroupResponse),
  12: api(12, "Heartbeat", heartbeatRequest, heartbeatResponse),
  13: api(13, "LeaveGroup", leaveGroupRequest, leaveGroupResponse),
  14: api(14, "SyncGroup", syncGroupRequest, syncGroupResponse),
  15: api(15, "DescribeGroups", describeGroupsRequest, describeGroupsResponse),
  16: api(16, "ListGroups", listGroupsRequest, listGroupsResponse),
  18: api(18, "ApiVersions", apiVersionsRequest, apiVersionsResponse),
  19: api(19, "CreateTopics", createTopicsRequest, createTopicsResponse),
  20: api(20, "DeleteTopics", deleteTopicsRequest, deleteTopicsResponse),
  21: api(21, "DeleteRecords", deleteRecordsRequest, deleteRecordsResponse),
  22: api(22, "InitProducerId", initProducerIdRequest, initProducerIdResponse),
  23: api(
    23,
    "OffsetForLeaderEpoch",
    offsetForLeaderEpochRequest,
    offsetForLeaderEpochResponse,
  ),
  32: api(
    32,
    "DescribeConfigs",
    describeConfigsRequest,
    describeConfigsResponse,
  ),
  33: api(33, "AlterConfigs", alterConfigsRequest, alterConfigsResponse),
  37: api(
    37,
    "CreatePartitions",
    createPartitionsRequest,
    createPartitionsResponse,
  ),
  42: api(42, "DeleteGroups", deleteGroupsRequest, deleteGroupsResponse),
  44: api(
    44,
    "IncrementalAlterConfigs",
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
  ),
  47: api(47, "OffsetDelete", offsetDeleteRequest, offsetDeleteResponse),
  60: api(
    60,
    "DescribeCluster",
    describeClusterRequest,
    describeClusterResponse,
  ),
};

export type ApiKey = keyof typeof apis;
/** One row of the table, for code to which they are all alike. */
export interface Api {
  readonly key: ApiKey;
  readonly name: string;
  readonly versions: VersionRange;
  readonly advertised: VersionRange;
  readonly request: Message;
  readonly response: Message;
}

/** What a handler of this API is given. */
export type RequestOf<K extends ApiKey> = Infer<(typeof apis)[K]["request"]>;
/** What a handler of this API answers with. */
export type ResponseOf<K extends ApiKey> = Input<(typeof apis)[K]["response"]>;

const apiByKey = new Map<number, Api>(
  Object.values(apis).map((row) => [row.key, row]),
);

/** The API of a key that a stranger sent; null for one that is not served. */
export function apiOf(key: number): Api | null {
  return apiByKey.get(key) ?? null;
}

function api<
  const K extends number,
  Request extends Message,
  Response extends Message,
>(key: K, name: string, request: Request, response: Response) {
  const versions: VersionRange = request.versions;
  return {
    key,
    /** Kafka's name, without `Request` and `Response`. */
    name,
    /** The versions that are served. */
    versions,
    /** The versions that the answer to ApiVersions names. */
    advertised: versions,
    request,
    response,
  };
}
