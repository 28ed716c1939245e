/** All records of a partition as lines of text, from any broker that speaks Kafka's protocol. */
import { setTimeout as sleep } from "node:timers/promises";
import { wholeBatchSizeBytes } from "../../broker/record/batch.ts";
import { openRecords } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type { KafkaConnection } from "./kafka-connection.ts";

const LATEST = -1;
const EARLIEST = -2;
const notYet = new Set([3, 5, 6, 14, 15, 16]);

/** Asks again while a broker that has just started says that it is not ready. */
export async function untilReady<T>(
  ask: () => Promise<T>,
  errorCodeOf: (answer: T) => number | undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask();
    const errorCode = errorCodeOf(answer) ?? 0;
    if (errorCode === 0) return answer;
    if (!notYet.has(errorCode) || attempt === 200) {
      throw new Error(`error ${errorCode}`);
    }
    await sleep(50);
  }
}

export async function endOffset(
  connection: KafkaConnection,
  topic: string,
  partition: number,
): Promise<number> {
  return offsetAt(connection, topic, partition, LATEST);
}

async function offsetAt(
  connection: KafkaConnection,
  topic: string,
  partition: number,
  timestamp: number,
): Promise<number> {
  const answer = await untilReady(
    () =>
      connection.request(2, 6, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                currentLeaderEpoch: -1,
                timestamp,
              },
            ],
          },
        ],
      }),
    ({ topics }) => topics[0]?.partitions[0]?.errorCode,
  );
  return answer.topics[0]?.partitions[0]?.offset ?? -1;
}

/** `offset timestamp key value headers` each, from the log's start on. */
export async function recordsOf(
  connection: KafkaConnection,
  topic: string,
  partition: number,
): Promise<readonly string[]> {
  const end = await endOffset(connection, topic, partition);
  const found: string[] = [];
  let next = await offsetAt(connection, topic, partition, EARLIEST);
  while (next < end) {
    const { responses } = await connection.request(1, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 10_000_000,
      topics: [
        {
          topic,
          topicId: "AAAAAAAAAAAAAAAAAAAAAA",
          partitions: [
            { partition, fetchOffset: next, partitionMaxBytes: 10_000_000 },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
    const answer = responses[0]?.partitions[0];
    if (answer?.errorCode !== 0) {
      throw new Error(`${topic}-${partition} at ${next}: ${answer?.errorCode}`);
    }
    const before = next;
    for (const record of recordsIn(answer.records ?? new Uint8Array())) {
      if (record.offset < next) continue;
      found.push(record.text);
      next = record.offset + 1;
    }
    if (next === before) throw new Error(`nothing at ${next} of ${end}`);
  }
  return found;
}

function* recordsIn(
  bytes: Uint8Array,
): Generator<{ readonly offset: number; readonly text: string }> {
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) return;
    const reader = openRecords(bytes, at, { sizeBytesMax: 10_000_000 });
    if (reader instanceof RecordError) throw reader;
    for (;;) {
      const record = reader.next();
      if (record === null) break;
      if (record instanceof RecordError) throw record;
      const { offset, timestampMs, key, value, headers } = record;
      const textOf = (part: Uint8Array | null) =>
        part === null ? "null" : Buffer.from(part).toString();
      const header = [...headers].map(
        (one) => `${one.key}=${textOf(one.value)}`,
      );
      const text = [offset, timestampMs, textOf(key), textOf(value), ...header];
      yield { offset, text: text.join(" ") };
    }
    at += sizeBytes;
  }
}
