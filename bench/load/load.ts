/**
 * What strangers cost: the broker's memory at its highest, and the time that
 * another client's batches take, in turns with and without them.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  batchOf,
  checkProduced,
  createTopic,
  produceFrame,
} from "../frames.ts";
import {
  type BenchBroker,
  startBenchBroker,
  withDirectory,
} from "../harness.ts";
import { KafkaSocket } from "../kafka-socket.ts";
import { SteadyLoad } from "../steady-load.ts";
import type { StrangersName } from "./strangers.ts";

export interface LoadParameters {
  readonly who: StrangersName;
  readonly count: number;
  /** For the broker's process; null: as many as this one has. */
  readonly descriptorsMax: number | null;
  /** Each is a turn without strangers and one with them. */
  readonly roundCount: number;
  readonly turnMs: number;
  readonly batchesPerSecond: number;
  /** For consumers to read. */
  readonly storedSizeBytes: number;
}

export interface LoadFigures {
  readonly p99Ms: { readonly without: number[]; readonly with: number[] };
  readonly idleRssBytes: number;
  readonly mostRssBytes: number;
  /** How many strangers were connected when the last of them had come. */
  readonly presentCount: number;
}

const RECORD_SIZE_BYTES = 1_000;

export function benchLoad(parameters: LoadParameters): Promise<LoadFigures> {
  return withDirectory(async (dir) => {
    const broker = await startBenchBroker(
      { dir, acksAll: "disk" },
      parameters.descriptorsMax,
    );
    try {
      return await takeTurns(broker, parameters);
    } finally {
      await broker.stop();
    }
  });
}

async function takeTurns(
  broker: BenchBroker,
  parameters: LoadParameters,
): Promise<LoadFigures> {
  const socket = await KafkaSocket.connect(broker.port);
  await createTopic(socket, "bench", 1);
  const frame = produceFrame(batchOf(RECORD_SIZE_BYTES, 16_384), 1);
  for (let size = 0; size < parameters.storedSizeBytes; size += frame.length) {
    checkProduced(await socket.request(frame));
  }
  const load = new SteadyLoad(socket, frame, parameters.batchesPerSecond);
  await load.during(sleep(parameters.turnMs / 4));
  const idleRssBytes = (await broker.usage()).rssBytes;
  const p99Ms = { without: [] as number[], with: [] as number[] };
  let mostRssBytes = 0;
  let presentCount = 0;
  for (let round = 0; round < parameters.roundCount; round++) {
    // Its start is in neither turn.
    const crowd = new CrowdProcess();
    await load.during(crowd.started());
    const without = await load.during(sleep(parameters.turnMs));
    p99Ms.without.push(without.p99Ms);
    const work = crowd
      .come(parameters, broker.port)
      .then(() => sleep(parameters.turnMs));
    const watch = mostRssDuring(broker, work);
    p99Ms.with.push((await load.during(work)).p99Ms);
    presentCount = crowd.presentCount;
    mostRssBytes = Math.max(mostRssBytes, await watch);
    await crowd.leave();
    // They are gone when the broker has seen it.
    await load.during(sleep(parameters.turnMs / 4));
  }
  socket.close();
  return { p99Ms, idleRssBytes, mostRssBytes, presentCount };
}

async function mostRssDuring(
  broker: BenchBroker,
  work: Promise<unknown>,
): Promise<number> {
  let isDone = false;
  void work.finally(() => (isDone = true));
  let most = 0;
  while (!isDone) {
    most = Math.max(most, (await broker.usage()).rssBytes);
    await sleep(50);
  }
  return most;
}

class CrowdProcess {
  readonly #child = fork(path.join(import.meta.dirname, "strangers.child.ts"));
  presentCount = 0;

  async started(): Promise<void> {
    await once(this.#child, "message");
  }

  async come({ who, count }: LoadParameters, port: number): Promise<void> {
    this.#child.send({ come: who, count, port });
    const [{ present }] = await once(this.#child, "message");
    this.presentCount = present;
  }

  async leave(): Promise<void> {
    this.#child.send({ leave: true });
    await once(this.#child, "exit");
  }
}
