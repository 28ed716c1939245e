/**
 * What a client could only send by mistake or to do harm, and Kafka's answer to
 * it: a table, as each is a case of its own in Kafka's sources. All of them are
 * sent to one broker, which is as it was afterwards.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BASE_OFFSET_AT,
  BASE_TIMESTAMP_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  MAX_TIMESTAMP_AT,
  RECORDS_COUNT_AT,
} from "../../broker/record/batch-format.ts";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import type { ApiKey } from "../../broker/wire/kafka/apis.ts";
import {
  batchOf,
  createTopicBody,
  epochMs,
  fetchBody,
  produceBody,
  TestBroker,
} from "../broker/server/kafka/support.ts";
import {
  type KafkaConnection,
  requestBytes,
  type RequestBody,
} from "../support/kafka-connection.ts";
import { reframed } from "./kafka-requests.ts";
import { sealBatch } from "./plausible-batches.ts";

const LONG = "x".repeat(250);
const LONGEST = "x".repeat(32_767);
const INTERNAL = "__consumer_offsets";
const INT32_MAX = 2 ** 31 - 1;
const nobody = { clientSoftwareName: "", clientSoftwareVersion: "" };
const metadata12 = requestBytes(3, 12, metadataBody("orders"));
const UNKNOWN_ID = "abcdefghijklmnopqrstug";

let host: TestBroker;
let connection: KafkaConnection;
beforeAll(async () => {
  host = await TestBroker.open();
  await host.createTopic("orders");
  connection = await host.connect();
});
afterAll(() => host[Symbol.asyncDispose]());

type Case = {
  readonly [K in ApiKey]: readonly [
    what: string,
    key: K,
    version: number,
    body: RequestBody<K>,
    errorCodes: readonly number[],
  ];
}[ApiKey];

const producing: readonly Case[] = [
  ["to an unknown topic", 0, 9, produceTo("nowhere"), [3]],
  ["to a name that cannot be", 0, 9, produceTo("a/b"), [3]],
  ["to the longest name there is", 0, 9, produceTo(LONGEST), [3]],
  ["to partition -1", 0, 9, produceTo("orders", { partition: -1 }), [3]],
  ["to a partition too high", 0, 9, produceTo("orders", { partition: 1 }), [3]],
  ["to the broker's own topic", 0, 9, produceTo(INTERNAL), [17]],
  ["with acks 2", 0, 9, produceTo("orders", { acks: 2 }), [21]],
  ["with acks -2", 0, 9, produceTo("orders", { acks: -2 }), [21]],
  ["no records", 0, 9, produceBody("orders", null), [87]],
  ["three bytes", 0, 9, produceBody("orders", new Uint8Array(3)), [87]],
  ["a wrong checksum", 0, 9, changed(CRC_AT, "int32", 7), [2]],
  ["a base offset", 0, 9, changed(BASE_OFFSET_AT, "int64", 7), [87]],
  [
    "a wrong last offset",
    0,
    9,
    changed(LAST_OFFSET_DELTA_AT, "int32", 7),
    [87],
  ],
  ["no record in a batch", 0, 9, changed(RECORDS_COUNT_AT, "int32", 0), [87]],
  [
    "more records than can be",
    0,
    9,
    changed(RECORDS_COUNT_AT, "int32", INT32_MAX, LAST_OFFSET_DELTA_AT),
    [87],
  ],
  [
    "from the far future",
    0,
    9,
    changed(MAX_TIMESTAMP_AT, "int64", 2 ** 50),
    [32],
  ],
  ["from before time", 0, 9, changed(BASE_TIMESTAMP_AT, "int64", -2), [32]],
];

const reading: readonly Case[] = [
  ["from an unknown topic", 1, 12, fetchBody("nowhere", 0), [0, 3]],
  ["from a negative offset", 1, 12, fetchBody("orders", -5), [0, 1]],
  ["from an offset behind the end", 1, 12, fetchBody("orders", 5), [0, 1]],
  [
    "from partition -1",
    1,
    12,
    fetchBody("orders", 0, { partition: -1 }),
    [0, 3],
  ],
  [
    "from an unknown id",
    1,
    13,
    fetchBody("", 0, { topicId: UNKNOWN_ID }),
    [0, 100],
  ],
  [
    "in an epoch to come",
    1,
    12,
    fetchBody("orders", 0, { currentLeaderEpoch: 7 }),
    [0, 75],
  ],
  [
    "for negative time and bytes",
    1,
    12,
    fetchBody("orders", 0, {
      maxWaitMs: -1,
      minBytes: -1,
      maxBytes: -1,
      partitionMaxBytes: -1,
    }),
    [0, 0],
  ],
  ["at a time that means nothing", 2, 7, listBody("orders", -99), [35]],
  ["of partition -1", 2, 7, listBody("orders", -1, -1), [3]],
];

const topics: readonly Case[] = [
  ...["", ".", "..", "a/b", LONG, LONGEST, "nul\0"].map((name): Case => [
    `created as ${JSON.stringify(name.slice(0, 20))}`,
    19,
    7,
    createTopicBody(name),
    [17],
  ]),
  ["with no partition", 19, 7, createTopicBody("new", 0), [37]],
  ["with -7 partitions", 19, 7, createTopicBody("new", -7), [37]],
  ["with 2^31 partitions", 19, 7, createTopicBody("new", INT32_MAX), [37]],
  [
    "with a configuration that is not",
    19,
    7,
    createTopicBody("new", 1, { [LONGEST]: "1" }),
    [40],
  ],
  ["that exists", 19, 7, createTopicBody("orders"), [36]],
  ["grown to -1", 37, 3, growBody("orders", -1), [37]],
  ["grown to 2^31", 37, 3, growBody("orders", INT32_MAX), [37]],
  ["grown, and not there", 37, 3, growBody(LONGEST, 3), [3]],
  ["deleted, and not there", 20, 6, deleteBody(LONGEST), [3]],
  ["deleted by an id nobody has", 20, 6, deleteBody(null, UNKNOWN_ID), [100]],
  ["cut behind its end", 21, 2, cutBody("orders", 99), [1]],
  ["cut at -2", 21, 2, cutBody("orders", -2), [1]],
  ["cut, and the broker's own", 21, 2, cutBody(INTERNAL, -1), [17]],
  ["asked for as a/b", 3, 12, metadataBody("a/b"), [17]],
  ["asked for as the longest name", 3, 12, metadataBody(LONGEST), [17]],
  [
    "asked for by id too early",
    3,
    11,
    metadataBody("orders", UNKNOWN_ID),
    [42],
  ],
  ["asked for without a name too early", 3, 10, metadataBody(null), [42]],
];

const groups: readonly Case[] = [
  ["joined without a name", 11, 5, joinBody({ groupId: "" }), [24]],
  ["joined for no time", 11, 5, joinBody({ sessionTimeoutMs: 0 }), [26]],
  ["joined for -1 ms", 11, 5, joinBody({ sessionTimeoutMs: -1 }), [26]],
  ["joined without a protocol", 11, 5, joinBody({ protocols: [] }), [23]],
  ["joined as a stranger", 11, 5, joinBody({ memberId: "who" }), [25]],
  ["heard of from a stranger", 12, 4, memberBody(), [25]],
  [
    "synced by a stranger",
    14,
    3,
    {
      ...memberBody(),
      protocolType: null,
      protocolName: null,
      assignments: [],
    },
    [25],
  ],
  ["committed to for an unknown topic", 8, 8, commitBody("g", "nowhere"), [3]],
  [
    "committed to in a generation that is not",
    8,
    8,
    { ...commitBody("g", "orders"), generationIdOrMemberEpoch: 7 },
    [22],
  ],
  ["deleted, and not there", 42, 2, { groupsNames: [LONGEST] }, [69]],
];

const others: readonly Case[] = [
  ["an id in part", 22, 4, producerBody(-1, 3), [42]],
  ["a negative id", 22, 4, producerBody(-7, 3), [42]],
  [
    "a transaction",
    22,
    4,
    { ...producerBody(-1, -1), transactionalId: "t" },
    [53],
  ],
  [
    "a coordinator of another kind",
    10,
    3,
    { key: "g", keyType: 9, coordinatorKeys: [] },
    [42],
  ],
  ["configurations of another kind", 32, 4, configsOf(99, "orders"), [42]],
  ["configurations of no topic", 32, 4, configsOf(2, "nowhere"), [3]],
  ["configurations of no topic's name", 32, 4, configsOf(2, LONGEST), [17]],
  ["configurations of another broker", 32, 4, configsOf(4, "99"), [42]],
  ["a cluster of another kind", 60, 1, clusterBody(9), [115]],
];

describe.each([
  ["producing", producing],
  ["reading", reading],
  ["topics", topics],
  ["groups", groups],
  ["asking for", others],
] as const)("%s", (_what, cases) => {
  test.each(cases)("%s", async (...[, key, version, body, errorCodes]) => {
    const answer = await connection.request(key, version, body as never);
    expect(codesIn(answer)).toEqual(errorCodes);
    expect(host.warnings).toEqual([]);
  });
});

describe("the connection closes with one line in the log at", () => {
  test.each<[string, Uint8Array]>([
    ["garbage", new Uint8Array(100).fill(0x55)],
    ["text of another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame of negative size", Buffer.from("ffffffff", "hex")],
    ["a frame that promises 2 GB", Buffer.from("7fffffff", "hex")],
    ["an empty frame", Buffer.from("00000000", "hex")],
    ["a header cut short", Buffer.from("00000004" + "00120000", "hex")],
    ["an unknown api", head(9_999, 0)],
    ["a negative api", head(-1, 0)],
    ["a version to come", head(3, 99)],
    ["a negative version", head(3, -1)],
    ["a body cut short", reframed(metadata12.subarray(4, -1))],
    ["an array of 2^31 elements", reframed(lyingArray(0x7fffffff))],
    ["an array of -2 elements", reframed(lyingArray(-2))],
  ])("%s", async (_what, bytes) => {
    const before = host.warnings.length;
    const stranger = await host.connect();
    stranger.send(bytes);
    await stranger.closed;
    const lines = host.warnings.slice(before);
    expect(lines.map(({ level }) => level)).toEqual(["warn"]);
    const { errorCode } = await connection.request(18, 0, nobody);
    expect(errorCode).toBe(0);
  });

  test("none is due where half a frame was sent and the peer has left", async () => {
    const before = host.warnings.length;
    const stranger = await host.connect();
    stranger.send(metadata12.subarray(0, -1));
    await host.clock.settle();
    stranger.close();
    await stranger.closed;
    await connection.request(18, 0, nobody);
    expect(host.warnings.length).toBe(before);
  });
});

/** A request with an empty client id and no body. */
function head(key: number, version: number): Uint8Array {
  const body = Buffer.alloc(10);
  body.writeInt16BE(key, 0);
  body.writeInt16BE(version, 2);
  return reframed(body);
}

/** Metadata 0 with so many topics promised. */
function lyingArray(count: number): Uint8Array {
  const body = Buffer.alloc(20);
  body.writeInt16BE(3, 0);
  body.writeInt32BE(count, 10);
  return body;
}

/** Every error code of an answer, in the order of its fields. */
function codesIn(value: unknown): readonly number[] {
  if (typeof value !== "object" || value === null) return [];
  if (value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "errorCode" ? [Number(inner)] : codesIn(inner),
  );
}

/** A record with a key: what the offsets topic, being compacted, would take. */
function produceTo(
  topic: string,
  more: Parameters<typeof produceBody>[2] = {},
) {
  const [key, value] = [Uint8Array.of(1), Uint8Array.of(2)];
  const record = { key, value, headers: [], timestampMs: epochMs };
  return produceBody(topic, new Uint8Array(buildBatch([record])), more);
}

/** One good batch in which a number is another, with a checksum that holds. */
function changed(
  position: number,
  type: "int32" | "int64",
  value: number,
  lastOffsetAt?: number,
): RequestBody<0> {
  const batch = batchOf(["value"]);
  const view = new DataView(batch.buffer);
  if (type === "int32") view.setInt32(position, value);
  else view.setBigInt64(position, BigInt(value));
  if (lastOffsetAt !== undefined) view.setInt32(lastOffsetAt, value - 1);
  if (position !== CRC_AT) sealBatch(batch);
  return produceBody("orders", batch);
}

function listBody(
  name: string,
  timestamp: number,
  partitionIndex = 0,
): RequestBody<2> {
  const partitions = [{ partitionIndex, timestamp }];
  return { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] };
}

function growBody(name: string, count: number) {
  const topics = [{ name, count, assignments: null }];
  return { topics, timeoutMs: 1_000, validateOnly: false };
}

function deleteBody(name: string | null, topicId = "AAAAAAAAAAAAAAAAAAAAAA") {
  return { topics: [{ name, topicId }], topicNames: [], timeoutMs: 1_000 };
}

function cutBody(name: string, offset: number) {
  const partitions = [{ partitionIndex: 0, offset }];
  return { topics: [{ name, partitions }], timeoutMs: 1_000 };
}

function metadataBody(
  name: string | null,
  topicId = "AAAAAAAAAAAAAAAAAAAAAA",
): RequestBody<3> {
  return {
    topics: [{ name, topicId }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
}

function joinBody(more: Partial<RequestBody<11>>): RequestBody<11> {
  return {
    groupId: "g",
    memberId: "",
    groupInstanceId: null,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(0) }],
    reason: null,
    ...more,
  };
}

function memberBody() {
  const groupInstanceId = null;
  return { groupId: "g", generationId: 1, memberId: "who", groupInstanceId };
}

function commitBody(groupId: string, name: string): RequestBody<8> {
  const partition = {
    partitionIndex: 0,
    committedOffset: 1,
    committedMetadata: null,
  };
  return {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [{ name, partitions: [partition] }],
  };
}

function producerBody(producerId: number, producerEpoch: number) {
  const transactionTimeoutMs = 60_000;
  return {
    transactionalId: null,
    transactionTimeoutMs,
    producerId,
    producerEpoch,
  };
}

function configsOf(resourceType: number, resourceName: string) {
  const resource = { resourceType, resourceName, configurationKeys: null };
  return {
    resources: [resource],
    includeSynonyms: false,
    includeDocumentation: false,
  };
}

function clusterBody(endpointType: number) {
  return { includeClusterAuthorizedOperations: false, endpointType };
}
