/**
 * The compiled codec against the tightest encoder that a person would write,
 * on an answer to Metadata of about 25 kB (version 12).
 *
 * Both must write the same bytes, or the bench throws. The times are the best
 * of several rounds, as the machine's noise only ever adds.
 *
 * `node bench/micro/codec.ts [topicCount] [partitionCount]`
 */
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { compile } from "../../broker/wire/compile.ts";
import {
  metadataResponse,
  type MetadataResponse,
} from "../../broker/wire/kafka/messages/03-metadata.ts";
import { Reader } from "../../broker/wire/reader.ts";
import { Writer } from "../../broker/wire/writer.ts";

export interface CodecParameters {
  readonly topicCount: number;
  readonly partitionCount: number;
  readonly callsPerRound: number;
  readonly roundCount: number;
}

export interface CodecFigures {
  readonly answerSizeBytes: number;
  readonly handWrittenEncodeUs: number;
  readonly encodeUs: number;
  readonly decodeUs: number;
  /** Compiled by hand-written: 1.0 is level. */
  readonly encodeRatio: number;
}

const VERSION = 12;

export function benchCodec(parameters: CodecParameters): CodecFigures {
  const answer = metadataOf(parameters);
  const codec = compile(metadataResponse, VERSION);
  const encode = (): Writer => {
    const writer = new Writer();
    codec.encode(writer, answer);
    return writer;
  };
  const bytes = encode().finishBytes();
  const encodeInOne = (): Uint8Array => encodeByHand(answer, bytes.length);
  if (Buffer.compare(bytes, encodeInOne()) !== 0) {
    throw new Error("the two encoders write different bytes");
  }
  const handWrittenEncodeUs = bestUs(parameters, encodeInOne);
  const encodeUs = bestUs(parameters, () => encode().finish());
  const decodeUs = bestUs(parameters, () => codec.decode(new Reader(bytes)));
  return {
    answerSizeBytes: bytes.length,
    handWrittenEncodeUs,
    encodeUs,
    decodeUs,
    encodeRatio: encodeUs / handWrittenEncodeUs,
  };
}

function bestUs(parameters: CodecParameters, call: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < parameters.roundCount; round++) {
    const start = performance.now();
    for (let count = 0; count < parameters.callsPerRound; count++) call();
    const elapsedMs = performance.now() - start;
    best = Math.min(best, (elapsedMs * 1000) / parameters.callsPerRound);
  }
  return best;
}

function metadataOf(parameters: CodecParameters): MetadataResponse {
  return {
    throttleTimeMs: 0,
    brokers: [
      { nodeId: 1, host: "broker-one.example", port: 9092, rack: null },
    ],
    clusterId: "abcdefghijklmnopqrstuv",
    controllerId: 1,
    topics: Array.from({ length: parameters.topicCount }, (_topic, topic) => ({
      errorCode: 0,
      name: `topic-number-${topic}`,
      topicId: Buffer.alloc(16, topic).toString("base64url"),
      isInternal: false,
      partitions: Array.from(
        { length: parameters.partitionCount },
        (_partition, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          leaderEpoch: 3,
          replicaNodes: [1, 2],
          isrNodes: [1, 2],
          offlineReplicas: [],
        }),
      ),
      topicAuthorizedOperations: -0x80000000,
    })),
    clusterAuthorizedOperations: -0x80000000,
  };
}

/** One buffer of just the right size, ASCII taken for granted, nothing checked. */
function encodeByHand(answer: MetadataResponse, sizeBytes: number): Uint8Array {
  const b = Buffer.allocUnsafe(sizeBytes);
  let p = 0;
  const varint = (value: number): void => {
    while (value > 127) {
      b[p++] = value | 128;
      value >>>= 7;
    }
    b[p++] = value;
  };
  const int32 = (value: number): void => {
    b[p] = value >> 24;
    b[p + 1] = value >> 16;
    b[p + 2] = value >> 8;
    b[p + 3] = value;
    p += 4;
  };
  const int16 = (value: number): void => {
    b[p] = value >> 8;
    b[p + 1] = value;
    p += 2;
  };
  const text = (value: string | null): void => {
    varint(value === null ? 0 : value.length + 1);
    if (value !== null) p += b.write(value, p, "latin1");
  };
  const int32s = (values: readonly number[]): void => {
    varint(values.length + 1);
    for (const value of values) int32(value);
  };
  int32(answer.throttleTimeMs);
  varint(answer.brokers.length + 1);
  for (const { nodeId, host, port, rack } of answer.brokers) {
    int32(nodeId);
    text(host);
    int32(port);
    text(rack);
    b[p++] = 0;
  }
  text(answer.clusterId);
  int32(answer.controllerId);
  varint(answer.topics.length + 1);
  for (const topic of answer.topics) {
    int16(topic.errorCode);
    text(topic.name);
    p += b.write(topic.topicId, p, "base64url");
    b[p++] = topic.isInternal ? 1 : 0;
    varint(topic.partitions.length + 1);
    for (const partition of topic.partitions) {
      int16(partition.errorCode);
      int32(partition.partitionIndex);
      int32(partition.leaderId);
      int32(partition.leaderEpoch);
      int32s(partition.replicaNodes);
      int32s(partition.isrNodes);
      int32s(partition.offlineReplicas);
      b[p++] = 0;
    }
    int32(topic.topicAuthorizedOperations);
    b[p++] = 0;
  }
  b[p++] = 0;
  return b.subarray(0, p);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const figures = benchCodec({
    topicCount: Number(process.argv[2] ?? 40),
    partitionCount: Number(process.argv[3] ?? 17),
    callsPerRound: 500,
    roundCount: 10,
  });
  console.log(figures);
}
