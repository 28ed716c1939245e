import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import { BatchBuilder } from "../../../../broker/record/batch-builder.ts";
import { Compression } from "../../../../broker/record/batch-format.ts";
import { compressionOf } from "../../../../broker/record/batch.ts";
import { KafkaConnection } from "../../../support/kafka-connection.ts";
import {
  batchOf,
  epochMs,
  fetch,
  fetchBody,
  produce,
  TestBroker,
  valuesIn,
} from "./support.ts";

const OFFSET_OUT_OF_RANGE = 1;
const ZERO_ID = "AAAAAAAAAAAAAAAAAAAAAA";

async function idOf(connection: KafkaConnection, topic: string) {
  const { topics } = await connection.request(3, 12, {
    topics: [{ name: topic, topicId: ZERO_ID }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return topics[0]?.topicId ?? "";
}

test.each([4, 5, 6, 7, 8, 9, 10, 11, 12, 13])(
  "version %i reads, by name or by id",
  async (version) => {
    await using host = await TestBroker.open();
    await host.createTopic("orders");
    const connection = await host.connect();
    await produce(connection, "orders", batchOf(["a", "b"]));
    const topicId = await idOf(connection, "orders");
    const more = { topicId };
    const answer = await fetch(connection, "orders", 0, more, version);
    expect(answer).toMatchObject({ errorCode: 0, highWatermark: 2 });
    expect(valuesIn(answer.records)).toEqual(["a", "b"]);
  },
);

test("an offset inside a batch is answered with the whole batch", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["a", "b", "c"]));
  const answer = await fetch(connection, "orders", 2);
  expect(valuesIn(answer.records)).toEqual(["a", "b", "c"]);
});

test("an id that nobody has is UNKNOWN_TOPIC_ID, also after the topic was made anew", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const oldId = await idOf(connection, "orders");
  await connection.request(20, 5, {
    topics: [],
    topicNames: ["orders"],
    timeoutMs: 1_000,
  });
  await host.createTopic("orders");
  const newId = await idOf(connection, "orders");
  expect(newId).not.toBe(oldId);
  const old = { topicId: oldId };
  expect((await fetch(connection, "", 0, old, 13)).errorCode).toBe(100);
  const current = { topicId: newId };
  expect((await fetch(connection, "", 0, current, 13)).errorCode).toBe(0);
});

test("a topic that stands in a request once per partition is answered each time", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders", 2);
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["a"]), { partition: 0 });
  await produce(connection, "orders", batchOf(["b"]), { partition: 1 });
  const [first] = fetchBody("orders", 0, { partition: 0 }).topics;
  const [second] = fetchBody("orders", 0, { partition: 1 }).topics;
  if (first === undefined || second === undefined) throw new Error("no topics");
  const { responses } = await connection.request(1, 12, {
    ...fetchBody("orders", 0),
    topics: [first, second],
  });
  expect(
    responses.map(({ partitions }) =>
      partitions.map(({ partitionIndex, records }) => [
        partitionIndex,
        ...valuesIn(records),
      ]),
    ),
  ).toEqual([[[0, "a"]], [[1, "b"]]]);
});

test("an offset behind the end is OFFSET_OUT_OF_RANGE, told with where the log is", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["a"]));
  for (const offset of [2, -1, -2, Number.MIN_SAFE_INTEGER]) {
    const answer = await fetch(connection, "orders", offset);
    expect(answer).toMatchObject({
      errorCode: OFFSET_OUT_OF_RANGE,
      highWatermark: 1,
      logStartOffset: 0,
    });
  }
  expect((await fetch(connection, "orders", 1)).errorCode).toBe(0);
});

test("a leader epoch that is behind is fenced, one that is ahead is unknown", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const at = async (currentLeaderEpoch: number) =>
    (await fetch(connection, "orders", 0, { currentLeaderEpoch })).errorCode;
  expect(await at(0)).toBe(0);
  expect(await at(-1)).toBe(0);
  expect(await at(5)).toBe(75);
  expect(await at(-7)).toBe(74);
});

test("a codec comes back as it was produced", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  for (const codec of ["gzip", "snappy", "lz4", "zstd"] as const) {
    const builder = new BatchBuilder();
    const value = Buffer.alloc(1_000, "x");
    builder.append({ key: null, value, headers: [], timestampMs: epochMs });
    const batch = builder.buildCompressed(codec);
    if (batch instanceof Error) throw batch;
    const sent = Buffer.from(batch);
    const { baseOffset } = await produce(connection, "orders", batch);
    const { records } = await fetch(connection, "orders", baseOffset);
    const bytes = records ?? new Uint8Array();
    expect(compressionOf(bytes, 0)).toBe(Compression[codec]);
    // All but base offset and leader epoch, which are the broker's.
    expect(Buffer.from(bytes).subarray(16)).toEqual(sent.subarray(16));
  }
});

test("a topic set to zstd is not read below version 10", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("dense", 1, { "compression.type": "zstd" });
  await host.createTopic("plain");
  const connection = await host.connect();
  expect((await fetch(connection, "dense", 0, {}, 9)).errorCode).toBe(76);
  expect((await fetch(connection, "dense", 0, {}, 10)).errorCode).toBe(0);
  expect((await fetch(connection, "plain", 0, {}, 9)).errorCode).toBe(0);
});

test("sessions are answered as none, and one we never gave is not found", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const ask = (sessionId: number, sessionEpoch: number) =>
    connection.request(1, 12, {
      ...fetchBody("orders", 0),
      sessionId,
      sessionEpoch,
    });
  expect(await ask(0, 0)).toMatchObject({ errorCode: 0, sessionId: 0 });
  expect(await ask(0, -1)).toMatchObject({ errorCode: 0, sessionId: 0 });
  // A client that gives up a session begins a new one with epoch 0.
  expect(await ask(17, 0)).toMatchObject({ errorCode: 0, sessionId: 0 });
  expect(await ask(17, 3)).toMatchObject({ errorCode: 70, responses: [] });
});

test("an empty partition is waited for once, to one deadline", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  let isAnswered = false;
  const more = { maxWaitMs: 500, minBytes: 1_000 };
  const waiting = fetch(connection, "orders", 0, more).then((answer) => {
    isAnswered = true;
    return answer;
  });
  const other = await host.connect();
  for (let round = 0; round < 4; round += 1) {
    await host.clock.advanceAndSettle(124);
    await produce(other, "orders", batchOf([`${round}`]));
  }
  await host.clock.advanceAndSettle(3);
  expect(isAnswered).toBe(false);
  await host.clock.advanceAndSettle(1);
  expect(isAnswered).toBe(true);
  expect(valuesIn((await waiting).records)).toEqual(["0", "1", "2", "3"]);
});

test("an append wakes a fetch that waits, without a timer", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const waiting = fetch(connection, "orders", 0, { maxWaitMs: 10_000 });
  await host.clock.settle();
  const other = await host.connect();
  await produce(other, "orders", batchOf(["a"]));
  expect(valuesIn((await waiting).records)).toEqual(["a"]);
});

test("a fetch that waits holds its connection, and no other", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const order: string[] = [];
  const fetched = fetch(connection, "orders", 0, { maxWaitMs: 300 });
  const behind = produce(connection, "orders", batchOf(["behind"]));
  void fetched.then(() => order.push("fetch"));
  void behind.then(() => order.push("produce"));
  const other = await host.connect();
  expect((await fetch(other, "orders", 0)).highWatermark).toBe(0);
  expect(order).toEqual([]);
  await host.clock.advanceAndSettle(300);
  await behind;
  expect(order).toEqual(["fetch", "produce"]);
  expect((await fetched).records).toEqual(new Uint8Array(0));
});

test("limits hold for a partition and for the whole, but one batch always goes out", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders", 2);
  const connection = await host.connect();
  const value = "x".repeat(1_000);
  for (const partition of [0, 0, 0, 1, 1, 1]) {
    await produce(connection, "orders", batchOf([value]), { partition });
  }
  const counts = async (limits: {
    maxBytes: number;
    partitionMaxBytes: number;
  }) => {
    const [topic] = fetchBody("orders", 0, limits).topics;
    const [first] = topic?.partitions ?? [];
    if (topic === undefined || first === undefined) throw new Error("no topic");
    const partitions = [first, { ...first, partition: 1 }];
    const { responses } = await connection.request(1, 12, {
      ...fetchBody("orders", 0, limits),
      topics: [{ ...topic, partitions }],
    });
    return responses[0]?.partitions.map(
      ({ records }) => valuesIn(records).length,
    );
  };
  const all = { maxBytes: 1_000_000, partitionMaxBytes: 1_000_000 };
  expect(await counts(all)).toEqual([3, 3]);
  expect(await counts({ ...all, partitionMaxBytes: 2_300 })).toEqual([2, 2]);
  expect(await counts({ ...all, maxBytes: 4_500 })).toEqual([3, 1]);
  // Too small for any: the first partition that has something gives one.
  expect(await counts({ ...all, maxBytes: 1 })).toEqual([1, 0]);
  expect(await counts({ ...all, partitionMaxBytes: 1 })).toEqual([1, 0]);
  expect(await counts({ maxBytes: -5, partitionMaxBytes: -5 })).toEqual([1, 0]);
});

test("aborted transactions are told to who reads committed, and to nobody else", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const abortedFor = async (isolationLevel: number) =>
    (await fetch(connection, "orders", 0, { isolationLevel }))
      .abortedTransactions;
  expect(await abortedFor(0)).toBeNull();
  expect(await abortedFor(1)).toEqual([]);
});

test("a reader whose last record is not in the log is told where they part", async () => {
  const disk = new MemoryDisk();
  {
    await using host = await TestBroker.open({}, disk);
    await host.createTopic("orders");
    const connection = await host.connect();
    await produce(connection, "orders", batchOf(["a", "b"]));
  }
  // As after a crash: the next opening is another epoch.
  await disk.remove("/data/.kafka_cleanshutdown");
  await using host = await TestBroker.open({}, disk);
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["c"]));
  // It had read four records in epoch 0, two of which were lost.
  const lost = await fetch(connection, "orders", 4, { lastFetchedEpoch: 0 });
  expect(lost).toMatchObject({
    errorCode: 0,
    highWatermark: 3,
    divergingEpoch: { epoch: 0, endOffset: 2 },
  });
  expect(valuesIn(lost.records)).toEqual([]);
  const kept = await fetch(connection, "orders", 2, { lastFetchedEpoch: 0 });
  expect(kept.divergingEpoch).toEqual({ epoch: -1, endOffset: -1 });
  expect(valuesIn(kept.records)).toEqual(["c"]);
  const ahead = await fetch(connection, "orders", 2, { lastFetchedEpoch: 9 });
  expect(ahead.errorCode).toBe(OFFSET_OUT_OF_RANGE);
});
