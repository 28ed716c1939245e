/** kafkajs: the client that speaks no flexible version, and sends what others do not. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type Admin,
  CompressionTypes,
  ConfigResourceTypes,
  type IHeaders,
  Kafka,
  type KafkaMessage,
  logLevel,
} from "kafkajs";
import { registerCodecs } from "./codecs.ts";
import { type Host, type Member, openHost, shareAGroup } from "./support.ts";

const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

describe("kafkajs", () => {
  let host: Host;
  let kafka: Kafka;
  let admin: Admin;

  beforeAll(async () => {
    registerCodecs();
    host = await openHost();
    kafka = new Kafka({
      clientId: "kafkajs",
      brokers: [host.address],
      logLevel: logLevel.NOTHING,
      retry: { retries: 3, initialRetryTime: 50 },
    });
    admin = kafka.admin();
    await admin.connect();
  });

  afterAll(async () => {
    await admin.disconnect();
    await host[Symbol.asyncDispose]();
  });

  /** What a new group reads of a topic, until so many messages have come. */
  async function consume(
    topic: string,
    count: number,
    seekTo?: string,
  ): Promise<KafkaMessage[]> {
    const consumer = kafka.consumer({
      groupId: `${topic}-${seekTo ?? "all"}`,
      maxWaitTimeInMs: 50,
      heartbeatInterval: 100,
      sessionTimeout: 6_000,
    });
    const messages: KafkaMessage[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        messages.push(message);
      },
    });
    if (seekTo !== undefined) {
      consumer.seek({ topic, partition: 0, offset: seekTo });
    }
    try {
      await vi.waitFor(
        () => expect(messages.length).toBeGreaterThanOrEqual(count),
        { timeout: 10_000, interval: 10 },
      );
    } finally {
      await consumer.disconnect();
    }
    return messages;
  }

  async function join(group: string, topic: string): Promise<Member> {
    const consumer = kafka.consumer({
      groupId: group,
      maxWaitTimeInMs: 50,
      heartbeatInterval: 100,
      sessionTimeout: 6_000,
    });
    const received: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommitInterval: 50,
      eachMessage: async ({ message }) => {
        received.push(String(message.value));
      },
    });
    return { received, stop: () => consumer.disconnect() };
  }

  test.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
    "produces and consumes with %s: keys, headers, timestamps, nulls",
    async (codec) => {
      const topic = `kafkajs-${codec}`;
      await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
      const producer = kafka.producer();
      await producer.connect();
      const filler = "x".repeat(1_000);
      const sent = await producer.send({
        topic,
        compression: codecs[codec],
        acks: -1,
        messages: [
          {
            key: "k",
            value: `first ${filler}`,
            headers: { from: "kafkajs", more: ["a", "b"] },
            timestamp: "1700000000000",
          },
          { key: null, value: null },
          { value: `last ${filler}` },
        ],
      });
      expect(sent).toMatchObject([{ errorCode: 0, baseOffset: "0" }]);
      await producer.disconnect();

      const messages = await consume(topic, 3);
      expect(messages.map(({ value }) => value?.toString() ?? null)).toEqual([
        `first ${filler}`,
        null,
        `last ${filler}`,
      ]);
      expect(messages[0]).toMatchObject({
        offset: "0",
        key: Buffer.from("k"),
        timestamp: "1700000000000",
      });
      expect(headersOf(messages[0])).toEqual({
        from: "kafkajs",
        more: ["a", "b"],
      });
    },
  );

  test("an idempotent producer's batches come once and in order", async () => {
    const topic = "kafkajs-idempotent";
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (let round = 0; round < 5; round += 1) {
      const messages = [{ value: `${round}-a` }, { value: `${round}-b` }];
      await producer.send({ topic, acks: -1, messages });
    }
    await producer.disconnect();
    const consumed = await consume(topic, 10);
    expect(consumed.map(({ value }) => value?.toString())).toEqual(
      [0, 1, 2, 3, 4].flatMap((round) => [`${round}-a`, `${round}-b`]),
    );
  });

  test("acks 0 is not answered, and what follows is", async () => {
    const topic = "kafkajs-unacked";
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, acks: 0, messages: [{ value: "a" }] });
    await producer.send({ topic, acks: 1, messages: [{ value: "b" }] });
    await producer.disconnect();
    const messages = await consume(topic, 2);
    expect(messages.map(({ value }) => value?.toString())).toEqual(["a", "b"]);
  });

  test("seeks to an offset, and finds offsets by time", async () => {
    const topic = "kafkajs-seek";
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    const messages = [0, 1, 2, 3].map((n) => ({
      value: `${n}`,
      timestamp: `${1_700_000_000_000 + n * 1_000}`,
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();

    const read = await consume(topic, 2, "2");
    expect(read.at(-2)?.value?.toString()).toBe("2");
    expect(await admin.fetchTopicOffsets(topic)).toEqual([
      { partition: 0, offset: "4", low: "0", high: "4" },
    ]);
    expect(
      await admin.fetchTopicOffsetsByTimestamp(topic, 1_700_000_001_500),
    ).toEqual([{ partition: 0, offset: "2" }]);
    expect(
      await admin.fetchTopicOffsetsByTimestamp(topic, 1_800_000_000_000),
    ).toEqual([{ partition: 0, offset: "4" }]);
  });

  test("administers topics", async () => {
    const topic = "kafkajs-admin";
    const created = await admin.createTopics({
      topics: [
        {
          topic,
          numPartitions: 2,
          replicationFactor: 1,
          configEntries: [{ name: "retention.ms", value: "60000" }],
        },
      ],
    });
    expect(created).toBe(true);
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
    expect(await admin.listTopics()).toContain(topic);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]?.partitions.map((one) => one.leader)).toEqual([1, 1, 1]);

    expect(await retentionMs(topic)).toBe("60000");
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [{ name: "retention.ms", value: "70000" }],
        },
      ],
    });
    expect(await retentionMs(topic)).toBe("70000");

    const { brokers, controller, clusterId } = await admin.describeCluster();
    expect(brokers).toMatchObject([{ nodeId: 1, port: host.port }]);
    expect([controller, clusterId]).toEqual([1, host.broker.clusterId]);
    await admin.deleteTopics({ topics: [topic] });
    expect(await admin.listTopics()).not.toContain(topic);
  });

  test("deletes records", async () => {
    const topic = "kafkajs-delete-records";
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: "a" }, { value: "b" }] });
    await producer.disconnect();
    // It only deletes in topics whose leaders it already knows.
    await admin.fetchTopicOffsets(topic);
    const partitions = [{ partition: 0, offset: "1" }];
    await admin.deleteTopicRecords({ topic, partitions });
    const offsets = await admin.fetchTopicOffsets(topic);
    expect(offsets).toMatchObject([{ low: "1", high: "2" }]);
  });

  test("administers groups", async () => {
    const topic = "kafkajs-groups";
    const groupId = "kafkajs-administered";
    await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: "a" }] });
    await producer.disconnect();
    const member = await join(groupId, topic);
    await vi.waitFor(async () => {
      expect(member.received).toEqual(["a"]);
      const { groups } = await admin.describeGroups([groupId]);
      expect(groups).toMatchObject([
        {
          groupId,
          state: "Stable",
          protocolType: "consumer",
          members: [{ clientId: "kafkajs", clientHost: "127.0.0.1" }],
        },
      ]);
    });
    await expect(admin.deleteGroups([groupId])).rejects.toThrow();
    await member.stop();

    expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toEqual([
      {
        topic,
        partitions: [{ partition: 0, offset: "1", metadata: null }],
      },
    ]);
    const { groups } = await admin.listGroups();
    expect(groups).toContainEqual({ groupId, protocolType: "consumer" });
    await admin.deleteGroups([groupId]);
    const after = await admin.listGroups();
    expect(after.groups.map((group) => group.groupId)).not.toContain(groupId);
  });

  test("shares a group between members", { timeout: 60_000 }, async () => {
    await shareAGroup(host, "kafkajs", join);
  });

  async function retentionMs(topic: string): Promise<string | undefined> {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = resources[0]?.configEntries ?? [];
    return entries.find(({ configName }) => configName === "retention.ms")
      ?.configValue;
  }
});

function headersOf(message: KafkaMessage | undefined) {
  const headers: IHeaders = message?.headers ?? {};
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => [
      key,
      Array.isArray(value) ? value.map(String) : String(value),
    ]),
  );
}
