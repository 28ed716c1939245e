/** A consumer without a group: reads a partition from anywhere on, and begins anew somewhere else. */
import { nextOffsetOf } from "../../client/core/records.ts";
import { readIds } from "./sim-records.ts";
import { SimKafkaClient, sleep } from "./sim-kafka-client.ts";
import type { SimClientContext } from "./sim-kafka-client.ts";
import type { Place, SeenRecord } from "./sim-observation.ts";

const NO_ERROR = 0;
const EMPTY = new Uint8Array();
const NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA";

export interface FetchPosition extends Place {
  readonly fetchOffset: number;
  readonly currentLeaderEpoch?: number;
}

export interface FetchedPartition extends Place {
  readonly errorCode: number;
  readonly startOffset: number;
  readonly highWatermark: number;
  /** Behind the last whole batch, which may have lost its last records, or all. */
  readonly nextOffset: number;
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
    const records = readIds(found.records ?? EMPTY).filter(
      ({ offset }) => offset >= fetchOffset,
    );
    if (errorCode === NO_ERROR) {
      const atMs = client.context.clock.now();
      const where = { topic, partition, fetchOffset, startOffset };
      client.context.observe({ kind: "read", call, atMs, ...where, records });
    }
    const nextOffset = nextOffsetOf(found.records ?? EMPTY, fetchOffset);
    const place = { topic, partition, nextOffset };
    return { ...place, errorCode, startOffset, highWatermark, records };
  });
}

export class SimReader {
  readonly #client: SimKafkaClient;
  readonly #places: readonly Place[];
  #isStopping = false;
  #isIdle = false;

  constructor(context: SimClientContext, places: readonly Place[]) {
    this.#client = new SimKafkaClient(context);
    this.#places = places;
  }

  stop(): void {
    this.#isStopping = true;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  async run(): Promise<void> {
    const { clock, random } = this.#client.context;
    /** Where each begins and ends, as far as is known. */
    const bounds = this.#places.map((place) => ({ place, start: 0, end: 0 }));
    while (!this.#isStopping) {
      const known = bounds[random.integer(bounds.length)];
      if (known === undefined) throw new RangeError("nothing to read");
      const { place, start, end } = known;
      let fetchOffset = start + random.integer(end - start + 1);
      for (let count = random.integer(10); count >= 0; count -= 1) {
        const limits = { waitMs: 100, sizeBytesMax: 1 + random.integer(8_000) };
        const at = [{ ...place, fetchOffset }];
        const [found] =
          (await fetchOnce(this.#client, place.topic, at, limits)) ?? [];
        if (found === undefined) break;
        known.start = Math.max(0, found.startOffset);
        known.end = Math.max(known.start, found.highWatermark);
        if (found.errorCode !== NO_ERROR) break;
        fetchOffset = found.nextOffset;
      }
      await sleep(clock, random.fraction() * 400);
    }
    this.#isIdle = true;
  }
}
