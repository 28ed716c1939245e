/**
 * Fetch over TCP: GB/s and the broker's CPU time per GB, for each way of
 * sending. The topic is written once, then read from its start to its end in
 * answers of 1 MB; what is read comes from the page cache.
 */
import { performance } from "node:perf_hooks";
import {
  batchOf,
  checkProduced,
  createTopic,
  fetchFrame,
  type PrebuiltBatch,
  produceFrame,
  recordsIn,
} from "./frames.ts";
import {
  type BenchBrokerOptions,
  startBenchBroker,
  withDirectory,
} from "./harness.ts";
import { KafkaSocket } from "./kafka-socket.ts";

export interface FetchParameters {
  readonly recordSizeBytes: number;
  readonly totalSizeBytes: number;
  readonly transfers: readonly NonNullable<BenchBrokerOptions["transfer"]>[];
  readonly rounds: number;
}

export interface FetchFigures {
  readonly transfer: string;
  /** What a whole pass delivered: the same for every way. */
  readonly recordsCount: number;
  readonly gbPerSecond: number;
  readonly cpuSecondsPerGb: number;
  readonly recordsPerSecond: number;
}

const ANSWER_SIZE_BYTES_MAX = 1024 ** 2;

export function benchFetch(
  parameters: FetchParameters,
): Promise<readonly FetchFigures[]> {
  return withDirectory(async (dir) => {
    const batch = batchOf(parameters.recordSizeBytes);
    const recordsCount = await fill(dir, batch, parameters.totalSizeBytes);
    const figures: FetchFigures[] = [];
    for (const transfer of parameters.transfers) {
      const { rounds } = parameters;
      figures.push(await read(dir, batch, { transfer, rounds, recordsCount }));
    }
    return figures;
  });
}

/** Answers how many records there are then. */
async function fill(
  dir: string,
  batch: PrebuiltBatch,
  totalSizeBytes: number,
): Promise<number> {
  const broker = await startBenchBroker({ dir });
  const socket = await KafkaSocket.connect(broker.port);
  await createTopic(socket, "bench", 1);
  const frame = produceFrame(batch, 1);
  const batchCount = Math.ceil(totalSizeBytes / batch.bytes.length);
  let left = batchCount;
  const sendOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      checkProduced(await socket.request(frame));
    }
  };
  await Promise.all(Array.from({ length: 16 }, sendOn));
  socket.close();
  await broker.stop();
  return batchCount * batch.recordsCount;
}

async function read(
  dir: string,
  batch: PrebuiltBatch,
  way: {
    readonly transfer: NonNullable<BenchBrokerOptions["transfer"]>;
    readonly rounds: number;
    readonly recordsCount: number;
  },
): Promise<FetchFigures> {
  const { transfer, rounds, recordsCount } = way;
  const broker = await startBenchBroker({ dir, transfer });
  const socket = await KafkaSocket.connect(broker.port);
  await readThrough(socket, batch, recordsCount);
  const before = await broker.usage();
  const startMs = performance.now();
  const startSizeBytes = socket.receivedSizeBytes;
  for (let round = 0; round < rounds; round += 1) {
    await readThrough(socket, batch, recordsCount);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const gb = (socket.receivedSizeBytes - startSizeBytes) / 1e9;
  const after = await broker.usage();
  socket.close();
  await broker.stop();
  return {
    transfer,
    recordsCount,
    gbPerSecond: gb / seconds,
    cpuSecondsPerGb: (after.cpuSeconds - before.cpuSeconds) / gb,
    recordsPerSecond: (recordsCount * rounds) / seconds,
  };
}

/** From the first record to the last; throws where that is not what comes. */
async function readThrough(
  socket: KafkaSocket,
  batch: PrebuiltBatch,
  recordsCount: number,
): Promise<void> {
  let offset = 0;
  while (offset < recordsCount) {
    const answer = await socket.request(
      fetchFrame(offset, ANSWER_SIZE_BYTES_MAX),
    );
    // All batches are alike: their count tells the next offset. One may be cut.
    const batchCount = Math.floor(
      recordsIn(answer).length / batch.bytes.length,
    );
    if (batchCount === 0) throw new Error(`nothing at offset ${offset}`);
    offset += batchCount * batch.recordsCount;
  }
}
