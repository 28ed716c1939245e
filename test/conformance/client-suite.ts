/**
 * What every client must do, whichever driver is under it and whichever broker
 * is behind that. Differences show in `client.supports` only.
 *
 * Topics and groups have fresh names, so that the suite can run against a
 * broker that is used by others too.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Client,
  type GroupConsumer,
  type PartitionBatch,
  type RawRecord,
  topic,
  type TopicPartitionOffset,
} from "../../client/index.ts";

export interface ClientSuite {
  readonly name: string;
  /** Called once; `open` gives a new client of the same broker each time. */
  readonly factory: () => Promise<{
    open(): Promise<Client>;
    close(): Promise<void>;
  }>;
  /** Why the suite cannot run here; null: it can. */
  readonly skip?: string | null;
}

const TIMEOUT_MS = 30_000;

export function suite({ name, factory, skip = null }: ClientSuite): void {
  const title = skip === null ? name : `${name} (skipped: ${skip})`;
  describe.skipIf(skip !== null)(title, { timeout: TIMEOUT_MS }, () => {
    let broker: Awaited<ReturnType<typeof factory>>;
    let client: Client;
    beforeAll(async () => {
      broker = await factory();
      client = await broker.open();
    }, TIMEOUT_MS);
    afterAll(async () => {
      await client?.close();
      await broker?.close();
    }, TIMEOUT_MS);
    const context: Context = {
      client: () => client,
      open: () => broker.open(),
      newTopic: async (partitionCount) => {
        const created = `conformance-${randomUUID()}`;
        await client.admin.createTopic({ name: created, partitionCount });
        return created;
      },
    };
    producing(context);
    reading(context);
    groups(context);
    administration(context);
  });
}

interface Context {
  client(): Client;
  open(): Promise<Client>;
  newTopic(partitionCount: number): Promise<string>;
}

function producing({ client, open, newTopic }: Context): void {
  test("what was sent is read back: key, value, headers and timestamp", async () => {
    const name = await newTopic(1);
    const sent = await client().send(text(name), {
      key: "k",
      value: "v",
      headers: [
        { name: "a", value: Uint8Array.of(1) },
        { name: "a", value: Uint8Array.of(2) },
        { name: "none", value: null },
      ],
      timestamp: 1_700_000_000_123,
    });
    expect(sent).toEqual({ topic: name, partition: 0, offset: 0 });
    const [record] = await read(client(), name, 1);
    expect(record).toMatchObject({
      topic: name,
      partition: 0,
      offset: 0,
      timestamp: 1_700_000_000_123,
      timestampType: "CreateTime",
    });
    expect(words(record?.key)).toBe("k");
    expect(words(record?.value)).toBe("v");
    expect(record?.headerList.map(({ name: header }) => header)).toEqual([
      "a",
      "a",
      "none",
    ]);
    expect([...(record?.headers.get("a") ?? [])]).toEqual([2]);
    expect(record?.headers.get("none")).toBeNull();
  });

  test("a key goes where Java's client puts it", async () => {
    const name = await newTopic(10);
    const partitions = await Promise.all(
      ["foobar", "21"].map(async (key) => {
        const sent = await client().send(text(name), { key, value: "" });
        return sent.partition;
      }),
    );
    // murmur2 of these is -790332482 and -973932308 (Kafka's UtilsTest).
    expect(partitions).toEqual([
      (-790332482 & 0x7fffffff) % 10,
      (-973932308 & 0x7fffffff) % 10,
    ]);
  });

  test("records of one partition keep the order in which they were sent", async () => {
    const name = await newTopic(1);
    const values = Array.from({ length: 2_000 }, (_, index) => `${index}`);
    await using producer = client().producer({ batchSizeBytesMax: 1_000 });
    const sent = values.map((value) =>
      producer.send(text(name), { key: null, value }),
    );
    const offsets = (await Promise.all(sent)).map(({ offset }) => offset);
    expect(offsets).toEqual(values.map((_, index) => index));
    const records = await read(client(), name, values.length);
    expect(records.map(({ value }) => words(value))).toEqual(values);
  });

  test.for(["gzip", "snappy", "lz4", "zstd"] as const)(
    "batches may be compressed with %s",
    async (compression) => {
      const name = await newTopic(1);
      await using producer = client().producer({ compression });
      const value = "again and ".repeat(500);
      await producer.send(text(name), { key: null, value });
      const [record] = await read(client(), name, 1);
      expect(words(record?.value)).toBe(value);
    },
  );

  test.for([1, 0] as const)("records arrive with acks %i", async (acks) => {
    const name = await newTopic(1);
    await using producer = client().producer({ acks });
    const sent = await producer.send(text(name), { key: null, value: "v" });
    expect(sent.offset).toBe(acks === 0 ? -1 : 0);
    const [record] = await read(client(), name, 1);
    expect(words(record?.value)).toBe("v");
  });

  test("a record that is too large is refused and those around it arrive", async () => {
    const name = await newTopic(1);
    const sink = topic(name);
    const send = (sizeBytes: number) =>
      client().send(sink, { key: null, value: new Uint8Array(sizeBytes) });
    const outcomes = await Promise.allSettled([
      send(10),
      send(2 * 1024 * 1024),
      send(20),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(outcomes[1]).toMatchObject({
      reason: { code: "refused", answer: "message-too-large" },
    });
    const records = await read(client(), name, 2);
    expect(records.map(({ value }) => value?.length)).toEqual([10, 20]);
  });

  test("a closed producer and a fired signal say so", async () => {
    const name = await newTopic(1);
    const producer = client().producer();
    const signal = AbortSignal.abort();
    const record = { key: null, value: "v" };
    await expect(
      producer.send(text(name), record, { signal }),
    ).rejects.toMatchObject({ code: "aborted" });
    await producer.close();
    await expect(producer.send(text(name), record)).rejects.toMatchObject({
      code: "closed",
    });
  });

  test("closing a client sends what waits", async () => {
    const name = await newTopic(1);
    const other = await open();
    const sent = other
      .producer({ lingerMs: 60_000 })
      .send(text(name), { key: null, value: "v" });
    await other.close();
    await expect(sent).resolves.toMatchObject({ offset: 0 });
  });
}

function reading({ client, newTopic }: Context): void {
  test("a reader begins at an offset, the earliest, the latest or a time", async () => {
    const name = await newTopic(1);
    for (let index = 0; index < 5; index += 1) {
      const timestamp = 1_700_000_000_000 + index * 1_000;
      const record = { key: null, value: `${index}`, timestamp };
      await client().send(text(name), record);
    }
    const firstFrom = async (
      offset: number | "earliest" | { readonly timestamp: number },
    ): Promise<string> => {
      const reader = client().reader({
        partitions: [{ topic: name, partition: 0, offset }],
      });
      const [record] = await take(reader, 1);
      await reader.close();
      return words(record?.value);
    };
    expect(await firstFrom("earliest")).toBe("0");
    expect(await firstFrom(3)).toBe("3");
    expect(await firstFrom({ timestamp: 1_700_000_001_500 })).toBe("2");
    const at = await client().admin.offsetsAt([
      { topic: name, partition: 0, at: "latest" },
      { topic: name, partition: 0, at: { timestamp: 1_800_000_000_000 } },
    ]);
    expect(at).toEqual([5, null]);
  });

  test("a reader at the latest offset waits for what comes", async () => {
    const name = await newTopic(1);
    await client().send(text(name), { key: null, value: "old" });
    await using reader = client().reader({
      partitions: [{ topic: name, partition: 0, offset: 1 }],
    });
    const taking = take(reader, 1);
    await client().send(text(name), { key: null, value: "new" });
    expect((await taking).map(({ value }) => words(value))).toEqual(["new"]);
  });

  test("an offset out of range is told", async () => {
    const name = await newTopic(1);
    await using reader = client().reader({
      partitions: [{ topic: name, partition: 0, offset: 99 }],
    });
    await expect(take(reader, 1)).rejects.toMatchObject({
      code: "refused",
      answer: "offset-out-of-range",
    });
  });

  test("a signal ends a reader that waits", async () => {
    const name = await newTopic(1);
    const aborter = new AbortController();
    const reader = client().reader({
      partitions: [{ topic: name, partition: 0, offset: 0 }],
      signal: aborter.signal,
    });
    const taking = take(reader, 1);
    aborter.abort();
    await expect(taking).rejects.toMatchObject({ code: "aborted" });
  });
}

function groups({ client, open, newTopic }: Context): void {
  test("a group goes on where it committed", async () => {
    const name = await newTopic(1);
    const group = randomUUID();
    for (const value of ["a", "b", "c"]) {
      await client().send(text(name), { key: null, value });
    }
    const options = { group, topics: [name], from: "earliest" } as const;
    const first = await client().consumer(options);
    const [record] = await take(first, 1);
    expect(words(record?.value)).toBe("a");
    const done = { topic: name, partition: 0, offset: 1, metadata: "why" };
    await first.commit([done]);
    expect(await first.committed([done])).toMatchObject([
      client().supports.commitMetadata ? done : { offset: 1 },
    ]);
    await first.close();
    await using second = await client().consumer(options);
    const [next] = await take(second, 1);
    expect(words(next?.value)).toBe("b");
  });

  test("members share the partitions, and one that leaves gives its own back", async () => {
    const name = await newTopic(4);
    const group = randomUUID();
    const one = await startMember(client(), group, name);
    await one.hasCount(4);
    const other = await open();
    const two = await startMember(other, group, name);
    await Promise.all([one.hasCount(2), two.hasCount(2)]);
    const all = [...one.consumer.assignment, ...two.consumer.assignment];
    const partitions = all.map(({ partition }) => partition).sort();
    expect(partitions).toEqual([0, 1, 2, 3]);
    await other.close();
    await one.hasCount(4);
    await one.consumer.close();
  });

  test("what is committed in onRevoke counts: the next owner begins there", async () => {
    const name = await newTopic(2);
    const group = randomUUID();
    for (const partition of [0, 1]) {
      for (const value of ["a", "b"]) {
        await client().send(text(name), { key: null, value, partition });
      }
    }
    const one = await startMember(client(), group, name, async (consumer) => {
      await consumer.commit(
        [0, 1].map((partition) => ({ topic: name, partition, offset: 2 })),
      );
    });
    await one.hasRecords(4);
    const two = await startMember(client(), group, name);
    await Promise.all([one.hasCount(1), two.hasCount(1)]);
    await client().send(text(name), { key: null, value: "c", partition: 0 });
    await client().send(text(name), { key: null, value: "c", partition: 1 });
    await Promise.all([one.hasRecords(5), two.hasRecords(1)]);
    expect(two.records.map(({ value }) => words(value))).toEqual(["c"]);
    await Promise.all([one.consumer.close(), two.consumer.close()]);
  });

  test("a paused partition is not delivered, the others are", async () => {
    const name = await newTopic(2);
    const one = await startMember(client(), randomUUID(), name);
    await one.hasCount(2);
    one.consumer.pause([{ topic: name, partition: 0 }]);
    for (const partition of [0, 1]) {
      await client().send(text(name), { key: null, value: "v", partition });
    }
    await one.hasRecords(1);
    expect(one.records.map(({ partition }) => partition)).toEqual([1]);
    one.consumer.resume([{ topic: name, partition: 0 }]);
    await one.hasRecords(2);
    await one.consumer.close();
  });

  test("seek goes back", async () => {
    const name = await newTopic(1);
    for (const value of ["a", "b"]) {
      await client().send(text(name), { key: null, value });
    }
    const one = await startMember(client(), randomUUID(), name);
    await one.hasRecords(2);
    await one.consumer.seek({ topic: name, partition: 0, offset: "earliest" });
    await one.hasRecords(4);
    const values = one.records.map(({ value }) => words(value));
    expect(values).toEqual(["a", "b", "a", "b"]);
    await one.consumer.close();
  });

  test("a seek in onAssign decides where reading begins", async () => {
    const name = await newTopic(1);
    for (const value of ["a", "b"]) {
      await client().send(text(name), { key: null, value });
    }
    await using consumer = await client().consumer({
      group: randomUUID(),
      topics: [name],
      from: "earliest",
    });
    const begun: number[] = [];
    consumer.onAssign(async (partitions) => {
      begun.push(...partitions.map(({ offset }) => offset));
      await consumer.seek({ topic: name, partition: 0, offset: 1 });
    });
    const [record] = await take(consumer, 1);
    expect(begun).toEqual([0]);
    expect(words(record?.value)).toBe("b");
  });

  test("a commit of a partition that belongs to nobody here fails", async () => {
    const name = await newTopic(1);
    await using consumer = await client().consumer({
      group: randomUUID(),
      topics: [name],
      from: "earliest",
    });
    const commit = consumer.commit([{ topic: name, partition: 0, offset: 1 }]);
    await expect(commit).rejects.toMatchObject({ code: "commit-failed" });
  });

  test("messages are decoded, and what was acknowledged is committed at the end", async () => {
    const name = await newTopic(1);
    const group = randomUUID();
    for (const value of ["a", "b", "c"]) {
      await client().send(text(name), { key: null, value });
    }
    const seen: (string | null)[] = [];
    for await (const message of client().messages(text(name), {
      group,
      from: "earliest",
    })) {
      seen.push(message.value);
      message.ack();
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["a", "b"]);
    const { offsets } = await client().admin.describeGroup(group);
    expect(offsets).toMatchObject([{ topic: name, offset: 2, lag: 1 }]);
  });

  test("closing ends an iteration that waits", async () => {
    const name = await newTopic(1);
    const consumer = await client().consumer({
      group: randomUUID(),
      topics: [name],
      from: "earliest",
    });
    const taking = take(consumer, 1);
    await consumer.close();
    expect(await taking).toEqual([]);
  });
}

function administration({ client, newTopic }: Context): void {
  test("topics are created once, described, grown and deleted", async () => {
    const { admin } = client();
    const name = `conformance-${randomUUID()}`;
    const configs = { "retention.ms": "60000" };
    expect(await admin.createTopic({ name, partitionCount: 2, configs })).toBe(
      true,
    );
    expect(await admin.createTopic({ name, partitionCount: 3 })).toBe(false);
    await client().send(text(name), { key: null, value: "v", partition: 1 });
    const described = await admin.describeTopic(name);
    expect(described).toMatchObject({ name, partitionCount: 2, configs });
    expect(described.partitions).toMatchObject([
      { partition: 0, startOffset: 0, endOffset: 0 },
      { partition: 1, startOffset: 0, endOffset: 1 },
    ]);
    const names = (await admin.listTopics()).map((one) => one.name);
    expect(names).toContain(name);
    await admin.createPartitions(name, 3);
    await expect
      .poll(async () => (await admin.describeTopic(name)).partitionCount)
      .toBe(3);
    await admin.deleteTopic(name);
    await expect(admin.describeTopic(name)).rejects.toMatchObject({
      code: "refused",
      answer: "unknown-topic-or-partition",
    });
  });

  test("groups are listed, described with their lag, reset and deleted", async () => {
    const { admin } = client();
    const name = await newTopic(1);
    const group = randomUUID();
    for (const value of ["a", "b", "c"]) {
      await client().send(text(name), { key: null, value });
    }
    const one = await startMember(client(), group, name);
    await one.hasRecords(3);
    await one.consumer.commit([{ topic: name, partition: 0, offset: 1 }]);
    const described = await admin.describeGroup(group);
    expect(described).toMatchObject({ group, state: "Stable" });
    expect(described.members.map((member) => member.assignment)).toEqual([
      [{ topic: name, partition: 0 }],
    ]);
    expect(described.offsets).toMatchObject([
      { topic: name, partition: 0, offset: 1, endOffset: 3, lag: 2 },
    ]);
    const reset: TopicPartitionOffset[] = [
      { topic: name, partition: 0, offset: 3 },
    ];
    await expect(admin.resetGroup(group, reset)).rejects.toMatchObject({
      answer: "non-empty-group",
    });
    await one.consumer.close();
    const listed = (await admin.listGroups()).map((each) => each.group);
    expect(listed).toContain(group);
    await admin.resetGroup(group, reset);
    expect((await admin.describeGroup(group)).offsets).toMatchObject([
      { offset: 3, lag: 0 },
    ]);
    await admin.deleteGroup(group);
    await expect(admin.describeGroup(group)).rejects.toMatchObject({
      answer: "group-id-not-found",
    });
  });

  test("a cluster has a broker", async () => {
    const { brokers, clusterId } = await client().admin.describeCluster();
    expect(brokers.length).toBeGreaterThan(0);
    expect(clusterId).not.toBeNull();
  });
}

function text(name: string) {
  return topic(name, { format: "text" });
}

function words(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}

/** The first records of a topic with one partition. */
async function read(
  client: Client,
  name: string,
  count: number,
): Promise<readonly RawRecord[]> {
  await using reader = client.reader({
    partitions: [{ topic: name, partition: 0, offset: "earliest" }],
  });
  // Awaited here: the reader is closed when this returns.
  return await take(reader, count);
}

/** So many records, or fewer if the iteration ends. */
async function take(
  batches: AsyncIterable<PartitionBatch>,
  count: number,
): Promise<readonly RawRecord[]> {
  const records: RawRecord[] = [];
  for await (const batch of batches) {
    records.push(...batch.records);
    if (records.length >= count) break;
  }
  return records.slice(0, count);
}

interface Member {
  readonly consumer: GroupConsumer;
  readonly records: readonly RawRecord[];
  hasCount(count: number): Promise<void>;
  hasRecords(count: number): Promise<void>;
}

/** A member that reads all the time, with fast heartbeats. */
async function startMember(
  client: Client,
  group: string,
  name: string,
  onRevoke: (consumer: GroupConsumer) => Promise<void> = async () => {},
): Promise<Member> {
  const consumer = await client.consumer({
    group,
    topics: [name],
    from: "earliest",
    heartbeatIntervalMs: 100,
    sessionTimeoutMs: 10_000,
  });
  const records: RawRecord[] = [];
  let failure: unknown = null;
  consumer.onRevoke(() => onRevoke(consumer));
  const run = async (): Promise<void> => {
    try {
      for await (const batch of consumer) records.push(...batch.records);
    } catch (error) {
      failure = error;
    }
  };
  void run();
  const until = async (count: number, of: () => number): Promise<void> => {
    await expect
      .poll(
        () => {
          if (failure !== null) throw failure;
          return of();
        },
        { timeout: TIMEOUT_MS / 2, interval: 20 },
      )
      .toBe(count);
  };
  return {
    consumer,
    records,
    hasCount: (count) => until(count, () => consumer.assignment.length),
    hasRecords: (count) => until(count, () => records.length),
  };
}
