/**
 * Our messages against the codecs of kafkajs, in every version that both speak:
 * it must find in our responses what we put in, and we in its requests what it
 * put in.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { compile } from "../../../../broker/wire/compile.ts";
import { apis, type ApiKey } from "../../../../broker/wire/kafka/apis.ts";
import { decodeRequestHead } from "../../../../broker/wire/kafka/headers.ts";
import type { Message } from "../../../../broker/wire/schema.ts";
import {
  encoded,
  leaves,
  missing,
  modules,
  presentLeaves,
  versionsOf,
} from "./peer.ts";
import { sampleOf } from "./sample.ts";

const require = createRequire(import.meta.url);
const requests = new URL("kafkajs/src/protocol/requests/", modules);

function fileOf(name: string, version: number, direction: string): URL {
  const folder = name.charAt(0).toLowerCase() + name.slice(1);
  return new URL(`${folder}/v${version}/${direction}.js`, requests);
}

/** An int64 is text in kafkajs. */
function numbersIn(values: readonly unknown[]): unknown[] {
  return values.map((value) =>
    typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value,
  );
}

/** Its decoder is made for one request. */
const LEFT_OUT = "DeleteRecords";

const pairs = Object.values(apis).flatMap((api) =>
  versionsOf(api)
    .filter(
      (version) =>
        api.name !== LEFT_OUT &&
        existsSync(fileOf(api.name, version, "response")),
    )
    .map((version) => ({ api, name: api.name, version })),
);

test("kafkajs speaks most of what we test here", () => {
  expect(pairs.length).toBeGreaterThan(55);
});

test.each(pairs)("kafkajs reads our $name response v$version", async (pair) => {
  const { api, name, version } = pair;
  const { decode } = require(fileOf(name, version, "response").pathname) as {
    decode(body: Buffer): Promise<unknown>;
  };
  const sample = sampleOf(api.response, version, {
    isWithoutErrors: true,
    isWithoutRecords: true,
  });
  const theirs = await decode(encoded(api.response, version, sample));
  const wanted = presentLeaves(api.response, version, sample);
  // It names some fields in another order, but each value is there once.
  expect(
    missing(wanted.toSorted(), numbersIn(leaves(theirs)).toSorted()),
  ).toEqual([]);
});

/** A request as kafkajs sends it, and the body that we must find in it. */
const sent: readonly {
  readonly key: ApiKey;
  readonly version: number;
  readonly args: unknown;
  readonly body: object;
}[] = [
  {
    key: 0,
    version: 7,
    args: {
      acks: -1,
      timeout: 30,
      topicData: [
        {
          topic: "t",
          partitions: [{ partition: 2, messages: [{ value: "x" }] }],
        },
      ],
    },
    body: {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30,
      topicData: [{ name: "t", partitionData: [{ index: 2 }] }],
    },
  },
  {
    key: 1,
    version: 11,
    args: {
      replicaId: -1,
      maxWaitTime: 5,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 1,
      topics: [
        {
          topic: "t",
          partitions: [{ partition: 1, fetchOffset: 258, maxBytes: 99 }],
        },
      ],
      rackId: "r",
    },
    body: {
      replicaId: -1,
      maxWaitMs: 5,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 1,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: "t",
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: -1,
              fetchOffset: 258,
              logStartOffset: -1,
              partitionMaxBytes: 99,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
      rackId: "r",
    },
  },
  {
    key: 3,
    version: 5,
    args: { topics: ["t", "u"], allowAutoTopicCreation: false },
    body: {
      topics: [{ name: "t" }, { name: "u" }],
      allowAutoTopicCreation: false,
    },
  },
  {
    key: 8,
    version: 5,
    args: {
      groupId: "g",
      groupGenerationId: 3,
      memberId: "m",
      topics: [{ topic: "t", partitions: [{ partition: 0, offset: "77" }] }],
    },
    body: {
      groupId: "g",
      generationIdOrMemberEpoch: 3,
      memberId: "m",
      retentionTimeMs: -1,
      topics: [
        {
          name: "t",
          partitions: [
            { partitionIndex: 0, committedOffset: 77, committedMetadata: null },
          ],
        },
      ],
    },
  },
  {
    key: 11,
    version: 5,
    args: {
      groupId: "g",
      sessionTimeout: 30,
      rebalanceTimeout: 60,
      memberId: "",
      groupInstanceId: "i",
      protocolType: "consumer",
      groupProtocols: [{ name: "range", metadata: Buffer.from([1, 2]) }],
    },
    body: {
      groupId: "g",
      sessionTimeoutMs: 30,
      rebalanceTimeoutMs: 60,
      memberId: "",
      groupInstanceId: "i",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: new Uint8Array([1, 2]) }],
      reason: null,
    },
  },
  {
    key: 19,
    version: 3,
    args: {
      topics: [
        {
          topic: "t",
          numPartitions: 4,
          replicationFactor: 1,
          configEntries: [{ name: "retention.ms", value: "5" }],
        },
      ],
      timeout: 9,
      validateOnly: true,
    },
    body: {
      topics: [
        {
          name: "t",
          numPartitions: 4,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: "retention.ms", value: "5" }],
        },
      ],
      timeoutMs: 9,
      validateOnly: true,
    },
  },
];

test.each(sent.map((one) => ({ ...one, name: apis[one.key].name })))(
  "a frame with kafkajs's $name request v$version is read and written alike",
  async ({ key, name, version, args, body }) => {
    const request = require(fileOf(name, version, "request").pathname) as (
      args: unknown,
    ) => object;
    const toFrame = require(new URL("../request.js", requests).pathname) as (
      parts: object,
    ) => Promise<{ readonly buffer: Buffer }>;
    const parts = { correlationId: 6, clientId: "js", request: request(args) };
    const { buffer } = await toFrame(parts);

    expect(buffer.readInt32BE(0)).toBe(buffer.length - 4);
    const head = decodeRequestHead(buffer.subarray(4));
    expect(head).toMatchObject({
      error: null,
      version,
      correlationId: 6,
      clientId: "js",
    });
    if (head.error !== null) return;
    expect(head.api.key).toBe(key);
    const message: Message = head.api.request;
    const bodyStart = head.reader.position;
    const decoded = compile(message, version).decode(head.reader);
    expect(decoded).toMatchObject(body);
    expect(head.reader.remaining).toBe(0);
    expect(encoded(message, version, decoded)).toEqual(
      buffer.subarray(4 + bodyStart),
    );
  },
);
