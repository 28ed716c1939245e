import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBroker, type Broker } from "../../../../broker/index.ts";
import { concatBytes } from "../../../../broker/lib/bytes.ts";
import { compactApis } from "../../../../broker/wire/compact/apis.ts";
import { decodeHead } from "../../../../broker/wire/compact/compact-frame.ts";
import { PREFACE } from "../../../../broker/wire/compact/preface.ts";
import { packArray } from "../../../../broker/wire/msgpack.ts";
import { batchOf } from "../../../client/drivers/compact/support.ts";
import { greeting, helloBytes, RawClient, requestBytes } from "./raw-client.ts";

let broker: Broker;
let client: RawClient;
beforeAll(async () => {
  broker = await openBroker();
  client = connect();
  client.write(greeting);
  await client.take();
  const topics = [{ name: "t", partitionCount: 2, configs: [] }];
  client.write(
    requestBytes("create-topics", 2, { topics, validateOnly: false }),
  );
  await client.take();
});
afterAll(() => broker.close());

function connect(): RawClient {
  return new RawClient(broker.connect());
}

function framed(body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

describe("hello", () => {
  test("agrees on the highest version both speak, and tells the frame limit", async () => {
    const newer = connect();
    const offer = { versionMin: 1, versionMax: 7, clientId: null };
    const bytes = requestBytes("hello", 9, { ...offer, credentials: null });
    newer.write(PREFACE, bytes);
    const frame = await newer.take();
    expect(decodeHead(frame)).toEqual({ kind: 1, correlationId: 9, api: 1 });
    expect(compactApis.hello.answer.decode(frame).fields).toEqual({
      version: 1,
      clusterId: broker.clusterId,
      nodeId: broker.nodeId,
      frameSizeBytesMax: 100 * 1024 * 1024,
    });
    newer.destroy();
  });

  const metadata = requestBytes("metadata", 1, {
    topics: null,
    mayCreate: false,
  });
  const tooNew = { versionMin: 2, versionMax: 3, clientId: null };
  const secret = { mechanism: "PLAIN", secret: Uint8Array.of(1) };
  test.each([
    ["not-greeted", metadata],
    [
      "version-not-supported",
      requestBytes("hello", 1, { ...tooNew, credentials: null }),
    ],
    [
      "invalid-request",
      requestBytes("hello", 1, {
        ...tooNew,
        versionMin: 1,
        credentials: secret,
      }),
    ],
    ["protocol-violation", framed(packArray([0, 1, 999]))],
    ["protocol-violation", framed(packArray([1, 1, 1]))],
    ["protocol-violation", framed(Uint8Array.of(0xc1))],
    ["protocol-violation", framed(new Uint8Array(0))],
    ["protocol-violation", framed(packArray([0, 1, 1, "1", 1, null, null]))],
  ])("%s is said, and the connection closes", async (code, bytes) => {
    const wrong = connect();
    wrong.write(PREFACE, bytes);
    expect(await wrong.takeErrorCode()).toBe(code);
    await wrong.closed;
  });

  test("a second time is one too often", async () => {
    const twice = connect();
    twice.write(greeting, helloBytes);
    await twice.take();
    expect(await twice.takeErrorCode()).toBe("protocol-violation");
    await twice.closed;
  });
});

describe("frames", () => {
  test("behind one that cannot be read are not handled, those before it are answered", async () => {
    const wrong = connect();
    const ask = requestBytes("describe-cluster", 5, {});
    wrong.write(concatBytes([greeting, ask, framed(Uint8Array.of(0x90)), ask]));
    await wrong.take();
    expect(decodeHead(await wrong.take()).correlationId).toBe(5);
    expect(await wrong.takeErrorCode()).toBe("protocol-violation");
    await wrong.closed;
    expect(wrong.frames).toEqual([]);
  });

  test("larger than the limit close the connection, and no other", async () => {
    const large = connect();
    large.write(greeting, Uint8Array.of(0x7f, 0xff, 0xff, 0xff));
    await large.closed;
    client.write(requestBytes("describe-cluster", 6, {}));
    expect(decodeHead(await client.take()).correlationId).toBe(6);
  });

  test("of Kafka's protocol are served on the same port", async () => {
    // ApiVersions 0 without a client id, correlation id 77.
    const kafka = connect();
    kafka.write(framed(Uint8Array.of(0, 18, 0, 0, 0, 0, 0, 77, 0xff, 0xff)));
    expect([...(await kafka.take()).subarray(0, 6)]).toEqual([
      0, 0, 0, 77, 0, 0,
    ]);
    kafka.destroy();
  });
});

describe("produce", () => {
  const fields = (acks: number, sizeBytes: number) => ({
    acks,
    timeoutMs: 1_000,
    partitions: [{ topic: "t", partition: 0, sizeBytes }],
  });

  test("with sizes that do not add up is refused, and the connection goes on", async () => {
    const batch = batchOf("a");
    for (const sizeBytes of [
      0,
      batch.length - 1,
      batch.length + 1,
      2 ** 32 - 1,
    ]) {
      client.write(requestBytes("produce", 7, fields(1, sizeBytes), batch));
      expect(await client.takeErrorCode()).toBe("invalid-request");
    }
    client.write(requestBytes("produce", 8, fields(1, batch.length), batch));
    const frame = await client.take();
    const { partitions } = compactApis.produce.answer.decode(frame).fields;
    expect(partitions[0]).toMatchObject({ error: null, baseOffset: 0 });
  });

  test("with acks 0 and such sizes ends the connection: no answer could tell", async () => {
    const quiet = connect();
    quiet.write(
      greeting,
      requestBytes("produce", 7, fields(0, 9), batchOf("a")),
    );
    await quiet.take();
    expect(await quiet.takeErrorCode()).toBe("protocol-violation");
    await quiet.closed;
  });

  test("of damaged bytes tells which, with the meaning of the word", async () => {
    const batch = batchOf("a");
    batch[batch.length - 1] = 0xee;
    client.write(requestBytes("produce", 9, fields(1, batch.length), batch));
    const frame = await client.take();
    const { partitions } = compactApis.produce.answer.decode(frame).fields;
    expect(partitions[0]?.error).toMatchObject({
      code: "corrupt-batch",
      message: "the batch is damaged",
    });
  });
});

test("a fetch answers sizes in the header and the batches behind it", async () => {
  const batch = batchOf("a", "b");
  const partitions = [{ topic: "t", partition: 1, sizeBytes: batch.length }];
  client.write(
    requestBytes("produce", 10, { acks: 1, timeoutMs: 1, partitions }, batch),
  );
  await client.take();
  const wanted = {
    topic: "t",
    offset: 0,
    sizeBytesMax: 1_000,
    leaderEpoch: null,
  };
  client.write(
    requestBytes("fetch", 11, {
      waitMsMax: 0,
      sizeBytesMin: 1,
      sizeBytesMax: 1_000,
      isCommittedOnly: false,
      partitions: [
        { ...wanted, partition: 1 },
        { ...wanted, partition: 5 },
        { ...wanted, partition: 1, offset: 1 },
      ],
    }),
  );
  const { fields, payload } = compactApis.fetch.answer.decode(
    await client.take(),
  );
  const sizes = fields.partitions.map(({ sizeBytes }) => sizeBytes);
  expect(sizes).toEqual([batch.length, 0, batch.length]);
  expect(fields.partitions[1]?.error?.code).toBe("unknown-topic-or-partition");
  expect(payload).toHaveLength(2 * batch.length);
});

test("a subscription beyond what a connection may have is refused", async () => {
  const greedy = connect();
  greedy.write(greeting);
  await greedy.take();
  for (let id = 0; id < 17; id += 1) {
    const fields = {
      subscription: id,
      round: 1,
      isCommittedOnly: false,
      partitionSizeBytesMax: 1_000,
      creditSizeBytes: 1,
      positions: [],
      removed: [],
    };
    greedy.write(requestBytes("subscribe", id + 2, fields));
    const { kind } = decodeHead(await greedy.take());
    expect(kind).toBe(id < 16 ? 1 : 2);
  }
  greedy.destroy();
});
