/** A subscription on a broker that goes silent: for want of records, or for good. */
import { expect, test } from "vitest";
import type {
  Connection,
  ConnectionHandlers,
} from "../../../../broker/platform/network.ts";
import { createClient } from "../../../../client/core/client.ts";
import { createCompactDriver } from "../../../../client/drivers/compact/driver.ts";
import { TestBroker } from "../../../broker/server/kafka/support.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { produce } from "./support.ts";

/** A connection whose peer can vanish: no byte goes either way any more, and nobody says so. */
function vanishing(inner: Connection) {
  let isGone = false;
  const connection: Connection = {
    remoteAddress: inner.remoteAddress,
    remotePort: inner.remotePort,
    queuedSizeBytes: 0,
    start: ({ onData, ...handlers }: ConnectionHandlers) =>
      inner.start({
        ...handlers,
        onData: (chunk) => {
          if (!isGone) onData(chunk);
        },
      }),
    write: (parts, sent) => {
      if (!isGone) return inner.write(parts, sent);
      sent?.();
      return true;
    },
    pause: () => inner.pause(),
    resume: () => inner.resume(),
    end: () => inner.end(),
    destroy: () => inner.destroy(),
  };
  return { connection, vanish: () => (isGone = true) };
}

async function openWorld() {
  const host = await TestBroker.open();
  await host.createTopic("orders");
  const { clock } = host;
  const opened: { vanish: () => void }[] = [];
  const random = new SeededRandom(1);
  const driver = createCompactDriver({
    connect: async () => {
      const one = vanishing(host.broker.connect());
      opened.push(one);
      return one.connection;
    },
    clock,
    random,
    clientId: "tests",
  });
  const client = createClient(driver, { clock, random });
  // Whoever produces has connections of its own, that last.
  const others = createCompactDriver({
    connect: async () => host.broker.connect(),
    clock,
    random,
    clientId: "others",
  });
  const values: string[] = [];
  const partitions = [{ topic: "orders", partition: 0, offset: 0 }];
  const reader = client.reader({ partitions });
  const reading = (async () => {
    for await (const { records } of reader) {
      for (const { value } of records) {
        values.push(Buffer.from(value ?? []).toString());
      }
    }
  })();
  return {
    opened,
    values,
    put: (value: string) => produce(others, "orders", 0, value),
    async pass(ms: number): Promise<void> {
      for (let step = 0; step < ms / 1_000; step += 1) {
        await clock.advanceAndSettle(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async close(): Promise<void> {
      await reader.close();
      await reading;
      await client.close();
      await others.close();
      await host.broker.close();
    },
  };
}

test("a broker that vanishes without a word is left after 40 s, and nothing is missed or read twice", async () => {
  const world = await openWorld();
  await world.put("a");
  await world.pass(1_000);
  expect(world.values).toEqual(["a"]);
  const count = world.opened.length;
  for (const one of world.opened) one.vanish();
  await world.pass(39_000);
  expect(world.opened).toHaveLength(count);
  await world.pass(3_000);
  expect(world.opened.length).toBeGreaterThan(count);
  await world.put("b");
  await world.pass(1_000);
  expect(world.values).toEqual(["a", "b"]);
  await world.close();
});

test("one that has nothing to send is not left, however long", async () => {
  const world = await openWorld();
  await world.put("a");
  await world.pass(1_000);
  const count = world.opened.length;
  // Longer than the broker waits for an idle connection, too.
  await world.pass(1_200_000);
  expect(world.opened).toHaveLength(count);
  await world.put("b");
  await world.pass(1_000);
  expect(world.values).toEqual(["a", "b"]);
  await world.close();
});
