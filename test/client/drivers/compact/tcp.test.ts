import { expect, test } from "vitest";
import { openBroker } from "../../../../broker/index.ts";
import { NodeClock } from "../../../../broker/platform/node/node-clock.ts";
import { NodeNetwork } from "../../../../broker/platform/node/node-network.ts";
import { createCompactDriver } from "../../../../client/drivers/compact/driver.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import {
  greeting,
  RawClient,
} from "../../../broker/server/compact/raw-client.ts";
import { fetcherOptions, produce, readValues } from "./support.ts";

function driverTo(at: { readonly host: string; readonly port: number }) {
  const network = new NodeNetwork();
  return createCompactDriver({
    connect: () => network.connect(at),
    clock: new NodeClock(),
    random: new SeededRandom(1),
    clientId: null,
  });
}

test("the same over TCP: produced, pushed, described", async () => {
  const listen = { host: "127.0.0.1", port: 0 };
  const broker = await openBroker({ listen });
  const [address] = broker.addresses;
  if (address === undefined) throw new Error("not listening");
  const driver = driverTo(address);
  await driver.admin.createTopic({ name: "t" });
  const fetcher = driver.openFetcher(fetcherOptions);
  fetcher.assign([{ topic: "t", partition: 0, offset: 0 }]);
  const large = "x".repeat(300_000);
  for (let index = 0; index < 5; index += 1) {
    expect(await produce(driver, "t", 0, large)).toBe(index);
  }
  expect(await readValues(fetcher, 5)).toHaveLength(5);
  expect((await driver.describeCluster()).brokers).toEqual([
    { nodeId: broker.nodeId, ...address },
  ]);
  await driver.close();
  await broker.close();
});

test("over TCP, too, the error arrives before the connection's end", async () => {
  const broker = await openBroker({ listen: { host: "127.0.0.1", port: 0 } });
  const [address] = broker.addresses;
  if (address === undefined) throw new Error("not listening");
  const wrong = new RawClient(await new NodeNetwork().connect(address));
  // A frame without a header.
  wrong.write(greeting, Uint8Array.of(0, 0, 0, 1, 0xc0));
  await wrong.take();
  expect(await wrong.takeErrorCode()).toBe("protocol-violation");
  await wrong.closed;
  await broker.close();
});

test("where nobody listens the broker is unreachable, and that may pass", async () => {
  const broker = await openBroker({ listen: { host: "127.0.0.1", port: 0 } });
  const [address] = broker.addresses;
  if (address === undefined) throw new Error("not listening");
  await broker.close();
  const driver = driverTo(address);
  await expect(driver.metadata(null)).rejects.toMatchObject({
    code: "broker-unreachable",
    isRetriable: true,
  });
  await driver.close();
});
