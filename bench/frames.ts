/** Prebuilt Kafka frames for benches. */
import { BatchBuilder } from "../broker/record/batch-builder.ts";
import { batchSizeBytesOf } from "../broker/record/batch.ts";
import { apis } from "../broker/wire/kafka/apis.ts";
import {
  decodeResponse,
  encodeRequestFrame,
} from "../broker/wire/kafka/headers.ts";
import type { KafkaSocket } from "./kafka-socket.ts";

const PRODUCE_VERSION = 7;
const FETCH_VERSION = 11;
const CREATE_TOPICS_VERSION = 4;
const ALTER_CONFIGS_VERSION = 0;
const header = { correlationId: 1, clientId: "bench" };

export interface PrebuiltBatch {
  readonly bytes: Uint8Array;
  readonly recordsCount: number;
}

/** One batch of records of a size, as full as it gets below `batchSizeBytesMax`. */
export function batchOf(
  recordSizeBytes: number,
  batchSizeBytesMax = 16_384,
): PrebuiltBatch {
  const value = new Uint8Array(recordSizeBytes).fill(97);
  const record = { key: null, value, headers: [], timestampMs: Date.now() };
  const builder = new BatchBuilder();
  do builder.append(record);
  while (builder.sizeBytesWith(record) <= batchSizeBytesMax);
  const recordsCount = builder.recordsCount;
  const bytes = Uint8Array.from(builder.build({}));
  return { bytes: bytes.subarray(0, batchSizeBytesOf(bytes, 0)), recordsCount };
}

export function produceFrame(
  batch: PrebuiltBatch,
  acks: -1 | 1,
  at = { topic: "bench", partition: 0 },
): Uint8Array {
  return bytesOf(
    encodeRequestFrame(apis[0], PRODUCE_VERSION, header, {
      transactionalId: null,
      acks,
      timeoutMs: 30_000,
      topicData: [
        {
          name: at.topic,
          partitionData: [{ index: at.partition, records: batch.bytes }],
        },
      ],
    }),
  );
}

export function fetchFrame(offset: number, sizeBytesMax: number): Uint8Array {
  return bytesOf(
    encodeRequestFrame(apis[1], FETCH_VERSION, header, {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: sizeBytesMax,
      topics: [
        {
          topic: "bench",
          topicId: "AAAAAAAAAAAAAAAAAAAAAA",
          partitions: [
            {
              partition: 0,
              fetchOffset: offset,
              partitionMaxBytes: sizeBytesMax,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
    }),
  );
}

/** The bytes of records in a fetch's answer. */
export function recordsIn(answer: Uint8Array): Uint8Array {
  const { responses } = decodeResponse(apis[1], FETCH_VERSION, answer);
  const partition = responses[0]?.partitions[0];
  if (partition === undefined || partition.errorCode !== 0) {
    throw new Error(`fetch failed with ${partition?.errorCode}`);
  }
  return partition.records ?? new Uint8Array(0);
}

/** Throws unless the answer to a Produce says that all went well. */
export function checkProduced(answer: Uint8Array): void {
  const { responses } = decodeResponse(apis[0], PRODUCE_VERSION, answer);
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`produce failed with ${errorCode}`);
}

export async function createTopic(
  socket: KafkaSocket,
  name: string,
  partitionCount: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const answer = await socket.request(
    bytesOf(
      encodeRequestFrame(apis[19], CREATE_TOPICS_VERSION, header, {
        topics: [
          {
            name,
            numPartitions: partitionCount,
            replicationFactor: 1,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({
              name: key,
              value,
            })),
          },
        ],
        timeoutMs: 10_000,
      }),
    ),
  );
  const [topic] = decodeResponse(
    apis[19],
    CREATE_TOPICS_VERSION,
    answer,
  ).topics;
  if (topic?.errorCode !== 0) {
    throw new Error(`create failed with ${topic?.errorCode}`);
  }
}

/** Sets one configuration of a topic. */
export async function configureTopic(
  socket: KafkaSocket,
  topic: string,
  name: string,
  value: string,
): Promise<void> {
  const answer = await socket.request(
    bytesOf(
      encodeRequestFrame(apis[44], ALTER_CONFIGS_VERSION, header, {
        resources: [
          {
            resourceType: 2,
            resourceName: topic,
            configs: [{ name, configOperation: 0, value }],
          },
        ],
        validateOnly: false,
      }),
    ),
  );
  const { responses } = decodeResponse(apis[44], ALTER_CONFIGS_VERSION, answer);
  const errorCode = responses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`configure failed with ${errorCode}`);
}

export function bytesOf(
  payload: ReturnType<typeof encodeRequestFrame>,
): Uint8Array {
  const parts = payload.parts.filter((part) => part instanceof Uint8Array);
  return Buffer.concat(parts);
}
