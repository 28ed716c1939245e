/**
 * Records one by one, decoded, on top of a group consumer.
 *
 * Acknowledgements may come in any order. What is committed is the low-water
 * mark of each partition: every so often, before a partition is given up, and
 * when the iteration ends.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type {
  GroupConsumer,
  RawRecord,
  Rec,
  TopicPartition,
  TopicPartitionOffset,
} from "../client.ts";
import { ClientError } from "../errors.ts";
import type { TopicSource } from "../topic.ts";
import { keyOf } from "./topic-partitions.ts";

/** Java's `auto.commit.interval.ms`. */
const COMMIT_INTERVAL_MS = 5_000;

/** How far the records of one partition are done. */
class Marks {
  readonly #id: TopicPartition;
  /** Delivered and not acknowledged, in order: a map keeps it. */
  readonly #waiting = new Map<number, true>();
  #nextOffset = 0;
  #committedOffset = -1;

  constructor({ topic, partition }: TopicPartition) {
    this.#id = { topic, partition };
  }

  begin(offset: number): () => void {
    this.#waiting.set(offset, true);
    this.#nextOffset = offset + 1;
    if (this.#committedOffset < 0) this.#committedOffset = offset;
    return () => this.#waiting.delete(offset);
  }

  /** Null where nothing has moved since the last commit. */
  toCommit(): TopicPartitionOffset | null {
    const [oldest] = this.#waiting.keys();
    const offset = oldest ?? this.#nextOffset;
    if (offset <= this.#committedOffset) return null;
    return { ...this.#id, offset };
  }

  committed(offset: number): void {
    this.#committedOffset = offset;
  }
}

/** Closes the consumer when the iteration ends, however it does. */
export async function* messagesOf<K, V>(
  consumer: GroupConsumer,
  topic: TopicSource<K, V>,
  clock: Clock,
): AsyncGenerator<Rec<K, V> & { ack(): void }> {
  const partitions = new Map<string, Marks>();
  const commit = async (): Promise<void> => {
    const moved = [...partitions.values()].flatMap((marks) => {
      const offset = marks.toCommit();
      return offset === null ? [] : [{ marks, offset }];
    });
    if (moved.length === 0) return;
    await consumer.commit(moved.map(({ offset }) => offset));
    for (const { marks, offset } of moved) marks.committed(offset.offset);
  };
  // A commit that failed is made good by the next one; what none makes good is read again.
  const commitQuietly = async (): Promise<void> => {
    try {
      await commit();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
    }
  };
  consumer.onRevoke(async (revoked, reason) => {
    if (reason === "revoked") await commitQuietly();
    for (const id of revoked) partitions.delete(keyOf(id));
  });
  let cancel = (): void => {};
  const commitLater = (): void => {
    cancel = clock.schedule(COMMIT_INTERVAL_MS, () => {
      void commitQuietly().then(commitLater);
    });
  };
  commitLater();
  try {
    for await (const batch of consumer) {
      const key = keyOf(batch);
      const marks = partitions.get(key) ?? new Marks(batch);
      partitions.set(key, marks);
      // All of them begin now: what is not handed out yet must not be committed.
      const acks = batch.records.map(({ offset }) => marks.begin(offset));
      for (const [index, record] of batch.records.entries()) {
        const ack = acks[index];
        if (ack === undefined || partitions.get(key) !== marks) break;
        yield { ...decode(topic, record), ack };
      }
    }
  } finally {
    cancel();
    await commitQuietly();
    await consumer.close();
  }
}

function decode<K, V>(topic: TopicSource<K, V>, record: RawRecord): Rec<K, V> {
  const key = topic.key.decode(record.key);
  const value = topic.value.decode(record.value);
  return { ...record, key, value };
}
