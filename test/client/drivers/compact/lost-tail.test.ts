/**
 * Whole clients on brokers whose log lost its tail while they were away, as a
 * power cut does it to records at acks 1: what takes the lost offsets is read.
 */
import { expect, test } from "vitest";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import { createClient } from "../../../../client/core/client.ts";
import type { Driver } from "../../../../client/core/driver.ts";
import { createCompactDriver } from "../../../../client/drivers/compact/driver.ts";
import { type Client, ClientError, topic } from "../../../../client/index.ts";
import { pipeline } from "../../../../pipeline/index.ts";
import { TestBroker } from "../../../broker/server/kafka/support.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { produce } from "./support.ts";

const SEGMENT = "/data/orders-0/00000000000000000000.log";

class LosingWorld implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly #disk = new MemoryDisk();
  readonly #random = new SeededRandom(1);
  #host: TestBroker | null = null;
  readonly driver: Driver;
  readonly client: Client;

  constructor() {
    const { clock } = this;
    const random = this.#random;
    this.driver = createCompactDriver({
      connect: async () => {
        if (this.#host !== null) return this.#host.broker.connect();
        throw new ClientError("broker-unreachable", "it is down");
      },
      clock,
      random,
      clientId: "tests",
    });
    this.client = createClient(this.driver, { clock, random });
  }

  async start(): Promise<void> {
    this.#host = await TestBroker.open({}, this.#disk, this.clock);
  }

  async createTopic(): Promise<void> {
    await this.#host?.createTopic("orders");
  }

  put(...values: readonly string[]): Promise<number> {
    return this.until(produce(this.driver, "orders", 0, ...values));
  }

  async sizeBytes(): Promise<number> {
    return (await this.#disk.sizeOf(SEGMENT)) ?? 0;
  }

  /** Stops the broker, and starts it on what is left when the log is cut to a size. */
  async restartCutTo(sizeBytes: number): Promise<void> {
    const host = this.#host;
    this.#host = null;
    await this.until(host?.broker.close() ?? Promise.resolve());
    const file = await this.#disk.open(SEGMENT, "append");
    await file.truncate(sizeBytes);
    await file.close();
    await this.#disk.remove("/data/.kafka_cleanshutdown");
    await this.#disk.remove("/data/recovery-point-offset-checkpoint");
    await this.start();
  }

  /** Lets time pass until it has come true. */
  async until<T>(result: Promise<T>): Promise<T> {
    let isDone = false;
    const done = result.finally(() => (isDone = true));
    done.catch(() => {});
    for (let step = 0; !isDone && step < 2_000; step += 1) {
      await this.clock.advanceAndSettle(50);
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!isDone) throw new Error("it does not come true");
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.until(this.client.close());
    await this.until(this.#host?.broker.close() ?? Promise.resolve());
  }
}

/** A member of the group: its values as it reads them, each batch committed. */
async function join({ client }: LosingWorld, { from = "earliest" } = {}) {
  const consumer = await client.consumer({
    group: "g",
    topics: ["orders"],
    from: from === "latest" ? "latest" : "earliest",
    isolation: "read_uncommitted",
  });
  const values: string[] = [];
  const reading = (async () => {
    for await (const { topic, partition, records } of consumer) {
      for (const { value } of records) {
        values.push(Buffer.from(value ?? []).toString());
      }
      const offset = (records.at(-1)?.offset ?? -1) + 1;
      await consumer.commit([{ topic, partition, offset }]);
    }
  })();
  return {
    values,
    async read(count: number): Promise<void> {
      while (values.length < count) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    async leave(): Promise<void> {
      await consumer.close();
      await reading;
    },
  };
}

/** a and b are there to stay; c and d were read, committed and then lost. */
async function loseWhatWasCommitted(world: LosingWorld): Promise<void> {
  await world.start();
  await world.createTopic();
  await world.put("a", "b");
  const sizeBytes = await world.sizeBytes();
  await world.put("c", "d");
  const member = await join(world);
  await world.until(member.read(4));
  await world.until(member.leave());
  await world.restartCutTo(sizeBytes);
}

test.each(["earliest", "latest"])(
  "a group goes on where the log was cut when its offset lies beyond the end (%s)",
  async (from) => {
    await using world = new LosingWorld();
    await loseWhatWasCommitted(world);
    expect(await world.put("e")).toBe(2);
    const member = await join(world, { from });
    await world.until(member.read(1));
    expect(member.values).toEqual(["e"]);
    await world.until(member.leave());
  },
);

test.each(["earliest", "latest"])(
  "a group reads what took the lost offsets when its offset lies behind them (%s)",
  async (from) => {
    await using world = new LosingWorld();
    await loseWhatWasCommitted(world);
    await world.put("e", "f", "g");
    await world.put("h");
    const member = await join(world, { from });
    await world.until(member.read(4));
    expect(member.values).toEqual(["e", "f", "g", "h"]);
    await world.until(member.leave());
  },
);

test("a member that is reading goes back to where the log was cut while it waited", async () => {
  await using world = new LosingWorld();
  await world.start();
  await world.createTopic();
  await world.put("a", "b");
  const sizeBytes = await world.sizeBytes();
  await world.put("c", "d");
  const member = await join(world);
  await world.until(member.read(4));
  await world.restartCutTo(sizeBytes);
  await world.put("e", "f", "g");
  await world.until(member.read(7));
  expect(member.values).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
  const [end] = await world.until(
    world.client.admin.offsetsAt([
      { topic: "orders", partition: 0, at: "latest" },
    ]),
  );
  expect(end).toBe(5);
  await world.until(member.leave());
});

test("a log that lost nothing is read on after an unclean stop, and nothing twice", async () => {
  await using world = new LosingWorld();
  await world.start();
  await world.createTopic();
  await world.put("a", "b");
  const member = await join(world);
  await world.until(member.read(2));
  await world.restartCutTo(await world.sizeBytes());
  await world.put("c");
  await world.until(member.read(3));
  await world.until(member.leave());
  const next = await join(world);
  await world.put("d");
  await world.until(next.read(1));
  expect([...member.values, ...next.values]).toEqual(["a", "b", "c", "d"]);
  await world.until(next.leave());
});

test("a commit carries the leader epoch of what was handed out", async () => {
  await using world = new LosingWorld();
  await loseWhatWasCommitted(world);
  const place = { topic: "orders", partition: 0 };
  const committed = () =>
    world.until(world.driver.group.committed("g", [place]));
  expect(await committed()).toMatchObject([{ offset: 4, leaderEpoch: 0 }]);
  await world.put("e", "f", "g");
  const member = await join(world);
  await world.until(member.read(3));
  await world.until(member.leave());
  expect(await committed()).toMatchObject([{ offset: 5, leaderEpoch: 1 }]);
});

test("a pipeline goes back to where the log was cut, and commits from there with its epoch", async () => {
  await using world = new LosingWorld();
  await world.start();
  await world.createTopic();
  await world.put("a", "b");
  const sizeBytes = await world.sizeBytes();
  await world.put("c", "d");
  const seen: string[] = [];
  const flow = pipeline(
    "p",
    topic("orders", { format: "text" }),
    { group: "g", from: "earliest", commitIntervalMs: 100 },
    (stage) =>
      stage.sink((value) => {
        seen.push(value ?? "");
      }),
  );
  const place = { topic: "orders", partition: 0 };
  const running = await world.until(flow.run(world.client));
  const committed = async (offset: number, leaderEpoch: number) => {
    for (;;) {
      const [found] = await world.until(
        world.driver.group.committed("g", [place]),
      );
      if (found?.offset === offset && found.leaderEpoch === leaderEpoch) return;
      await world.clock.advanceAndSettle(50);
    }
  };
  await committed(4, 0);
  await world.restartCutTo(sizeBytes);
  await world.put("e");
  await committed(3, 1);
  await world.put("f", "g", "h");
  await committed(6, 1);
  expect(seen).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"]);
  await world.until(running.stop());
});

test("where a whole epoch was lost, a reset to the end passes over nothing that comes meanwhile", async () => {
  await using world = new LosingWorld();
  await world.start();
  await world.createTopic();
  await world.put("a", "b");
  const sizeBytes = await world.sizeBytes();
  await world.restartCutTo(sizeBytes);
  await world.put("c", "d");
  const before = await join(world);
  await world.until(before.read(4));
  await world.until(before.leave());
  await world.restartCutTo(sizeBytes);
  const { driver } = world;
  const offsetsAt = driver.offsetsAt.bind(driver);
  driver.offsetsAt = async (...asked) => {
    await produce(driver, "orders", 0, "e");
    return offsetsAt(...asked);
  };
  const member = await join(world, { from: "latest" });
  await world.until(member.read(1));
  expect(member.values).toEqual(["e"]);
  await world.until(member.leave());
});
