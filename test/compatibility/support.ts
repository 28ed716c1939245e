/** What every client is put through, and how to see from outside what it has done. */
import { expect, vi } from "vitest";
import { type Broker, openBroker } from "../../broker/index.ts";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import { decodeAssignment } from "../../broker/wire/kafka/consumer-protocol.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";

export interface Host extends AsyncDisposable {
  readonly broker: Broker;
  readonly port: number;
  readonly address: string;
  /** A connection that sees what the clients do. */
  readonly connection: KafkaConnection;
}

export async function openHost(): Promise<Host> {
  const broker = await openBroker({ listen: { port: 0 } });
  const port = broker.addresses[0]?.port ?? 0;
  const connection = await KafkaConnection.overTcp(port);
  const close = async (): Promise<void> => {
    connection.close();
    await broker.close();
  };
  const address = `127.0.0.1:${port}`;
  return { broker, port, address, connection, [Symbol.asyncDispose]: close };
}

export async function createTopic(
  { connection }: Host,
  name: string,
  numPartitions: number,
): Promise<void> {
  const { topics } = await connection.request(19, 7, {
    topics: [
      {
        name,
        numPartitions,
        replicationFactor: -1,
        assignments: [],
        configs: [],
      },
    ],
    timeoutMs: 1_000,
    validateOnly: false,
  });
  expect(topics[0]?.errorCode).toBe(0);
}

/** One batch a partition of `count` values that tell where they are: `word-partition-index`. */
export async function produceToAll(
  { connection }: Host,
  topic: string,
  word: string,
  partitionCount: number,
  count: number,
): Promise<void> {
  const partitionData = Array.from({ length: partitionCount }, (_, index) => ({
    index,
    records: new Uint8Array(
      buildBatch(
        Array.from({ length: count }, (_, number) => ({
          key: null,
          value: Buffer.from(`${word}-${index}-${number}`),
          headers: [],
          timestampMs: Date.now(),
        })),
      ),
    ),
  }));
  const { responses } = await connection.request(0, 9, {
    acks: -1,
    timeoutMs: 5_000,
    topicData: [{ name: topic, partitionData }],
  });
  for (const { errorCode } of responses[0]?.partitionResponses ?? []) {
    expect(errorCode).toBe(0);
  }
}

/** A consumer in a group that reads one topic, from its start where nothing is committed. */
export interface Member {
  /** Values, in the order in which they came. */
  readonly received: readonly string[];
  /** Resolves when it reads by its latest assignment only. */
  settled?(): Promise<void>;
  /** Leaves the group. */
  stop(): Promise<void>;
}

const PARTITION_COUNT = 6;
const RECORD_COUNT = 20;

/**
 * Three members over six partitions, then two, then none, then a new one: each
 * partition has exactly one owner, and each record comes exactly once.
 */
export async function shareAGroup(
  host: Host,
  name: string,
  join: (group: string, topic: string) => Promise<Member>,
  /** False: commits are to be seen only when a member gives partitions up. */
  commitsWhileReading = true,
): Promise<void> {
  const topic = `${name}-topic`;
  const group = `${name}-group`;
  await createTopic(host, topic, PARTITION_COUNT);
  const members = await Promise.all([1, 2, 3].map(() => join(group, topic)));
  const received = (): string[] =>
    members.flatMap((member) => member.received).toSorted();
  const untilRead = async (count: number): Promise<void> => {
    await vi.waitFor(
      () => expect(received()).toHaveLength(count * PARTITION_COUNT),
      patience,
    );
    if (commitsWhileReading) await untilCommitted(host, group, topic, count);
  };
  try {
    await untilShared(host, group, topic, 3);
    await Promise.all(members.map((member) => member.settled?.()));
    await produceToAll(host, topic, "three", PARTITION_COUNT, RECORD_COUNT);
    await untilRead(RECORD_COUNT);
    expect(received()).toEqual(expected("three"));

    await members[0]?.stop();
    await untilShared(host, group, topic, 2);
    await Promise.all(members.slice(1).map((member) => member.settled?.()));
    await produceToAll(host, topic, "two", PARTITION_COUNT, RECORD_COUNT);
    await untilRead(2 * RECORD_COUNT);
    const both = [...expected("three"), ...expected("two")].toSorted();
    expect(received()).toEqual(both);
  } finally {
    await Promise.all(members.slice(1).map((member) => member.stop()));
  }
  const { state } = await describeGroup(host, group);
  expect(state).toBe("Empty");
  await untilCommitted(host, group, topic, 2 * RECORD_COUNT);

  const late = await join(group, topic);
  try {
    await untilShared(host, group, topic, 1);
    await late.settled?.();
    await produceToAll(host, topic, "one", PARTITION_COUNT, RECORD_COUNT);
    await vi.waitFor(
      () => expect(late.received.toSorted()).toEqual(expected("one")),
      patience,
    );
    if (commitsWhileReading) {
      await untilCommitted(host, group, topic, 3 * RECORD_COUNT);
    }
  } finally {
    await late.stop();
  }
  await untilCommitted(host, group, topic, 3 * RECORD_COUNT);
}

function expected(word: string): string[] {
  const values: string[] = [];
  for (let partition = 0; partition < PARTITION_COUNT; partition += 1) {
    for (let number = 0; number < RECORD_COUNT; number += 1) {
      values.push(`${word}-${partition}-${number}`);
    }
  }
  return values.toSorted();
}

const patience = { timeout: 20_000, interval: 25 };

/** Waits until so many members share all partitions, each with one owner. */
async function untilShared(
  host: Host,
  group: string,
  topic: string,
  memberCount: number,
): Promise<void> {
  const all = Array.from({ length: PARTITION_COUNT }, (_, index) => index);
  await vi.waitFor(async () => {
    const { state, assignments } = await describeGroup(host, group);
    expect(state).toBe("Stable");
    expect(assignments).toHaveLength(memberCount);
    const owned = assignments.flatMap((assignment) =>
      assignment.flatMap((one) => (one.topic === topic ? one.partitions : [])),
    );
    expect(owned.toSorted()).toEqual(all);
    for (const assignment of assignments) expect(assignment).not.toEqual([]);
  }, patience);
}

async function describeGroup({ connection }: Host, group: string) {
  const { groups } = await connection.request(15, 5, {
    groups: [group],
    includeAuthorizedOperations: false,
  });
  const described = groups[0];
  if (described === undefined) throw new Error("no answer for the group");
  return {
    state: described.groupState,
    assignments: described.members.map(
      ({ memberAssignment }) =>
        decodeAssignment(memberAssignment)?.assignedPartitions ?? [],
    ),
  };
}

/** Waits until the group has committed the same offset in every partition. */
async function untilCommitted(
  host: Host,
  group: string,
  topic: string,
  offset: number,
): Promise<void> {
  await vi.waitFor(async () => {
    const offsets = await committedOffsets(host, group, topic);
    expect(offsets).toEqual(Array(PARTITION_COUNT).fill(offset));
  }, patience);
}

export async function committedOffsets(
  { connection }: Host,
  groupId: string,
  topic: string,
): Promise<number[]> {
  const { groups } = await connection.request(9, 8, {
    groupId: "",
    topics: null,
    groups: [{ groupId, topics: null }],
    requireStable: false,
  });
  const partitions = groups[0]?.topics.find(({ name }) => name === topic);
  return (partitions?.partitions ?? [])
    .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
    .map(({ committedOffset }) => committedOffset);
}
