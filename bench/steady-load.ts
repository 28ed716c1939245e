/**
 * A client that produces at a fixed rate, whatever becomes of the answers: what
 * others cost it is seen in the time that its answers take.
 */
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { checkProduced } from "./frames.ts";
import { percentile } from "./harness.ts";
import type { KafkaSocket } from "./kafka-socket.ts";

export interface TurnFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly batchCount: number;
  readonly seconds: number;
}

/** Sends the frame so many times a second, whatever becomes of the answers. */
export class SteadyLoad {
  readonly #socket: KafkaSocket;
  readonly #frame: Uint8Array;
  readonly #perSecond: number;

  constructor(socket: KafkaSocket, frame: Uint8Array, perSecond: number) {
    this.#socket = socket;
    this.#frame = frame;
    this.#perSecond = perSecond;
  }

  async during(work: Promise<unknown>): Promise<TurnFigures> {
    const times: number[] = [];
    const answers: Promise<void>[] = [];
    const startMs = performance.now();
    let isDone = false;
    void work.finally(() => (isDone = true));
    while (!isDone) {
      const due = ((performance.now() - startMs) / 1_000) * this.#perSecond;
      while (answers.length < due) answers.push(this.#send(times));
      await sleep(1);
    }
    const seconds = (performance.now() - startMs) / 1_000;
    await Promise.all([work, ...answers]);
    return {
      p50Ms: percentile(times, 50),
      p99Ms: percentile(times, 99),
      batchCount: times.length,
      seconds,
    };
  }

  async #send(times: number[]): Promise<void> {
    const sentMs = performance.now();
    checkProduced(await this.#socket.request(this.#frame));
    times.push(performance.now() - sentMs);
  }
}
