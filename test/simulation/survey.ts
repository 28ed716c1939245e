/**
 * What a broker knows, asked through Kafka's protocol: everything in every
 * partition, and what must be the same before and after a replay.
 */
import { SimKafkaClient } from "../support/sim-kafka-client.ts";
import type { Place, SeenRecord } from "../support/sim-observation.ts";
import { fetchOnce } from "../support/sim-reader.ts";

const NO_ERROR = 0;
const OFFSET_OUT_OF_RANGE = 1;
const FETCH_SIZE_BYTES = 50_000;

export interface Survey {
  readonly topics: readonly {
    readonly name: string;
    readonly id: string;
    readonly partitionCount: number;
  }[];
}

export async function surveyTopics(client: SimKafkaClient): Promise<Survey> {
  const { topics } = await untilAnswered(client, () =>
    client.call(3, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }),
  );
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name: name ?? "",
      id: topicId,
      partitionCount: partitions.length,
    })),
  };
}

/** Where the partition begins and ends. */
export async function boundsOf(
  client: SimKafkaClient,
  { topic, partition }: Place,
): Promise<{ readonly startOffset: number; readonly endOffset: number }> {
  const offsetAt = async (timestamp: number): Promise<number> => {
    const found = await untilAnswered(client, async () => {
      const answer = await client.call(2, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: partition, timestamp }],
          },
        ],
      });
      const one = answer?.topics[0]?.partitions[0];
      return one?.errorCode === NO_ERROR ? one : null;
    });
    return found.offset;
  };
  const [earliest, latest] = [-2, -1];
  return {
    startOffset: await offsetAt(earliest),
    endOffset: await offsetAt(latest),
  };
}

/** Every record of a partition, and tells it. Begins anew where it loses its beginning meanwhile. */
export async function audit(
  client: SimKafkaClient,
  place: Place,
): Promise<readonly SeenRecord[]> {
  for (;;) {
    const records = await tryAudit(client, place);
    if (records !== null) return records;
  }
}

/** Null: what was to be read is gone. */
async function tryAudit(
  client: SimKafkaClient,
  place: Place,
): Promise<readonly SeenRecord[] | null> {
  const bounds = await boundsOf(client, place);
  const records: SeenRecord[] = [];
  let fetchOffset = bounds.startOffset;
  while (fetchOffset < bounds.endOffset) {
    const at = { ...place, fetchOffset };
    const found = await untilAnswered(client, async () => {
      const limits = { waitMs: 0, sizeBytesMax: FETCH_SIZE_BYTES };
      const [one] = (await fetchOnce(client, place.topic, [at], limits)) ?? [];
      const isAnswer =
        one?.errorCode === NO_ERROR || one?.errorCode === OFFSET_OUT_OF_RANGE;
      return isAnswer ? one : null;
    });
    if (found.errorCode !== NO_ERROR) return null;
    records.push(...found.records);
    if (found.nextOffset === fetchOffset) break;
    fetchOffset = found.nextOffset;
  }
  const { observe, clock } = client.context;
  const atMs = clock.now();
  observe({ kind: "audited", atMs, ...place, ...bounds, records });
  return records;
}

/** The leader epoch of the last record before this offset. */
export async function epochBefore(
  client: SimKafkaClient,
  place: Place,
  endOffset: number,
): Promise<number> {
  const at = { ...place, fetchOffset: endOffset - 1 };
  return untilAnswered(client, async () => {
    const limits = { waitMs: 0, sizeBytesMax: 1 };
    const [one] = (await fetchOnce(client, place.topic, [at], limits)) ?? [];
    return one?.records[0]?.leaderEpoch ?? null;
  });
}

/** What groups have committed, by group and partition, and tells it. */
export async function surveyGroup(
  client: SimKafkaClient,
  group: string,
): Promise<ReadonlyMap<string, string>> {
  const { observe, nextCall } = client.context;
  const call = nextCall();
  observe({ kind: "asking-committed", call });
  const found = await untilAnswered(client, async () => {
    const answer = await client.call(9, 8, {
      groupId: "",
      topics: null,
      groups: [{ groupId: group, topics: null }],
    });
    const one = answer?.groups[0];
    return one?.errorCode === NO_ERROR ? one : null;
  });
  const committed = new Map<string, string>();
  for (const { name: topic, partitions } of found.topics) {
    for (const one of partitions) {
      const { partitionIndex: partition, committedOffset: offset } = one;
      observe({
        kind: "found-committed",
        call,
        group,
        topic,
        partition,
        offset,
      });
      const text = `${offset} epoch ${one.committedLeaderEpoch} ${one.metadata}`;
      committed.set(`${group} ${topic}-${partition}`, text);
    }
  }
  return committed;
}

/** Everything that the logs of the broker remember, as text by name. */
export async function surveyState(
  client: SimKafkaClient,
  groups: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const state = new Map<string, string>();
  const { topics } = await surveyTopics(client);
  for (const { name, id, partitionCount } of topics) {
    state.set(`topic ${name}`, `${id} with ${partitionCount} partitions`);
    if (name.startsWith("__")) continue;
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const bounds = await boundsOf(client, { topic: name, partition });
      const text = `${bounds.startOffset} to ${bounds.endOffset}`;
      state.set(`log ${name}-${partition}`, text);
    }
  }
  for (const group of groups) {
    for (const [name, text] of await surveyGroup(client, group)) {
      state.set(`offset ${name}`, text);
    }
  }
  const listed = await untilAnswered(client, async () => {
    const answer = await client.call(16, 4, { statesFilter: [] });
    return answer?.errorCode === NO_ERROR ? answer : null;
  });
  for (const { groupId, protocolType, groupState } of listed.groups) {
    state.set(`group ${groupId}`, `${protocolType} ${groupState}`);
  }
  return state;
}

/** Asked again until there is an answer; nothing fails any more, so there will be. */
async function untilAnswered<T>(
  client: SimKafkaClient,
  ask: () => Promise<T | null>,
): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await client.pause();
  }
}
