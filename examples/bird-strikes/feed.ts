/**
 * Writes the feed into its topic, from where an earlier run was interrupted.
 *
 * Record n goes to partition n % count: so each partition holds a beginning of
 * its share at any time, and its end offset says which record comes next. The
 * producer is idempotent, as always unless one says otherwise: what it repeats
 * after an error is not doubled.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Client, topic } from "../../client/index.ts";
import type { FeedRecord } from "./reports.ts";

const CHUNK_COUNT = 500;
const CHUNKS_PER_SECOND = 20;

export interface FeedOptions {
  readonly topic: string;
  /** By partition: how many of its records are there already. */
  readonly endOffsets: readonly number[];
  /** Records a second; null: as fast as it goes. */
  readonly pace: number | null;
  readonly signal: AbortSignal;
  readonly onFed: (count: number) => void;
}

export async function feed(
  client: Client,
  records: readonly FeedRecord[],
  options: FeedOptions,
): Promise<void> {
  const { endOffsets, pace, signal } = options;
  const partitionCount = endOffsets.length;
  await using producer = client.producer({ lingerMs: 2 });
  const missing = records
    .map((record, index) => ({
      ...record,
      partition: index % partitionCount,
      offset: Math.floor(index / partitionCount),
    }))
    .filter(({ partition, offset }) => offset >= (endOffsets[partition] ?? 0));
  const target = topic(options.topic);
  const encoder = new TextEncoder();
  const chunkCount =
    pace === null ? CHUNK_COUNT : Math.ceil(pace / CHUNKS_PER_SECOND);
  for (let from = 0; from < missing.length; from += chunkCount) {
    if (signal.aborted) return;
    const chunk = missing.slice(from, from + chunkCount);
    await Promise.all(
      chunk.map(({ key, value, partition }) =>
        producer.send(target, {
          key: encoder.encode(key),
          value: value === null ? null : encoder.encode(value),
          partition,
        }),
      ),
    );
    options.onFed(chunk.length);
    if (pace !== null) await sleep(1_000 / CHUNKS_PER_SECOND);
  }
}
