/** One group of members that are different clients on different protocols. */
import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import { expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { type Client, connect, topic } from "../../client/index.ts";

const TIMEOUT_MS = 30_000;

test(
  "kafkajs, Millrace in process and Millrace over Kafka's protocol share one group",
  { timeout: TIMEOUT_MS },
  async () => {
    await using broker = await openBroker({
      listen: { host: "127.0.0.1", port: 0 },
    });
    const address = `127.0.0.1:${broker.addresses[0]?.port}`;
    await using embedded = await connect({ broker });
    await using overKafka = await connect({ brokers: [address] });
    const name = "shared";
    await embedded.admin.createTopic({ name, partitionCount: 6 });
    const group = randomUUID();
    const seen: string[] = [];
    const members = await Promise.all([
      member(embedded, group, name, seen),
      member(overKafka, group, name, seen),
    ]);
    const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
    const kafkajs = kafka.consumer({ groupId: group, heartbeatInterval: 100 });
    let countOfKafkajs = 0;
    kafkajs.on("consumer.group_join", ({ payload }) => {
      countOfKafkajs = payload.memberAssignment[name]?.length ?? 0;
    });
    try {
      await kafkajs.connect();
      await kafkajs.subscribe({ topics: [name], fromBeginning: true });
      await kafkajs.run({
        eachMessage: async ({ message }) => {
          seen.push(`${message.value}`);
        },
      });
      await expect
        .poll(
          () => [
            countOfKafkajs,
            ...members.map((one) => one.assignment.length),
          ],
          { timeout: TIMEOUT_MS / 2 },
        )
        .toEqual([2, 2, 2]);
      const values = Array.from({ length: 30 }, (_, index) => `${index}`);
      const sink = topic(name, { format: "text" });
      for (const [index, value] of values.entries()) {
        await embedded.send(sink, { key: null, value, partition: index % 6 });
      }
      await expect
        .poll(() => seen.toSorted(), { timeout: TIMEOUT_MS / 2 })
        .toEqual(values.toSorted());
    } finally {
      await kafkajs.disconnect();
    }
  },
);

async function member(
  client: Client,
  group: string,
  name: string,
  seen: string[],
) {
  const consumer = await client.consumer({
    group,
    topics: [name],
    from: "earliest",
    heartbeatIntervalMs: 100,
    sessionTimeoutMs: 10_000,
  });
  const read = async (): Promise<void> => {
    for await (const { records } of consumer) {
      for (const { value } of records) seen.push(`${Buffer.from(value ?? [])}`);
    }
  };
  void read();
  return consumer;
}
