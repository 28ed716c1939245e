/**
 * Produce over TCP with prebuilt frames: records/s, and the broker's CPU time
 * for a million records. One connection, one partition, 16 KB batches.
 *
 * Every frame is the same bytes, so the client costs next to nothing; the
 * broker checks, assigns, writes and answers as for any other.
 */
import { performance } from "node:perf_hooks";
import { batchOf, checkProduced, createTopic, produceFrame } from "./frames.ts";
import {
  type BenchBrokerOptions,
  startBenchBroker,
  withDirectory,
} from "./harness.ts";
import { KafkaSocket } from "./kafka-socket.ts";

export interface ProduceParameters {
  readonly recordSizeBytes: number;
  readonly acks: -1 | 1;
  readonly acksAll: NonNullable<BenchBrokerOptions["acksAll"]>;
  readonly recordsCount: number;
  readonly inFlightMax: number;
}

export interface ProduceFigures {
  readonly recordsCount: number;
  readonly recordsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly rssBytes: number;
}

export function benchProduce(
  parameters: ProduceParameters,
): Promise<ProduceFigures> {
  return withDirectory(async (dir) => {
    const broker = await startBenchBroker({ dir, acksAll: parameters.acksAll });
    try {
      return await run(broker, parameters);
    } finally {
      await broker.stop();
    }
  });
}

async function run(
  broker: Awaited<ReturnType<typeof startBenchBroker>>,
  { recordSizeBytes, acks, recordsCount, inFlightMax }: ProduceParameters,
): Promise<ProduceFigures> {
  const socket = await KafkaSocket.connect(broker.port);
  await createTopic(socket, "bench", 1);
  const batch = batchOf(recordSizeBytes);
  const frame = produceFrame(batch, acks);
  const frameCount = Math.ceil(recordsCount / batch.recordsCount);
  // As many again to warm up: it takes V8 some 30,000 batches to compile all.
  await sendAll(socket, frame, frameCount, inFlightMax);
  const before = await broker.usage();
  const startMs = performance.now();
  await sendAll(socket, frame, frameCount, inFlightMax);
  const seconds = (performance.now() - startMs) / 1_000;
  const after = await broker.usage();
  socket.close();
  const sent = frameCount * batch.recordsCount;
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    recordsCount: sent,
    recordsPerSecond: sent / seconds,
    cpuSecondsPerMillion: (cpuSeconds / sent) * 1e6,
    rssBytes: after.rssBytes,
  };
}

async function sendAll(
  socket: KafkaSocket,
  frame: Uint8Array,
  frameCount: number,
  inFlightMax: number,
): Promise<void> {
  let left = frameCount;
  const sendOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      checkProduced(await socket.request(frame));
    }
  };
  await Promise.all(Array.from({ length: inFlightMax }, sendOn));
}
