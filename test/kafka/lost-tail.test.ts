/** A real Kafka that lost the tail of a log tells our client, as ours does: it has answered diverging epochs since 2.7. */
import { stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Client, connect, topic } from "../../client/index.ts";
import { needs } from "../support/needs.ts";
import { type KafkaBroker, startKafka } from "./kafka-broker.ts";

const orders = topic("orders", { format: "text" });

function connectTo({ host, port }: KafkaBroker): Promise<Client> {
  return connect({ brokers: [`${host}:${port}`] });
}

async function put(client: Client, ...values: readonly string[]) {
  await using producer = client.producer({ acks: 1 });
  for (const value of values) await producer.send(orders, { key: null, value });
}

/** Reads so many as a member of the group, which leaves when they are committed. */
async function read(
  client: Client,
  from: "earliest" | "latest",
  count: number,
): Promise<string[]> {
  await using consumer = await client.consumer({
    group: "g",
    topics: ["orders"],
    from,
  });
  const values: string[] = [];
  for await (const { topic, partition, records } of consumer) {
    for (const { value } of records) {
      values.push(Buffer.from(value ?? []).toString());
    }
    const offset = (records.at(-1)?.offset ?? -1) + 1;
    await consumer.commit([{ topic, partition, offset }]);
    if (values.length >= count) break;
  }
  return values;
}

test(
  "a group goes on where the log was cut",
  { ...needs("kafka").options, timeout: 120_000 },
  async () => {
    const first = await startKafka();
    try {
      const segment = join(
        first.dataDirectory,
        "orders-0",
        "00000000000000000000.log",
      );
      const before = await connectTo(first);
      await before.admin.createTopic({ name: "orders" });
      await put(before, "a", "b");
      const { size } = await stat(segment);
      await put(before, "c", "d");
      expect(await read(before, "earliest", 4)).toEqual(["a", "b", "c", "d"]);
      await before.close();
      await first.kill();
      await truncate(segment, size);

      const { dataDirectory } = first;
      const second = await startKafka({ dataDirectory });
      try {
        const after = await connectTo(second);
        await put(after, "e", "f", "g", "h");
        expect(await read(after, "latest", 4)).toEqual(["e", "f", "g", "h"]);
        await after.close();
      } finally {
        await second.remove();
      }
    } finally {
      await first.remove();
    }
  },
);
