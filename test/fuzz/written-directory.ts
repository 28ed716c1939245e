/**
 * A data directory with something of everything, and what was written to it:
 * topics with several segments, batches of every codec and of idempotent
 * producers, deleted records, groups with offsets.
 */
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import { BatchBuilder } from "../../broker/record/batch-builder.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import { createTopicBody, produce } from "../broker/server/kafka/support.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { type Image, imageOf } from "./directory-image.ts";
import { FuzzHost } from "./fuzz-host.ts";

export interface WrittenPartition {
  readonly topic: string;
  readonly partition: number;
  /** By offset; what was deleted is there, too. */
  readonly values: readonly string[];
  readonly startOffset: number;
}

export interface WrittenDirectory {
  readonly image: Image;
  readonly partitions: readonly WrittenPartition[];
}

const codecs = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const BATCHES = 24;
const topics: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // Every batch is in the index, and segments are short in time.
  orders: { "index.interval.bytes": "0", "segment.ms": "5000" },
  latest: { "cleanup.policy": "compact", "segment.ms": "20000" },
  cut: { "index.interval.bytes": "100", "segment.ms": "5000" },
};
const CUT_OFFSET = 21;

/** `isClean`: as a stop leaves it; otherwise as a process that was killed does. */
export async function writeDirectory(how: {
  readonly isClean: boolean;
}): Promise<WrittenDirectory> {
  const disk = new MemoryDisk();
  const host = await FuzzHost.openOn(disk);
  const connection = new KafkaConnection(host.connect().connection);
  for (const [name, configs] of Object.entries(topics)) {
    await connection.request(19, 7, createTopicBody(name, 2, configs));
  }
  const partitions = await writeRecords(host, connection);
  await connection.request(21, 2, {
    topics: [
      {
        name: "cut",
        partitions: [{ partitionIndex: 0, offset: CUT_OFFSET }],
      },
    ],
    timeoutMs: 1_000,
  });
  await commit(connection);
  if (how.isClean) await host.broker.close();
  const image = await imageOf(disk);
  if (!how.isClean) await host.broker.close();
  return { image, partitions };
}

async function writeRecords(
  host: FuzzHost,
  connection: KafkaConnection,
): Promise<WrittenPartition[]> {
  const written: WrittenPartition[] = [];
  for (const topic of Object.keys(topics)) {
    for (const partition of [0, 1]) {
      const values: string[] = [];
      for (let batch = 0; batch < BATCHES; batch += 1) {
        const own = [0, 1, 2].map(
          (record) => `${topic}-${partition} batch ${batch} record ${record}`,
        );
        const answer = await produce(
          connection,
          topic,
          batchFor(own, batch, values.length, host.clock.now()),
          { partition },
        );
        if (answer.errorCode !== 0)
          throw new Error(`error ${answer.errorCode}`);
        values.push(...own);
        await host.clock.advanceAndSettle(1_000);
      }
      const isCut = topic === "cut" && partition === 0;
      const startOffset = isCut ? CUT_OFFSET : 0;
      written.push({ topic, partition, values, startOffset });
    }
  }
  return written;
}

/** In one codec after the other; every second batch from an idempotent producer. */
function batchFor(
  values: readonly string[],
  index: number,
  sequence: number,
  timestampMs: number,
): Uint8Array {
  const builder = new BatchBuilder();
  for (const value of values) {
    builder.append({
      key: Buffer.from(value),
      value: Buffer.from(value),
      headers: [],
      timestampMs,
    });
  }
  const producer = { id: 7, epoch: 0, baseSequence: sequence };
  const batch = builder.buildCompressed(
    codecs[index % codecs.length] ?? "none",
    {
      producer: index < BATCHES / 2 ? producer : null,
    },
  );
  if (batch instanceof RecordError) throw batch;
  return Uint8Array.from(batch);
}

/** Some offsets of a group without members, and a group with one. */
async function commit(connection: KafkaConnection): Promise<void> {
  for (let offset = 1; offset <= 5; offset += 1) {
    await connection.request(8, 8, {
      groupId: "readers",
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      topics: [
        {
          name: "orders",
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: offset,
              committedMetadata: "m",
            },
          ],
        },
      ],
    });
  }
  const join = {
    groupId: "members",
    memberId: "",
    groupInstanceId: null,
    sessionTimeoutMs: 30_000,
    rebalanceTimeoutMs: 1_000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Uint8Array.of(1, 2) }],
    reason: null,
  };
  const { memberId, generationId } = await connection.request(11, 3, join);
  await connection.request(14, 3, {
    groupId: "members",
    memberId,
    generationId,
    groupInstanceId: null,
    protocolType: null,
    protocolName: null,
    assignments: [{ memberId, assignment: Uint8Array.of(3) }],
  });
}
