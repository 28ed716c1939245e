/** A subscription that comes to a batch whose bits have flipped on the disk: never served, and nothing behind it is lost. */
import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import { createClient } from "../../../../client/core/client.ts";
import { createCompactDriver } from "../../../../client/drivers/compact/driver.ts";
import type { Client, GroupConsumer } from "../../../../client/index.ts";
import { TestBroker } from "../../../broker/server/kafka/support.ts";
import { flipBit } from "../../../support/flip-bit.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { produce } from "./support.ts";

const SEGMENT = "/data/orders-0/00000000000000000000.log";

function clientOf({ broker, clock }: TestBroker): Client {
  const random = new SeededRandom(1);
  const connect = async () => broker.connect();
  const driver = createCompactDriver({
    connect,
    clock,
    random,
    clientId: "tests",
  });
  return createClient(driver, { clock, random });
}

/** Three batches of one record each, of which the middle one was damaged while the broker was stopped. */
async function openDamaged(): Promise<TestBroker> {
  const disk = new MemoryDisk();
  {
    await using host = await TestBroker.open({}, disk);
    await host.createTopic("orders");
    const driver = createCompactDriver({
      connect: async () => host.broker.connect(),
      clock: host.clock,
      random: new SeededRandom(1),
      clientId: "tests",
    });
    for (const value of ["a", "b", "c"]) {
      await produce(driver, "orders", 0, value);
    }
    await driver.close();
  }
  const sizeBytes = (await disk.sizeOf(SEGMENT)) ?? 0;
  await flipBit(disk, SEGMENT, sizeBytes / 3 + 65);
  return TestBroker.open({}, disk);
}

async function nextValue(consumer: GroupConsumer): Promise<string> {
  const { value } = await consumer[Symbol.asyncIterator]().next();
  const record = value?.records[0];
  return Buffer.from(record?.value ?? []).toString();
}

test("a reader gets what lies before it, then is told; one that begins behind it reads on", async () => {
  await using host = await openDamaged();
  await using client = clientOf(host);
  const at = { topic: "orders", partition: 0 };
  const values: string[] = [];
  const reading = (async () => {
    const partitions = [{ ...at, offset: 0 }];
    for await (const { records } of client.reader({ partitions })) {
      for (const { value } of records) {
        values.push(Buffer.from(value ?? []).toString());
      }
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: "corrupt-batch" });
  expect(values).toEqual(["a"]);
  const behind = client.reader({ partitions: [{ ...at, offset: 2 }] });
  for await (const { records } of behind) {
    expect(records.map(({ offset }) => offset)).toEqual([2]);
    break;
  }
});

test("a member of a group that seeks behind it goes on, on the same subscription", async () => {
  await using host = await openDamaged();
  await using client = clientOf(host);
  const consumer = await client.consumer({
    group: "g",
    topics: ["orders"],
    from: "earliest",
  });
  expect(await nextValue(consumer)).toBe("a");
  await expect(nextValue(consumer)).rejects.toMatchObject({
    code: "corrupt-batch",
  });
  // It stays told until the member decides.
  await expect(nextValue(consumer)).rejects.toMatchObject({
    code: "corrupt-batch",
  });
  await consumer.seek({ topic: "orders", partition: 0, offset: 2 });
  expect(await nextValue(consumer)).toBe("c");
});
