/** @platformatic/kafka: the client that speaks flexible versions only, and names topics by id. */
import { once } from "node:events";
import {
  Admin,
  Consumer,
  type Message,
  MessagesStreamModes,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type Host, type Member, openHost, shareAGroup } from "./support.ts";

const TOPIC_RESOURCE = 2;
const INCREMENTAL_SET = 0;

type TextMessage = Message<string, string, string, string>;

describe("@platformatic/kafka", () => {
  let host: Host;
  let admin: Admin;

  beforeAll(async () => {
    host = await openHost();
    admin = new Admin(client());
  });

  afterAll(async () => {
    await admin.close();
    await host[Symbol.asyncDispose]();
  });

  function client() {
    return {
      clientId: "platformatic",
      bootstrapBrokers: [host.address],
      retries: 2,
      retryDelay: 50,
    };
  }

  function createProducer() {
    return new Producer({ ...client(), serializers: stringSerializers });
  }

  function createConsumer(groupId: string) {
    return new Consumer({
      ...client(),
      groupId,
      deserializers: stringDeserializers,
      maxWaitTime: 50,
      heartbeatInterval: 100,
      sessionTimeout: 6_000,
      rebalanceTimeout: 6_000,
      autocommit: 50,
    });
  }

  /** The first so many messages that a new group reads. */
  async function consume(
    topic: string,
    count: number,
    startAt?: bigint,
  ): Promise<TextMessage[]> {
    const consumer = createConsumer(`${topic}-${startAt ?? "all"}`);
    const stream = await consumer.consume({
      topics: [topic],
      ...(startAt === undefined
        ? { mode: MessagesStreamModes.EARLIEST }
        : {
            mode: MessagesStreamModes.MANUAL,
            offsets: [{ topic, partition: 0, offset: startAt }],
          }),
    });
    const messages: TextMessage[] = [];
    for await (const message of stream) {
      messages.push(message);
      if (messages.length === count) break;
    }
    await consumer.close(true);
    return messages;
  }

  async function join(group: string, topic: string): Promise<Member> {
    const consumer = createConsumer(group);
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: "earliest",
    });
    const received: string[] = [];
    stream.on("data", ({ value }) => received.push(value));
    stream.on("error", () => {});
    return {
      received,
      // A fetch that is under way when the assignment changes may bring records
      // which the first one after it brings again: it starts from what was
      // committed. The third is past both.
      async settled() {
        for (let fetch = 0; fetch < 3; fetch += 1) await once(stream, "fetch");
      },
      stop: () => consumer.close(true),
    };
  }

  test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
    "produces and consumes with %s: keys, headers, timestamps",
    async (codec) => {
      const topic = `platformatic-${codec}`;
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
      const producer = createProducer();
      const filler = "x".repeat(1_000);
      const { offsets } = await producer.send({
        acks: -1,
        compression: codec,
        messages: [
          {
            topic,
            key: "k",
            value: `first ${filler}`,
            headers: { from: "platformatic" },
            timestamp: 1_700_000_000_000n,
          },
          { topic, value: `last ${filler}` },
        ],
      });
      expect(offsets).toEqual([{ topic, partition: 0, offset: 0n }]);
      await producer.close();

      const messages = await consume(topic, 2);
      expect(messages).toMatchObject([
        {
          key: "k",
          value: `first ${filler}`,
          offset: 0n,
          timestamp: 1_700_000_000_000n,
        },
        { value: `last ${filler}`, offset: 1n },
      ]);
      expect([...(messages[0]?.headers ?? [])]).toEqual([
        ["from", "platformatic"],
      ]);
    },
  );

  test("an idempotent producer's batches come once and in order", async () => {
    const topic = "platformatic-idempotent";
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = new Producer({
      ...client(),
      serializers: stringSerializers,
      idempotent: true,
    });
    for (let round = 0; round < 5; round += 1) {
      await producer.send({ messages: [{ topic, value: `${round}` }] });
    }
    await producer.close();
    const messages = await consume(topic, 5);
    expect(messages.map(({ value }) => value)).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
    ]);
  });

  test("starts at an offset, and finds offsets by time", async () => {
    const topic = "platformatic-seek";
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = createProducer();
    const messages = [0, 1, 2, 3].map((n) => ({
      topic,
      value: `${n}`,
      timestamp: 1_700_000_000_000n + BigInt(n * 1_000),
    }));
    await producer.send({ acks: 1, messages });
    await producer.close();

    const read = await consume(topic, 2, 2n);
    expect(read.map(({ value }) => value)).toEqual(["2", "3"]);
    const offsetAt = async (timestamp: bigint) => {
      const [listed] = await admin.listOffsets({
        topics: [
          { name: topic, partitions: [{ partitionIndex: 0, timestamp }] },
        ],
      });
      return listed?.partitions[0]?.offset;
    };
    expect(await offsetAt(-2n)).toBe(0n);
    expect(await offsetAt(-1n)).toBe(4n);
    expect(await offsetAt(-3n)).toBe(3n);
    expect(await offsetAt(1_700_000_001_500n)).toBe(2n);
    expect(await offsetAt(1_800_000_000_000n)).toBe(-1n);
  });

  test("administers topics and their configuration", async () => {
    const topic = "platformatic-admin";
    const created = await admin.createTopics({
      topics: [topic],
      partitions: 2,
      replicas: 1,
      configs: [{ name: "retention.ms", value: "60000" }],
    });
    expect(created).toMatchObject([
      { name: topic, partitions: 2, replicas: 1 },
    ]);
    await expect(admin.createTopics({ topics: [topic] })).rejects.toThrow();
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({
      topics: [{ name: topic, count: 3, assignments: null }],
      validateOnly: false,
    });
    const metadata = await admin.metadata({ topics: [topic] });
    expect(metadata.topics.get(topic)?.partitionsCount).toBe(3);
    expect(metadata.id).toBe(host.broker.clusterId);

    expect(await retentionMs(topic)).toBe("60000");
    await admin.incrementalAlterConfigs({
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: topic,
          configs: [
            {
              name: "retention.ms",
              configOperation: INCREMENTAL_SET,
              value: "70000",
            },
          ],
        },
      ],
    });
    expect(await retentionMs(topic)).toBe("70000");
    await admin.alterConfigs({
      resources: [
        { resourceType: TOPIC_RESOURCE, resourceName: topic, configs: [] },
      ],
    });
    expect(await retentionMs(topic)).toBe("604800000");
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  test("deletes records", async () => {
    const topic = "platformatic-delete-records";
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = createProducer();
    const messages = [
      { topic, value: "a" },
      { topic, value: "b" },
    ];
    await producer.send({ acks: 1, messages });
    await producer.close();
    const deleted = await admin.deleteRecords({
      topics: [{ name: topic, partitions: [{ partition: 0, offset: 1n }] }],
    });
    expect(deleted).toEqual([
      { name: topic, partitions: [{ partition: 0, lowWatermark: 1n }] },
    ]);
  });

  test("administers groups and their offsets", async () => {
    const topic = "platformatic-groups";
    const groupId = "platformatic-administered";
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const member = await join(groupId, topic);
    await vi.waitFor(async () => {
      const described = await admin.describeGroups({ groups: [groupId] });
      const group = described.get(groupId);
      expect(group?.state).toBe("Stable");
      expect([...(group?.members.values() ?? [])]).toMatchObject([
        { clientId: "platformatic", clientHost: "127.0.0.1" },
      ]);
    });
    await expect(admin.deleteGroups({ groups: [groupId] })).rejects.toThrow();
    await member.stop();

    await admin.alterConsumerGroupOffsets({
      groupId,
      topics: [
        { name: topic, partitionOffsets: [{ partition: 0, offset: 7n }] },
      ],
    });
    const offsets = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    expect(offsets).toMatchObject([
      {
        groupId,
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: 0, committedOffset: 7n }],
          },
        ],
      },
    ]);
    await admin.deleteConsumerGroupOffsets({
      groupId,
      topics: [{ name: topic, partitionIndexes: [0] }],
    });
    const [left] = await admin.listConsumerGroupOffsets({ groups: [groupId] });
    expect(left?.topics ?? []).toEqual([]);

    expect((await admin.listGroups()).has(groupId)).toBe(true);
    await admin.deleteGroups({ groups: [groupId] });
    expect((await admin.listGroups()).has(groupId)).toBe(false);
  });

  test("shares a group between members", { timeout: 60_000 }, async () => {
    await shareAGroup(host, "platformatic", join);
  });

  async function retentionMs(topic: string) {
    const [described] = await admin.describeConfigs({
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: topic,
          configurationKeys: ["retention.ms"],
        },
      ],
    });
    return described?.configs[0]?.value;
  }
});
