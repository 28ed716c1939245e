/** A broker in memory, drivers to it, and batches to send. */
import { openBroker, type Broker } from "../../../../broker/index.ts";
import type { Connection } from "../../../../broker/platform/network.ts";
import { NodeClock } from "../../../../broker/platform/node/node-clock.ts";
import { buildBatch } from "../../../../broker/record/batch-builder.ts";
import type { Driver, Fetcher } from "../../../../client/core/driver.ts";
import { decodeRecords } from "../../../../client/core/records.ts";
import { createCompactDriver } from "../../../../client/drivers/compact/driver.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";

export interface World {
  readonly broker: Broker;
  readonly driver: Driver;
  /** Every connection that the driver opened, the newest last. */
  readonly connections: Connection[];
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const broker = await openBroker();
  const connections: Connection[] = [];
  const driver = createCompactDriver({
    connect: async () => {
      const connection = broker.connect();
      connections.push(connection);
      return connection;
    },
    clock: new NodeClock(),
    random: new SeededRandom(1),
    clientId: "tests",
  });
  return {
    broker,
    driver,
    connections,
    async close() {
      await driver.close();
      await broker.close();
    },
  };
}

export function batchOf(...values: readonly string[]): Uint8Array {
  return buildBatch(
    values.map((value, index) => ({
      key: null,
      value: Buffer.from(value),
      headers: [],
      timestampMs: 1_700_000_000_000 + index,
    })),
  );
}

export async function produce(
  driver: Driver,
  topic: string,
  partition: number,
  ...values: readonly string[]
): Promise<number> {
  const [result] = await driver.produce(
    [{ topic, partition, bytes: batchOf(...values) }],
    { acks: 1, timeoutMs: 1_000 },
  );
  if (result === undefined || result.error !== null) {
    throw new Error(`not produced: ${result?.error}`);
  }
  return result.baseOffset;
}

export const fetcherOptions = {
  isolation: "read_uncommitted",
  waitMsMax: 500,
  partitionSizeBytesMax: 1024 * 1024,
  bufferedSizeBytesMax: 32 * 1024 * 1024,
} as const;

/** Values as `topic-partition@offset=value`, until there are so many. */
export async function readValues(
  fetcher: Fetcher,
  count: number,
): Promise<readonly string[]> {
  const values: string[] = [];
  while (values.length < count) {
    const items = await fetcher.next();
    if (items === null) break;
    for (const item of items) {
      const place = `${item.topic}-${item.partition}`;
      if (item.error !== null) {
        values.push(`${place}: ${item.error}`);
        continue;
      }
      const decoded = decodeRecords(item, item);
      for (const { offset, value } of decoded.records) {
        const text = Buffer.from(value ?? []).toString();
        values.push(`${place}@${offset}=${text}`);
      }
    }
  }
  return values;
}
