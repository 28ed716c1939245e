/** A consumer without a group: reads a partition from anywhere on, and begins anew somewhere else. */
import { readIds } from "./sim-records.ts";
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import type { Place, SeenRecord } from "./sim-observation.ts";

const NO_ERROR = 0;
const NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA";

export interface FetchPosition extends Place {
  readonly fetchOffset: number;
  readonly currentLeaderEpoch?: number;
}

export interface FetchedPartition extends Place {
  readonly errorCode: number;
  readonly startOffset: number;
  readonly highWatermark: number;
  /** From the position on. */
  readonly records: readonly SeenRecord[];
}

/** One fetch of one topic's partitions; null: no answer. Tells what was read. */
export async function fetchOnce(
  client: SimKafkaClient,
  topic: string,
  positions: readonly FetchPosition[],
  limits: { readonly waitMs: number; readonly sizeBytesMax: number },
): Promise<readonly FetchedPartition[] | null> {
  const call = client.context.nextCall();
  const answer = await client.call(1, 12, {
    maxWaitMs: limits.waitMs,
    minBytes: 1,
    maxBytes: 1_000_000,
    topics: [
      {
        topic,
        topicId: NO_TOPIC_ID,
        partitions: positions.map((position) => ({
          partition: position.partition,
          fetchOffset: position.fetchOffset,
          currentLeaderEpoch: position.currentLeaderEpoch ?? -1,
          partitionMaxBytes: limits.sizeBytesMax,
        })),
      },
    ],
    forgottenTopicsData: [],
  });
  if (answer === null) return null;
  return (answer.responses[0]?.partitions ?? []).map((found) => {
    const { partitionIndex: partition, errorCode, highWatermark } = found;
    const at = positions.find((position) => position.partition === partition);
    const fetchOffset = at?.fetchOffset ?? 0;
    const startOffset = found.logStartOffset;
    // The first batch may begin before the position.
    const records = readIds(found.records ?? new Uint8Array()).filter(
      ({ offset }) => offset >= fetchOffset,
    );
    if (errorCode === NO_ERROR) {
      const where = { topic, partition, fetchOffset, startOffset };
      client.context.observe({ kind: "read", call, ...where, records });
    }
    const place = { topic, partition };
    return { ...place, errorCode, startOffset, highWatermark, records };
  });
}

export class SimReader {
  readonly #client: SimKafkaClient;
  readonly #topic: string;
  readonly #partitionCount: number;
  #isStopping = false;
  #isIdle = false;

  constructor(
    context: SimClientContext,
    topic: string,
    partitionCount: number,
  ) {
    this.#client = new SimKafkaClient(context);
    this.#topic = topic;
    this.#partitionCount = partitionCount;
  }

  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  async run(): Promise<void> {
    const { clock, random } = this.#client.context;
    let endOffset = 0;
    while (!this.#isStopping) {
      const partition = random.integer(this.#partitionCount);
      let fetchOffset = random.integer(endOffset + 1);
      for (let count = random.integer(10); count >= 0; count -= 1) {
        const place = { topic: this.#topic, partition };
        const limits = { waitMs: 100, sizeBytesMax: 1 + random.integer(8_000) };
        const [found] =
          (await fetchOnce(
            this.#client,
            this.#topic,
            [{ ...place, fetchOffset }],
            limits,
          )) ?? [];
        if (found?.errorCode !== NO_ERROR) break;
        endOffset = found.highWatermark;
        fetchOffset = (found.records.at(-1)?.offset ?? fetchOffset - 1) + 1;
      }
      await sleep(clock, random.fraction() * 400);
    }
    this.#isIdle = true;
  }
}
