/**
 * Our messages against the hand-written codecs of @platformatic/kafka, in every
 * version: its decoders must find in our responses what we put in, in our
 * order, and it must send the bytes that we would send.
 */
import { describe, expect, test } from "vitest";
import {
  apis,
  type Api,
  type ApiKey,
  type RequestOf,
} from "../../../../broker/wire/kafka/apis.ts";
import { ZERO_UUID } from "../../../../broker/wire/schema.ts";
import {
  encoded,
  leaves,
  missing,
  modules,
  presentLeaves,
  versionsOf,
} from "./peer.ts";
import { sampleOf, type Value } from "./sample.ts";

/** The client's decoders and encoders, each file by its API. */
const platformaticFiles: Record<Api["name"], string> = {
  Produce: "producer/produce",
  Fetch: "consumer/fetch",
  ListOffsets: "consumer/list-offsets",
  Metadata: "metadata/metadata",
  OffsetCommit: "consumer/offset-commit",
  OffsetFetch: "consumer/offset-fetch",
  FindCoordinator: "metadata/find-coordinator",
  JoinGroup: "consumer/join-group",
  Heartbeat: "consumer/heartbeat",
  LeaveGroup: "consumer/leave-group",
  SyncGroup: "consumer/sync-group",
  DescribeGroups: "admin/describe-groups",
  ListGroups: "admin/list-groups",
  ApiVersions: "metadata/api-versions",
  CreateTopics: "admin/create-topics",
  DeleteTopics: "admin/delete-topics",
  DeleteRecords: "admin/delete-records",
  InitProducerId: "producer/init-producer-id",
  OffsetForLeaderEpoch: "consumer/offset-for-leader-epoch",
  DescribeConfigs: "admin/describe-configs",
  AlterConfigs: "admin/alter-configs",
  CreatePartitions: "admin/create-partitions",
  DeleteGroups: "admin/delete-groups",
  IncrementalAlterConfigs: "admin/incremental-alter-configs",
  OffsetDelete: "admin/offset-delete",
  DescribeCluster: "admin/describe-cluster",
};

/**
 * How its encoders take what our requests hold: positional, ids in hexadecimal,
 * int64 as bigint. Where they write a constant, the request is changed to hold
 * it. Produce is missing: they build the records while they encode.
 */
const platformaticArguments: {
  [K in ApiKey]?: (request: RequestOf<K>, version: number) => unknown[];
} = {
  1: (r) => [
    r.maxWaitMs,
    r.minBytes,
    r.maxBytes,
    r.isolationLevel,
    r.sessionId,
    r.sessionEpoch,
    r.topics.map((t) => ({ ...t, topicId: topicOf(t) })),
    r.forgottenTopicsData.map((t) => ({ ...t, topicId: topicOf(t) })),
    r.rackId,
  ],
  2: (r) => [r.replicaId, r.isolationLevel, r.topics],
  3: (r) => [
    r.topics,
    r.allowAutoTopicCreation,
    r.includeTopicAuthorizedOperations,
    r.includeClusterAuthorizedOperations,
  ],
  8: (r) => [
    r.groupId,
    r.generationIdOrMemberEpoch,
    r.memberId,
    r.groupInstanceId,
    r.topics,
  ],
  9: (r, version) => [version < 8 ? [r] : r.groups, r.requireStable],
  10: (r, version) => [r.keyType, version < 4 ? [r.key] : r.coordinatorKeys],
  11: (r) => [
    r.groupId,
    r.sessionTimeoutMs,
    r.rebalanceTimeoutMs,
    r.memberId,
    r.groupInstanceId,
    r.protocolType,
    r.protocols,
    r.reason,
  ],
  12: (r) => [r.groupId, r.generationId, r.memberId, r.groupInstanceId],
  13: (r, version) => [r.groupId, version < 3 ? [r] : r.members],
  14: (r) => [
    r.groupId,
    r.generationId,
    r.memberId,
    r.groupInstanceId,
    r.protocolType,
    r.protocolName,
    r.assignments,
  ],
  15: (r) => [r.groups, r.includeAuthorizedOperations],
  16: (r) => [r.statesFilter],
  18: (r) => [r.clientSoftwareName, r.clientSoftwareVersion],
  19: (r) => [r.topics, r.timeoutMs, r.validateOnly],
  20: (r, version) => [
    version < 6 ? r.topicNames.map((name) => ({ name })) : r.topics,
    r.timeoutMs,
  ],
  21: (r) => [r.topics, r.timeoutMs],
  22: (r) => [
    r.transactionalId,
    r.transactionTimeoutMs,
    BigInt(r.producerId),
    r.producerEpoch,
  ],
  23: (r) => [
    r.replicaId,
    r.topics.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map((one) => ({
        ...one,
        partitionIndex: one.partition,
      })),
    })),
  ],
  32: (r) => [r.resources, r.includeSynonyms, r.includeDocumentation],
  33: (r) => [r.resources, r.validateOnly],
  37: (r) => [r.topics, r.timeoutMs, r.validateOnly],
  42: (r) => [r.groupsNames],
  44: (r) => [r.resources, r.validateOnly],
  47: (r) => [r.groupId, r.topics],
  60: (r) => [r.includeClusterAuthorizedOperations, r.endpointType],
};

/** What they write whatever is asked for, by API, then by our field. */
const WRITTEN_AS: { readonly [api: string]: Value } = {
  Fetch: { replicaId: -1, clusterId: null, logStartOffset: -1 },
  "Metadata v10": { topicId: ZERO_UUID },
  "Metadata v11": { topicId: ZERO_UUID },
  OffsetCommit: { retentionTimeMs: -1 },
  ListGroups: { statesFilter: ["Stable", "Empty"] },
};

function topicOf(one: { readonly topic: string; readonly topicId: string }) {
  return one.topicId === ZERO_UUID ? one.topic : one.topicId;
}

/** Goes through a value and changes what stands under a name. */
function changed(
  value: unknown,
  change: (name: string, inner: unknown) => unknown,
): unknown {
  if (Array.isArray(value)) return value.map((one) => changed(one, change));
  if (!isValue(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      changed(change(name, inner), change),
    ]),
  );
}

function isValue(value: unknown): value is Value {
  return (
    typeof value === "object" &&
    value !== null &&
    !(value instanceof Uint8Array)
  );
}

const INT64_NAMES = new Set([
  "timestamp",
  "fetchOffset",
  "committedOffset",
  "offset",
  "producerId",
]);

/** Numbers and ids as they take them. */
function inTheirForm(name: string, value: unknown): unknown {
  if (typeof value === "number" && INT64_NAMES.has(name)) return BigInt(value);
  if (name !== "topicId" || typeof value !== "string") return value;
  const bytes = Buffer.from(value, "base64url");
  if (bytes.length !== 16) return value;
  return bytes
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

interface PlatformaticCodec {
  createRequest(...args: unknown[]): { readonly buffer: Buffer };
  parseResponse(
    correlationId: number,
    apiKey: number,
    apiVersion: number,
    reader: unknown,
  ): unknown;
}

describe("@platformatic/kafka", async () => {
  const dist = new URL("@platformatic/kafka/dist/", modules);
  const { Reader } = (await import(`${dist.href}protocol/reader.js`)) as {
    Reader: { from(bytes: Buffer): { remaining: number } };
  };

  const pairs = Object.values(apis).flatMap((api) =>
    versionsOf(api).map((version) => ({ api, name: api.name, version })),
  );

  /** An error in the response makes their parser throw, with what it parsed. */
  function parsed(parse: () => unknown): unknown {
    try {
      return parse();
    } catch (error) {
      if (error instanceof Error && "response" in error) return error.response;
      throw error;
    }
  }

  async function load({ name }: Api, version: number) {
    const file = platformaticFiles[name];
    const url = `${dist.href}apis/${file}-v${version}.js`;
    return (await import(url)) as PlatformaticCodec;
  }

  test.each(pairs)("reads our $name response v$version", async (pair) => {
    const { api, version } = pair;
    const codec = await load(api, version);
    const sample = sampleOf(api.response, version, {
      isWithoutErrors: true,
      isWithoutNulls: true,
    });
    const reader = Reader.from(encoded(api.response, version, sample));
    const theirs = parsed(() =>
      codec.parseResponse(0, api.key, version, reader),
    );
    const wanted = presentLeaves(api.response, version, sample);
    expect(missing(wanted, leaves(theirs))).toEqual([]);
    expect(reader.remaining).toBe(0);
  });

  test.each(pairs.filter(({ api }) => api.key in platformaticArguments))(
    "writes $name requests v$version as we do",
    async ({ api, name, version }) => {
      const argumentsOf = platformaticArguments[api.key];
      if (argumentsOf === undefined)
        throw new Error(`no arguments for ${name}`);
      const constants =
        WRITTEN_AS[name] ?? WRITTEN_AS[`${name} v${version}`] ?? {};
      const request = changed(sampleOf(api.request, version), (field, value) =>
        field in constants ? constants[field] : value,
      ) as Value;
      const args = argumentsOf(request as never, version);
      const { createRequest } = await load(api, version);
      const theirs = createRequest(
        ...(changed(args, inTheirForm) as unknown[]),
      );
      expect(encoded(api.request, version, request).toString("hex")).toBe(
        theirs.buffer.toString("hex"),
      );
    },
  );
});
