/** Produce and ListOffsets: requests that go to the leaders of partitions. */
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type {
  DriverBatch,
  DriverOffset,
  DriverProduced,
  Isolation,
} from "../../core/driver.ts";
import { isRetriableAnswer } from "../../core/refusal.ts";
import { groupByTopic, keyOf, sameId } from "../../core/topic-partitions.ts";
import { ClientError } from "../../errors.ts";
import type { SeekTarget, TopicPartition } from "../../client.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import type { BrokerAddress } from "./kafka-connections.ts";
import { isAboutLeader, wordOf } from "./kafka-errors.ts";

type Target = TopicPartition & { readonly at: SeekTarget };

const EARLIEST = -2;
const LATEST = -1;

export async function produce(
  cluster: KafkaCluster,
  batches: readonly DriverBatch[],
  options: { readonly acks: -1 | 0 | 1; readonly timeoutMs: number },
): Promise<readonly DriverProduced[]> {
  return eachLeader(cluster, batches, failedProduce, (leader, of) =>
    produceTo(cluster, leader, of, options),
  );
}

async function produceTo(
  cluster: KafkaCluster,
  leader: BrokerAddress,
  batches: readonly DriverBatch[],
  {
    acks,
    timeoutMs,
  }: { readonly acks: -1 | 0 | 1; readonly timeoutMs: number },
): Promise<readonly DriverProduced[]> {
  const body = {
    acks,
    timeoutMs: Math.ceil(timeoutMs),
    topicData: groupByTopic(batches).map(({ topic, items }) => ({
      name: topic,
      partitionData: items.map(({ partition, bytes }) => ({
        index: partition,
        records: bytes,
      })),
    })),
  };
  if (acks === 0) {
    await cluster.connections.post(leader, apis[0], body);
    return batches.map((id) => ({
      ...sameId(id),
      error: null,
      isRetriable: false,
      baseOffset: -1,
      detail: null,
    }));
  }
  const answer = await cluster.connections.request(leader, apis[0], body, {
    timeoutMs,
  });
  return answer.responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map((one): DriverProduced => {
      const error = wordOf(one.errorCode);
      return {
        topic: name,
        partition: one.index,
        error,
        isRetriable: error !== null && isRetriableAnswer(error),
        baseOffset: one.baseOffset,
        detail:
          one.errorMessage ??
          one.recordErrors[0]?.batchIndexErrorMessage ??
          null,
      };
    }),
  );
}

export async function offsetsAt(
  cluster: KafkaCluster,
  partitions: readonly Target[],
  isolation: Isolation,
): Promise<readonly DriverOffset[]> {
  const answers = new Map<Target, DriverOffset>();
  for (const round of roundsOf(partitions)) {
    const found = await eachLeader(cluster, round, failedOffset, (leader, of) =>
      offsetsFrom(cluster, leader, of, isolation),
    );
    const byKey = new Map(found.map((answer) => [keyOf(answer), answer]));
    for (const target of round) {
      const answer =
        byKey.get(keyOf(target)) ??
        failedOffset(target, "unknown-topic-or-partition");
      answers.set(target, answer);
    }
  }
  return partitions.map((target) => {
    const answer = answers.get(target);
    if (answer !== undefined) return answer;
    const offset = typeof target.at === "number" ? target.at : null;
    return { ...sameId(target), error: null, offset, leaderEpoch: null };
  });
}

/** A request may name a partition once; a second target of it goes into a second round. */
function roundsOf(targets: readonly Target[]): readonly (readonly Target[])[] {
  const rounds: Target[][] = [];
  const counts = new Map<string, number>();
  for (const target of targets) {
    // An offset is its own answer.
    if (typeof target.at === "number") continue;
    const count = counts.get(keyOf(target)) ?? 0;
    counts.set(keyOf(target), count + 1);
    const round = rounds[count] ?? [];
    rounds[count] = round;
    round.push(target);
  }
  return rounds;
}

async function offsetsFrom(
  cluster: KafkaCluster,
  leader: BrokerAddress,
  partitions: readonly Target[],
  isolation: Isolation,
): Promise<readonly DriverOffset[]> {
  const answer = await cluster.connections.request(leader, apis[2], {
    replicaId: -1,
    isolationLevel: isolation === "read_committed" ? 1 : 0,
    topics: groupByTopic(partitions).map(({ topic, items }) => ({
      name: topic,
      partitions: items.map(({ partition, at }) => ({
        partitionIndex: partition,
        timestamp: timestampOf(at),
      })),
    })),
  });
  return answer.topics.flatMap(({ name, partitions: answers }) =>
    answers.map((one) => ({
      topic: name,
      partition: one.partitionIndex,
      error: wordOf(one.errorCode),
      offset: one.offset < 0 ? null : one.offset,
      leaderEpoch: one.leaderEpoch < 0 ? null : one.leaderEpoch,
    })),
  );
}

function timestampOf(at: SeekTarget): number {
  if (at === "earliest") return EARLIEST;
  if (at === "latest") return LATEST;
  return typeof at === "number" ? at : at.timestamp;
}

/**
 * One request a leader, all at the same time. A leader that cannot be reached
 * is an answer for its partitions, as the others have theirs.
 */
async function eachLeader<
  Item extends TopicPartition,
  Answer extends TopicPartition & { readonly error: string | null },
>(
  cluster: KafkaCluster,
  items: readonly Item[],
  failed: (item: TopicPartition, word: string, detail: string | null) => Answer,
  ask: (
    leader: BrokerAddress,
    items: readonly Item[],
  ) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const groups = await cluster.byLeader(items);
  const answers = await Promise.all(
    [...groups].map(async ([leader, of]) => {
      if (leader === null) {
        return of.map((item) => failed(item, "leader-not-available", null));
      }
      try {
        return await ask(leader, of);
      } catch (error) {
        const isAway =
          error instanceof ClientError &&
          (error.code === "broker-unreachable" || error.code === "timed-out");
        if (!isAway) throw error;
        return of.map((item) =>
          failed(item, "network-exception", error.message),
        );
      }
    }),
  );
  const all = answers.flat();
  for (const answer of all) {
    const { error } = answer;
    if (error !== null && isAboutLeader(error)) cluster.forgetLeader(answer);
  }
  return all;
}

function failedProduce(
  id: TopicPartition,
  error: string,
  detail: string | null,
): DriverProduced {
  return { ...sameId(id), error, isRetriable: true, baseOffset: -1, detail };
}

function failedOffset(id: TopicPartition, error: string): DriverOffset {
  return { ...sameId(id), error, offset: null, leaderEpoch: null };
}
