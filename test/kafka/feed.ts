/**
 * The same data into any broker that speaks Kafka's protocol, and all of it out
 * again: what one of them wrote, the other must give word for word.
 *
 *   codecs      one partition a codec, several segments each; idempotent producers
 *   orders      three partitions, keys, headers, nothings; timestamps that go back
 *   compacted   a configuration of its own
 */
import { Kafka, logLevel } from "kafkajs";
import {
  BatchBuilder,
  type BatchProducer,
} from "../../broker/record/batch-builder.ts";
import {
  Compression,
  type CompressionName,
} from "../../broker/record/batch-format.ts";
import type { NewRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { endOffset, recordsOf, untilReady } from "../support/read-records.ts";
import { SeededRandom } from "../support/seeded-random.ts";

export const codecs = Object.keys(Compression) as readonly CompressionName[];

/** Kafka's least. */
const segmentSizeBytes = 1024 * 1024;
const codecBatchCount = 30;
const codecBatchRecordCount = 100;
/** Compresses to about half: more than one segment in every codec. */
const codecValueSizeBytes = 1_000;
const firstTimestampMs = Date.now() - 60_000;

export const topicConfigs: Readonly<
  Record<string, Readonly<Record<string, string>>>
> = {
  codecs: { "segment.bytes": String(segmentSizeBytes), "retention.ms": "-1" },
  orders: { "retention.ms": "-1", "max.message.bytes": "500000" },
  compacted: {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "1.0",
  },
};

export const partitionCounts: Readonly<Record<string, number>> = {
  codecs: codecs.length,
  orders: 3,
  compacted: 1,
};

/** Creates the topics and writes the first part of the data. */
export async function feed(port: number): Promise<void> {
  await createTopics(port);
  const connection = await KafkaConnection.overTcp(port);
  try {
    await feedCodecs(connection);
  } finally {
    connection.close();
  }
  await feedMore(port);
}

/** The topics, without records. */
export async function createTopics(port: number): Promise<void> {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const { topics } = await connection.request(19, 7, {
      topics: Object.entries(topicConfigs).map(([name, configs]) => ({
        name,
        numPartitions: partitionCounts[name] ?? 1,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({
          name: key,
          value,
        })),
      })),
      timeoutMs: 10_000,
      validateOnly: false,
    });
    for (const { errorCode, name } of topics) {
      if (errorCode !== 0) throw new Error(`create ${name}: ${errorCode}`);
    }
  } finally {
    connection.close();
  }
}

/** Writes more to `orders` and `compacted`, with a producer of its own. */
export async function feedMore(port: number): Promise<void> {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const id = await producerId(connection);
    for (let number = 0; number < 20; number++) {
      for (const partition of [0, 1, 2]) {
        const batch = orderBatch(number);
        const producer = { id, epoch: 0, baseSequence: number * 3 };
        await produce(connection, "orders", partition, built(batch, producer));
      }
      const value = Buffer.from(`value ${number}`);
      const key = Buffer.from(`key ${number % 7}`);
      const timestampMs = firstTimestampMs + number;
      await produce(
        connection,
        "compacted",
        0,
        built([{ key, value, headers: [], timestampMs }]),
      );
    }
  } finally {
    connection.close();
  }
}

/** A group that read `orders` to its end and committed that, and one that merely committed. */
export async function commitOffsets(port: number): Promise<void> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
  });
  const consumer = client.consumer({ groupId: "readers" });
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  const connection = await KafkaConnection.overTcp(port);
  try {
    const ends = await Promise.all(
      [0, 1, 2].map((partition) => endOffset(connection, "orders", partition)),
    );
    const wanted = ends.reduce((sum, end) => sum + end, 0);
    let seen = 0;
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async () => {
          if (++seen === wanted) resolve();
        },
      });
    });
    await consumer.stop();
    await consumer.disconnect();

    await untilReady(
      () =>
        connection.request(8, 8, {
          groupId: "notes",
          generationIdOrMemberEpoch: -1,
          memberId: "",
          groupInstanceId: null,
          topics: [
            {
              name: "orders",
              partitions: [
                {
                  partitionIndex: 1,
                  committedOffset: 17,
                  committedLeaderEpoch: 0,
                  committedMetadata: "half way",
                },
              ],
            },
          ],
        }),
      ({ topics }) => topics[0]?.partitions[0]?.errorCode,
    );
  } finally {
    connection.close();
  }
}

/** Every record of every partition: `offset timestamp key value headers`. */
export async function contentOf(
  port: number,
  counts: Readonly<Record<string, number>> = partitionCounts,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const content: Record<string, readonly string[]> = {};
    for (const [topic, count] of Object.entries(counts)) {
      for (let partition = 0; partition < count; partition++) {
        content[`${topic}-${partition}`] = await recordsOf(
          connection,
          topic,
          partition,
        );
      }
    }
    return content;
  } finally {
    connection.close();
  }
}

/** Topics with ids, partition counts and configuration; groups with their offsets. */
export async function stateOf(port: number) {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const metadata = await connection.request(3, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    const topics = metadata.topics
      .map(({ name, topicId, isInternal, partitions }) => ({
        name,
        topicId,
        isInternal,
        partitions: partitions
          .map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId])
          .sort(([a = 0], [b = 0]) => a - b),
      }))
      .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
    const { results } = await connection.request(32, 4, {
      resources: topics.map(({ name }) => ({
        resourceType: 2,
        resourceName: name ?? "",
        configurationKeys: null,
      })),
      includeSynonyms: false,
      includeDocumentation: false,
    });
    const configs = results.map(({ resourceName, configs: entries }) => [
      resourceName,
      entries
        .filter(({ configSource }) => configSource === 1)
        .map(({ name, value }) => `${name}=${value}`)
        .sort(),
    ]);
    const { clusterId, controllerId } = metadata;
    return { clusterId, controllerId, topics, configs };
  } finally {
    connection.close();
  }
}

/** What groups committed, in the order of their names; the groups as ListGroups has them. */
export async function groupsOf(port: number) {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const fetched = await untilReady(
      () =>
        connection.request(9, 8, {
          groups: ["notes", "readers"].map((groupId) => ({
            groupId,
            topics: null,
          })),
          requireStable: false,
          groupId: "",
          topics: null,
        }),
      ({ groups }) => groups.find(({ errorCode }) => errorCode)?.errorCode,
    );
    const listed = await connection.request(16, 4, { statesFilter: [] });
    return {
      listed: listed.groups
        .map(({ groupId, protocolType, groupState }) => [
          groupId,
          protocolType,
          groupState,
        ])
        .sort(),
      offsets: fetched.groups.map(({ groupId, topics }) => [
        groupId,
        topics.flatMap(({ name, partitions }) =>
          partitions
            .map(
              ({ partitionIndex, committedOffset, metadata }) =>
                `${name}-${partitionIndex} ${committedOffset} ${metadata}`,
            )
            .sort(),
        ),
      ]),
    };
  } finally {
    connection.close();
  }
}

async function feedCodecs(connection: KafkaConnection): Promise<void> {
  const random = new SeededRandom(5);
  for (const [partition, codec] of codecs.entries()) {
    const id = await producerId(connection);
    for (let number = 0; number < codecBatchCount; number++) {
      const records = Array.from({ length: codecBatchRecordCount }, (_, n) => ({
        key: Buffer.from(`${codec} ${number} ${n}`),
        value: Buffer.from(
          Buffer.from(random.bytes(codecValueSizeBytes / 2)).toString("hex"),
        ),
        headers: [],
        timestampMs: firstTimestampMs + number * 1_000 + n,
      }));
      const baseSequence = number * codecBatchRecordCount;
      const producer = { id, epoch: 0, baseSequence };
      const batch = built(records, producer, codec);
      await produce(connection, "codecs", partition, batch);
    }
  }
}

function orderBatch(number: number): NewRecord[] {
  // Every fifth batch is older than the one before it.
  const late = number % 5 === 4 ? 10_000 : 0;
  const timestampMs = firstTimestampMs + number * 1_000 - late;
  return [
    { key: Buffer.from(`order ${number}`), value: Buffer.from("new") },
    { key: null, value: Buffer.from("x".repeat(1_000)) },
    { key: Buffer.from(`order ${number}`), value: null },
  ].map((record, at) => ({
    ...record,
    headers: at === 0 ? [{ key: "from", value: Buffer.from("feed") }] : [],
    timestampMs: timestampMs + at,
  }));
}

export function built(
  records: readonly NewRecord[],
  producer: BatchProducer | null = null,
  codec: CompressionName = "none",
): Uint8Array {
  const builder = new BatchBuilder();
  for (const record of records) builder.append(record);
  const batch = builder.buildCompressed(codec, { producer });
  if (batch instanceof RecordError) throw batch;
  return new Uint8Array(batch);
}

export async function producerId(connection: KafkaConnection): Promise<number> {
  const answer = await untilReady(
    () =>
      connection.request(22, 4, {
        transactionalId: null,
        transactionTimeoutMs: 0,
        producerId: -1,
        producerEpoch: -1,
      }),
    ({ errorCode }) => errorCode,
  );
  return answer.producerId;
}

export async function produce(
  connection: KafkaConnection,
  topic: string,
  partition: number,
  records: Uint8Array,
): Promise<void> {
  await untilReady(
    () =>
      connection.request(0, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [
          { name: topic, partitionData: [{ index: partition, records }] },
        ],
      }),
    ({ responses }) => responses[0]?.partitionResponses[0]?.errorCode,
  );
}
