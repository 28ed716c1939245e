/**
 * Kafka's protocol on a broker whose log lost its tail while nobody looked, as
 * a power cut does it to records at acks 1: what takes the lost offsets is read.
 */
import { rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Broker, openBroker } from "../../../../broker/index.ts";
import {
  type Client,
  connect,
  type GroupConsumer,
  type Producer,
  topic,
} from "../../../../client/index.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../../../support/temporary-directory.ts";

const orders = topic("orders", { format: "text" });

let directory: TemporaryDirectory;
let segment: string;
let broker: Broker;
let port = 0;
let client: Client;
let producer: Producer;

async function start(): Promise<void> {
  const dir = directory.path;
  broker = await openBroker({ dir, listen: { port, host: "127.0.0.1" } });
  port = broker.addresses[0]?.port ?? 0;
}

/** What a power cut leaves: the log cut, and no word of how far it was synced. */
async function restartCutTo(sizeBytes: number): Promise<void> {
  await broker.close();
  await truncate(segment, sizeBytes);
  for (const name of [
    ".kafka_cleanshutdown",
    "recovery-point-offset-checkpoint",
  ]) {
    await rm(join(directory.path, name));
  }
  await start();
}

beforeEach(async () => {
  directory = await createTemporaryDirectory();
  segment = join(directory.path, "orders-0", "00000000000000000000.log");
  port = 0;
  await start();
  client = await connect({ brokers: [`127.0.0.1:${port}`] });
  await client.admin.createTopic({ name: "orders" });
  producer = client.producer({ acks: 1 });
});

afterEach(async () => {
  await client.close();
  await broker.close();
  await directory.remove();
});

async function put(...values: readonly string[]): Promise<void> {
  for (const value of values) await producer.send(orders, { key: null, value });
}

const sizeOfSegment = async () => (await stat(segment)).size;

async function joinGroup(from: "earliest" | "latest"): Promise<GroupConsumer> {
  const isolation = "read_uncommitted";
  return client.consumer({ group: "g", topics: ["orders"], from, isolation });
}

/** Reads until it has as many values, commits each batch, and goes on reading. */
function reading(consumer: GroupConsumer) {
  const values: string[] = [];
  let count = 0;
  let enough = Promise.withResolvers<void>();
  const done = (async () => {
    for await (const { topic, partition, records } of consumer) {
      for (const { value } of records) {
        values.push(Buffer.from(value ?? []).toString());
      }
      const offset = (records.at(-1)?.offset ?? -1) + 1;
      await consumer.commit([{ topic, partition, offset }]);
      if (values.length >= count) enough.resolve();
    }
  })();
  return {
    values,
    done,
    async until(wanted: number): Promise<void> {
      count = wanted;
      if (values.length >= wanted) return;
      enough = Promise.withResolvers();
      await enough.promise;
    },
  };
}

test.each(["earliest", "latest"] as const)(
  "a group reads what took the lost offsets when its offset lies behind them (%s)",
  async (from) => {
    await put("a", "b");
    const sizeBytes = await sizeOfSegment();
    await put("c", "d");
    const first = await joinGroup("earliest");
    const before = reading(first);
    await before.until(4);
    await first.close();
    await before.done;
    await restartCutTo(sizeBytes);
    await put("e", "f", "g", "h");
    const second = await joinGroup(from);
    const after = reading(second);
    await after.until(4);
    expect(after.values).toEqual(["e", "f", "g", "h"]);
    await second.close();
    await after.done;
  },
);

test("a member that is reading goes back to where the log was cut", async () => {
  await put("a", "b");
  const sizeBytes = await sizeOfSegment();
  await put("c", "d");
  const consumer = await joinGroup("earliest");
  const { values, until, done } = reading(consumer);
  await until(4);
  await restartCutTo(sizeBytes);
  await put("e", "f", "g");
  await until(7);
  expect(values).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
  await consumer.close();
  await done;
});

test("a log that lost nothing is read on after an unclean stop, and nothing twice", async () => {
  await put("a", "b");
  const consumer = await joinGroup("earliest");
  const { values, until, done } = reading(consumer);
  await until(2);
  await restartCutTo(await sizeOfSegment());
  await put("c");
  await until(3);
  await consumer.close();
  await done;
  const next = reading(await joinGroup("earliest"));
  await put("d");
  await next.until(1);
  expect([...values, ...next.values]).toEqual(["a", "b", "c", "d"]);
});
