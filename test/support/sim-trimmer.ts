/** Deletes records of a partition now and then, from its beginning on. */
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import type { Place } from "./sim-observation.ts";

const NO_ERROR = 0;
const PAUSE_MS_MAX = 4_000;

export class SimTrimmer {
  readonly #client: SimKafkaClient;
  readonly #place: Place;
  #isStopping = false;
  #isIdle = false;

  constructor(context: SimClientContext, place: Place) {
    this.#client = new SimKafkaClient(context);
    this.#place = place;
  }

  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  async run(): Promise<void> {
    const { clock, random } = this.#client.context;
    while (!this.#isStopping) {
      await sleep(clock, random.fraction() * PAUSE_MS_MAX);
      const endOffset = await this.#endOffset();
      if (endOffset === null) continue;
      // Mostly little: what retention has to do with is to be left.
      const share = random.fraction() ** 3;
      await this.#deleteBefore(Math.floor(share * endOffset));
    }
    this.#isIdle = true;
  }

  async #endOffset(): Promise<number | null> {
    const { topic, partition } = this.#place;
    const answer = await this.#client.call(2, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, timestamp: -1 }],
        },
      ],
    });
    const found = answer?.topics[0]?.partitions[0];
    return found?.errorCode === NO_ERROR ? found.offset : null;
  }

  async #deleteBefore(beforeOffset: number): Promise<void> {
    const { observe, nextCall } = this.#client.context;
    const { topic, partition } = this.#place;
    observe({ kind: "deleting-records", ...this.#place, beforeOffset });
    const answer = await this.#client.call(21, 2, {
      topics: [
        {
          name: topic,
          partitions: [{ partitionIndex: partition, offset: beforeOffset }],
        },
      ],
      timeoutMs: 5_000,
    });
    const found = answer?.topics[0]?.partitions[0];
    if (found?.errorCode !== NO_ERROR) return;
    const startOffset = found.lowWatermark;
    const call = nextCall();
    observe({ kind: "deleted-records", call, ...this.#place, startOffset });
  }
}
