import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import {
  BatchBuilder,
  buildBatch,
} from "../../../../broker/record/batch-builder.ts";
import type { CompressionName } from "../../../../broker/record/batch-format.ts";
import { correlationIdOf } from "../../../../broker/wire/kafka/headers.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import {
  batchOf,
  epochMs,
  fetch,
  produce,
  produceBody,
  TestBroker,
  valuesIn,
} from "./support.ts";

const INVALID_RECORD = 87;
const UNSUPPORTED_COMPRESSION_TYPE = 76;
const UNKNOWN_TOPIC_OR_PARTITION = 3;

function compressed(codec: CompressionName): Uint8Array {
  const builder = new BatchBuilder();
  const value = Buffer.alloc(1_000, "x");
  builder.append({ key: null, value, headers: [], timestampMs: epochMs });
  const batch = builder.buildCompressed(codec);
  if (batch instanceof Error) throw batch;
  return new Uint8Array(batch);
}

function transactional(): Uint8Array {
  const record = { key: null, value: null, headers: [], timestampMs: epochMs };
  const producer = { id: 1, epoch: 0, baseSequence: 0 };
  return buildBatch([record], { producer, isTransactional: true });
}

test.each([3, 4, 5, 6, 7, 8, 9, 10, 11])(
  "what version %i produces is fetched",
  async (version) => {
    await using host = await TestBroker.open();
    await host.createTopic("orders");
    const connection = await host.connect();
    const batch = batchOf(["a", "b"]);
    const produced = await produce(connection, "orders", batch, {}, version);
    expect(produced).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const fetched = await fetch(connection, "orders", 0);
    expect(valuesIn(fetched.records)).toEqual(["a", "b"]);
  },
);

test("acks 0 is not answered, and the requests behind it are", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const body = produceBody("orders", batchOf(["a"]), { acks: 0 });
  connection.sendRequest(0, 9, body);
  const next = await produce(connection, "orders", batchOf(["b"]));
  expect(next.baseOffset).toBe(1);
  const fetched = await fetch(connection, "orders", 0);
  expect(valuesIn(fetched.records)).toEqual(["a", "b"]);
  expect(connection.arrivedCount).toBe(0);
});

test("acks 0 and a refusal close the connection with one line, and no other", async () => {
  await using host = await TestBroker.open({ autoCreateTopics: false });
  const connection = await host.connect();
  const other = await host.connect();
  const body = produceBody("nowhere", batchOf(["a"]), { acks: 0 });
  connection.sendRequest(0, 9, body);
  await connection.closed;
  expect(connection.arrivedCount).toBe(0);
  expect(host.warnings).toHaveLength(1);
  expect(host.warnings[0]?.fields).toMatchObject({
    reason: expect.stringContaining("nowhere-0: unknown-topic-or-partition"),
  });
  await produce(other, "nowhere", batchOf(["a"]));
});

test.each([
  ["no records", null, INVALID_RECORD],
  ["no batch", new Uint8Array(0), INVALID_RECORD],
  [
    "two batches",
    Buffer.concat([batchOf(["a"]), batchOf(["b"])]),
    INVALID_RECORD,
  ],
  ["magic 1", withByte(batchOf(["a"]), 16, 1), INVALID_RECORD],
  ["magic 3", withByte(batchOf(["a"]), 16, 3), 2],
  ["a wrong CRC", withByte(batchOf(["a"]), 17, 0xee), 2],
  ["half a batch", batchOf(["a", "b"]).subarray(0, 70), INVALID_RECORD],
  [
    "a batch of a transaction without its id",
    new Uint8Array(transactional()),
    53,
  ],
])("%s is refused", async (_what, records, errorCode) => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const answer = await produce(connection, "orders", records);
  expect(answer).toMatchObject({ errorCode, baseOffset: -1 });
  const after = await produce(connection, "orders", batchOf(["good"]));
  expect(after).toMatchObject({ errorCode: 0, baseOffset: 0 });
});

test("zstd is refused below version 7 and kept from there on", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const zstd = (): Uint8Array => compressed("zstd");
  const old = await produce(connection, "orders", zstd(), {}, 6);
  expect(old.errorCode).toBe(UNSUPPORTED_COMPRESSION_TYPE);
  const gzip = await produce(connection, "orders", compressed("gzip"), {}, 6);
  expect(gzip.errorCode).toBe(0);
  const recent = await produce(connection, "orders", zstd(), {}, 7);
  expect(recent).toMatchObject({ errorCode: 0, baseOffset: 1 });
});

test("a batch over max.message.bytes is refused with MESSAGE_TOO_LARGE", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders", 1, { "max.message.bytes": "200" });
  const connection = await host.connect();
  const large = await produce(connection, "orders", batchOf(["x".repeat(200)]));
  expect(large.errorCode).toBe(10);
  const small = await produce(connection, "orders", batchOf(["x"]));
  expect(small.errorCode).toBe(0);
});

test("a batch that grows over max.message.bytes when the topic compresses it anew is refused", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("plain", 1, {
    "compression.type": "uncompressed",
    "max.message.bytes": "500",
  });
  const connection = await host.connect();
  // A thousand bytes, which as gzip have far less.
  const large = await produce(connection, "plain", compressed("gzip"));
  expect(large).toMatchObject({ errorCode: 10, baseOffset: -1 });
  const small = await produce(connection, "plain", batchOf(["x"]));
  expect(small).toMatchObject({ errorCode: 0, baseOffset: 0 });
});

test("a record without a key is refused by a compacted topic", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("latest", 1, { "cleanup.policy": "compact" });
  const connection = await host.connect();
  const answer = await produce(connection, "latest", batchOf(["a"]));
  expect(answer.errorCode).toBe(INVALID_RECORD);
});

test.each([2, -2, 32_767])("acks %i is INVALID_REQUIRED_ACKS", async (acks) => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const answer = await produce(connection, "orders", batchOf(["a"]), { acks });
  expect(answer.errorCode).toBe(21);
});

test("a transactional produce gets an error that clients do not retry", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const answer = await produce(connection, "orders", batchOf(["a"]), {
    transactionalId: "tx",
  });
  expect(answer.errorCode).toBe(53);
});

test.each([-1, 1, 2_147_483_647, -2_147_483_648])(
  "partition %i of a topic with one is unknown",
  async (partition) => {
    await using host = await TestBroker.open();
    await host.createTopic("orders");
    const connection = await host.connect();
    const more = { partition };
    const answer = await produce(connection, "orders", batchOf(["a"]), more);
    expect(answer.errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
  },
);

test("each partition has its own answer, in the order of the request", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("a", 2);
  const connection = await host.connect();
  const { responses } = await connection.request(0, 9, {
    acks: 1,
    timeoutMs: 1_000,
    topicData: [
      {
        name: "missing",
        partitionData: [{ index: 0, records: batchOf(["x"]) }],
      },
      {
        name: "a",
        partitionData: [
          { index: 1, records: batchOf(["x"]) },
          { index: 7, records: batchOf(["x"]) },
          { index: 0, records: withByte(batchOf(["x"]), 17, 0xee) },
        ],
      },
    ],
  });
  expect(
    responses.map(({ name, partitionResponses }) => [
      name,
      ...partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
    ]),
  ).toEqual([
    ["missing", [0, UNKNOWN_TOPIC_OR_PARTITION]],
    ["a", [1, 0], [7, UNKNOWN_TOPIC_OR_PARTITION], [0, 2]],
  ]);
});

test("duplicates are answered with the first offset, gaps are refused", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const { producerId, producerEpoch } = await connection.request(22, 4, {
    transactionalId: null,
    transactionTimeoutMs: 60_000,
  });
  const send = (baseSequence: number, epoch = producerEpoch) =>
    produce(
      connection,
      "orders",
      batchOf(["a", "b"], { id: producerId, epoch, baseSequence }),
    );
  expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect(await send(2)).toMatchObject({ errorCode: 0, baseOffset: 2 });
  expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0 });
  expect((await send(8)).errorCode).toBe(45);
  expect(await send(0, producerEpoch + 1)).toMatchObject({
    errorCode: 0,
    baseOffset: 4,
  });
  expect((await send(4)).errorCode).toBe(47);
});

test("an append time stands in the answer where the topic says so", async () => {
  await using host = await TestBroker.open();
  const config = { "message.timestamp.type": "LogAppendTime" };
  await host.createTopic("stamped", 1, config);
  const connection = await host.connect();
  const answer = await produce(connection, "stamped", batchOf(["a"]));
  expect(answer.logAppendTimeMs).toBe(host.clock.now());
});

test("acks -1 on a disk that stalls is REQUEST_TIMED_OUT at its time-out, acks 1 is not", async () => {
  const stall = Promise.withResolvers<void>();
  const disk = new StallingDisk(new MemoryDisk());
  await using host = await TestBroker.open({}, disk);
  await host.createTopic("orders");
  const connection = await host.connect();
  disk.stall = stall.promise;
  const more = { acks: -1, timeoutMs: 500 };
  let late: number | null = null;
  void produce(connection, "orders", batchOf(["a"]), more).then((answer) => {
    late = answer.errorCode;
  });
  const other = await host.connect();
  const quick = await produce(other, "orders", batchOf(["b"]), { acks: 1 });
  expect(quick).toMatchObject({ errorCode: 0, baseOffset: 1 });
  await host.clock.advanceAndSettle(499);
  expect(late).toBe(null);
  await host.clock.advanceAndSettle(1);
  expect(late).toBe(7);
  stall.resolve();
});

test("a produce that waits for the disk holds up no other: offsets at once, answers in order", async () => {
  const stall = Promise.withResolvers<void>();
  const disk = new StallingDisk(new MemoryDisk());
  await using host = await TestBroker.open({}, disk);
  await host.createTopic("orders");
  const connection = await host.connect();
  disk.stall = stall.promise;
  const durable = produceBody("orders", batchOf(["a"]), { acks: -1 });
  const sent = [
    connection.sendRequest(0, 9, durable),
    connection.sendRequest(0, 9, produceBody("orders", batchOf(["b"]))),
    connection.sendRequest(16, 4, { statesFilter: [] }),
  ];
  await host.clock.settle(20);
  expect(connection.arrivedCount).toBe(0);
  // Both have their offsets: the second was processed while the first waited.
  const other = await host.connect();
  const fetched = await fetch(other, "orders", 0);
  expect(valuesIn(fetched.records)).toEqual(["a", "b"]);
  stall.resolve();
  const answered = [];
  for (const _ of sent) {
    answered.push(correlationIdOf(await connection.nextFrame()));
  }
  expect(answered).toEqual(sent);
});

/** Syncs of files wait as long as a test wants. */
class StallingDisk extends FailingDisk {
  stall: Promise<void> = Promise.resolve();

  override async open(
    path: string,
    mode: "read" | "append" | "create",
  ): ReturnType<FailingDisk["open"]> {
    const file = await super.open(path, mode);
    const sync = file.sync.bind(file);
    file.sync = async () => {
      await this.stall;
      await sync();
    };
    return file;
  }
}

function withByte(
  bytes: Uint8Array,
  position: number,
  value: number,
): Uint8Array {
  bytes[position] = value;
  return bytes;
}

test("nobody produces to the broker's own topics", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("orders");
  const connection = await host.connect();
  const answer = await produce(
    connection,
    "__consumer_offsets",
    batchOf(["a"]),
  );
  expect(answer).toMatchObject({ errorCode: 17, baseOffset: -1 });
});

test("a record without a key is named, where its topic is compacted", async () => {
  await using host = await TestBroker.open();
  await host.createTopic("latest", 1, { "cleanup.policy": "compact" });
  const connection = await host.connect();
  const answer = await produce(connection, "latest", batchOf(["a"]));
  expect(answer).toMatchObject({
    errorCode: INVALID_RECORD,
    recordErrors: [
      { batchIndex: 0, batchIndexErrorMessage: "record 0 has no key" },
    ],
  });
});
