/**
 * What compaction costs those who produce: the time from sending a batch to its
 * answer, at a fixed rate, while another topic of the same broker is compacted
 * and while it is not, in turns.
 *
 * Before each turn the other topic gets the same records, whether they will be
 * compacted in it or not. Time counts from the sending, which nothing holds up.
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BatchBuilder } from "../broker/record/batch-builder.ts";
import {
  batchOf,
  checkProduced,
  configureTopic,
  createTopic,
  produceFrame,
} from "./frames.ts";
import { startBenchBroker, withDirectory } from "./harness.ts";
import { KafkaSocket } from "./kafka-socket.ts";
import { SteadyLoad, type TurnFigures } from "./steady-load.ts";

export interface CompactionParameters {
  readonly acks: -1 | 1;
  readonly batchesPerSecond: number;
  /** Written before each turn. */
  readonly tableSizeBytes: number;
  readonly keyCount: number;
  /** 1 MB at the least, as in Kafka. */
  readonly segmentSizeBytes: number;
  /** Each is a turn without compaction and one with it; one more comes before them. */
  readonly roundCount: number;
}

export interface CompactionFigures {
  readonly idle: readonly TurnFigures[];
  readonly compacting: readonly TurnFigures[];
  /** Of each turn with compaction: what the log held before and after it. */
  readonly sizes: readonly {
    readonly before: number;
    readonly after: number;
  }[];
}

const TABLE = "table";
const RECORD_SIZE_BYTES = 100;
const CHECK_INTERVAL_MS = 20;

export function benchCompaction(
  parameters: CompactionParameters,
): Promise<CompactionFigures> {
  return withDirectory(async (dir) => {
    const broker = await startBenchBroker({
      dir,
      acksAll: "disk",
      compactionCheckIntervalMs: CHECK_INTERVAL_MS,
    });
    try {
      const socket = await KafkaSocket.connect(broker.port);
      const figures = await takeTurns(dir, socket, parameters);
      socket.close();
      return figures;
    } finally {
      await broker.stop();
    }
  });
}

async function takeTurns(
  dir: string,
  socket: KafkaSocket,
  parameters: CompactionParameters,
): Promise<CompactionFigures> {
  await createTopic(socket, "bench", 1);
  await createTopic(socket, TABLE, 1, {
    "cleanup.policy": "compact",
    "segment.bytes": String(parameters.segmentSizeBytes),
    "min.cleanable.dirty.ratio": "1",
  });
  const { batchesPerSecond, acks } = parameters;
  const frame = produceFrame(batchOf(RECORD_SIZE_BYTES, 1_024), acks);
  const load = new SteadyLoad(socket, frame, batchesPerSecond);
  const table = new TableFeed(socket, parameters);
  const partition = path.join(dir, `${TABLE}-0`);
  await load.during(sleep(200));

  const idle: TurnFigures[] = [];
  const compacting: TurnFigures[] = [];
  const sizes: { before: number; after: number }[] = [];
  // The first round counts for nothing: its code runs for the first time. Its
  // turn with compaction tells how long the others take.
  let turnMs = 500;
  for (let round = 0; round <= parameters.roundCount; round++) {
    await table.write();
    const without = await load.during(sleep(turnMs));
    await table.write();
    const before = await sizeOf(partition);
    await configureTopic(socket, TABLE, "min.cleanable.dirty.ratio", "0");
    const turn = await load.during(compacted(dir, partition));
    if (round > 0) {
      idle.push(without);
      compacting.push(turn);
      sizes.push({ before, after: await sizeOf(partition) });
    }
    await configureTopic(socket, TABLE, "min.cleanable.dirty.ratio", "1");
    turnMs = turn.seconds * 1_000;
  }
  return { idle, compacting, sizes };
}

/** The same batches again and again: every key of them is written in each turn. */
class TableFeed {
  readonly #socket: KafkaSocket;
  readonly #frames: Uint8Array[] = [];
  readonly #sizeBytes: number;

  constructor(
    socket: KafkaSocket,
    { keyCount, tableSizeBytes }: CompactionParameters,
  ) {
    this.#socket = socket;
    this.#sizeBytes = tableSizeBytes;
    const value = new Uint8Array(RECORD_SIZE_BYTES).fill(98);
    const builder = new BatchBuilder();
    const at = { topic: TABLE, partition: 0 };
    for (let key = 0; key < keyCount; key++) {
      builder.append({
        key: Buffer.from(`key ${key}`),
        value,
        headers: [],
        timestampMs: Date.now(),
      });
      if (builder.sizeBytes < 16_384 && key + 1 < keyCount) continue;
      const { recordsCount } = builder;
      const bytes = Uint8Array.from(builder.build());
      this.#frames.push(produceFrame({ bytes, recordsCount }, 1, at));
    }
  }

  async write(): Promise<void> {
    let left = this.#sizeBytes;
    let next = 0;
    while (left > 0) {
      const frame = this.#frames[next++ % this.#frames.length];
      if (frame === undefined) return;
      checkProduced(await this.#socket.request(frame));
      left -= frame.length;
    }
  }
}

/** Resolves when the log is compacted up to its newest segment. */
async function compacted(dir: string, partition: string): Promise<void> {
  const checkpoint = path.join(dir, "cleaner-offset-checkpoint");
  for (;;) {
    await sleep(20);
    const names = await readdir(partition);
    const newest = names
      .filter((name) => name.endsWith(".log"))
      .sort()
      .at(-1);
    const text = await readFile(checkpoint, "utf8").catch(() => "");
    const cleaned = Number(/^table 0 (\d+)$/m.exec(text)?.[1]);
    if (cleaned === Number(newest?.slice(0, 20))) return;
  }
}

async function sizeOf(directory: string): Promise<number> {
  let sizeBytes = 0;
  for (const name of await readdir(directory)) {
    if (!name.endsWith(".log")) continue;
    sizeBytes += (await stat(path.join(directory, name))).size;
  }
  return sizeBytes;
}
