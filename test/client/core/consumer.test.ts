import { expect, test } from "vitest";
import { CoreConsumer } from "../../../client/core/consumer.ts";
import { parseConsumerOptions } from "../../../client/core/options.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import type { ConsumerOptions } from "../../../client/index.ts";
import { FakeDriver } from "../../support/fake-driver.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const p0 = { topic: "t", partition: 0 };
const p1 = { topic: "t", partition: 1 };

/** A member that reads all the time and writes down what happens to it. */
function setUp(options: Partial<ConsumerOptions> = {}) {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  driver.create("t", 2);
  const { group } = driver;
  group.assigned = [p0];
  const { log } = group;
  const consumer = new CoreConsumer(
    driver,
    { clock, random: new SeededRandom(3) },
    parseConsumerOptions({
      group: "g",
      topics: ["t"],
      from: "earliest",
      heartbeatIntervalMs: 1_000,
      sessionTimeoutMs: 10_000,
      ...options,
    }),
  );
  consumer.onAssign(async (partitions) => {
    const list = partitions.map((one) => `${one.partition}@${one.offset}`);
    log.push(`assigned ${list.join(" ")}`);
  });
  consumer.onRevoke(async (partitions, reason) => {
    log.push(`${reason} ${partitions.map((one) => one.partition).join(" ")}`);
  });
  const read = async (): Promise<void> => {
    try {
      for await (const { partition, records } of consumer) {
        for (const { value } of records) {
          const text = Buffer.from(value ?? []).toString();
          log.push(`record ${partition}:${text}`);
        }
      }
      log.push("ended");
    } catch (error) {
      log.push(`failed ${Reflect.get(Object(error), "code")}`);
    }
  };
  const produce = async (partition: number, value: string): Promise<void> => {
    const bytes = buildBatch([
      { key: null, value: Buffer.from(value), headers: [], timestampMs: 0 },
    ]);
    await driver.produce([{ topic: "t", partition, bytes }], {
      acks: 1,
      timeoutMs: 1,
    });
  };
  /** What was written down since the last look. */
  const since = (): string[] => log.splice(0);
  return { clock, driver, group, consumer, read, produce, since };
}

test("a member asks for its id, joins, and reads where the group left off", async () => {
  const { clock, group, read, produce, since } = setUp();
  for (const value of ["a", "b"]) await produce(0, value);
  group.offsets.set("t/0", { ...p0, offset: 1 });
  void read();
  await clock.settle();
  expect(since()).toEqual([
    "join new",
    "join m1",
    "sync 1",
    "assigned 0@1",
    "record 0:b",
  ]);
});

test("nothing is asked of the group before the iteration begins", async () => {
  const { clock, since } = setUp();
  await clock.advanceAndSettle(5_000);
  expect(since()).toEqual([]);
});

test("onAssign is awaited before anything is read", async () => {
  const { clock, consumer, driver, read, produce, since } = setUp();
  await produce(0, "a");
  let ready = (): void => {};
  consumer.onAssign(
    () =>
      new Promise((resolve) => {
        ready = resolve;
      }),
  );
  void read();
  await clock.settle();
  expect(driver.fetchers[0]?.positions).toEqual([]);
  ready();
  await clock.settle();
  expect(since()).toContain("record 0:a");
});

test("heartbeats go on while a handler works", async () => {
  const { clock, consumer, group, read } = setUp();
  consumer.onAssign(() => new Promise(() => {}));
  void read();
  await clock.advanceAndSettle(5_500);
  expect(group.heartbeatCount).toBe(5);
});

test("a rebalance waits for the drain: commit in the old generation, then join", async () => {
  const { clock, consumer, group, read, since } = setUp();
  let drained = (): void => {};
  consumer.onRevoke(async (partitions, reason) => {
    group.log.push(`${reason} ${partitions.length}`);
    await new Promise<void>((resolve) => {
      drained = resolve;
    });
    await consumer.commit([{ ...p0, offset: 7 }]);
  });
  void read();
  await clock.settle();
  since();
  group.heartbeatAnswer = () => "rebalance-in-progress";
  await clock.advanceAndSettle(1_000);
  expect(since()).toEqual(["revoked 1"]);
  // Sessions live on heartbeats, during the drain too.
  const before = group.heartbeatCount;
  await clock.advanceAndSettle(20_000);
  expect(group.heartbeatCount).toBeGreaterThan(before + 15);
  expect(since()).toEqual([]);
  group.heartbeatAnswer = () => null;
  group.assigned = [p1];
  drained();
  await clock.settle();
  expect(since()).toEqual([
    "commit 0@7 ok",
    "join m1",
    "sync 2",
    "assigned 1@0",
  ]);
});

test.each(["unknown-member-id", "illegal-generation"])(
  "after %s the partitions are lost, and the member joins as a new one",
  async (answer) => {
    const { clock, consumer, group, read, since } = setUp();
    const outcomes: unknown[] = [];
    consumer.onRevoke(async (_partitions, reason) => {
      outcomes.push(reason);
      await consumer
        .commit([{ ...p0, offset: 1 }])
        .catch((error: unknown) => outcomes.push(error));
    });
    void read();
    await clock.settle();
    since();
    group.heartbeatAnswer = () => answer;
    await clock.advanceAndSettle(1_000);
    group.heartbeatAnswer = () => null;
    expect(outcomes).toMatchObject(["lost", { code: "commit-failed" }]);
    expect(since()).toEqual(["join new", "join m1", "sync 2", "assigned 0@0"]);
  },
);

test("a coordinator that is silent for a session has lost us", async () => {
  const { clock, group, read, since } = setUp();
  void read();
  await clock.settle();
  since();
  group.heartbeatAnswer = () => new Promise(() => {});
  await clock.advanceAndSettle(9_000);
  expect(since()).toEqual([]);
  await clock.advanceAndSettle(2_000);
  expect(since()[0]).toBe("lost 0");
});

test("a coordinator that moves is no reason to give anything up", async () => {
  const { clock, group, read, since } = setUp();
  void read();
  await clock.settle();
  since();
  group.heartbeatAnswer = () => "not-coordinator";
  await clock.advanceAndSettle(5_000);
  group.heartbeatAnswer = () => null;
  await clock.advanceAndSettle(20_000);
  expect(since()).toEqual([]);
});

test("joining is tried again while the coordinator starts", async () => {
  const { clock, group, read, since } = setUp();
  group.joinRefusals.push("coordinator-loading", "not-coordinator");
  void read();
  await clock.advanceAndSettle(2_000);
  expect(since()).toEqual([
    "join new",
    "join m1",
    "join m1",
    "join m1",
    "sync 1",
    "assigned 0@0",
  ]);
});

test("a group that refuses us ends the iteration with its word", async () => {
  const { clock, group, consumer, read, since } = setUp();
  group.joinRefusals.push("inconsistent-group-protocol");
  void read();
  await clock.settle();
  expect(since()).toEqual([
    "join new",
    "join m1",
    "leave m1",
    "failed refused",
  ]);
  await expect(consumer[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    answer: "inconsistent-group-protocol",
  });
});

test("an offset out of range is reset as `from` says", async () => {
  const { clock, group, read, produce, since } = setUp();
  await produce(0, "a");
  group.offsets.set("t/0", { ...p0, offset: 50 });
  void read();
  await clock.advanceAndSettle(1_000);
  expect(since()).toEqual([
    "join new",
    "join m1",
    "sync 1",
    "assigned 0@50",
    "record 0:a",
  ]);
});

test("`latest` begins behind what is there", async () => {
  const { clock, read, produce, since } = setUp({ from: "latest" });
  await produce(0, "old");
  void read();
  await clock.settle();
  await produce(0, "new");
  await clock.settle();
  expect(since().slice(-2)).toEqual(["assigned 0@1", "record 0:new"]);
});

test("a paused partition keeps what was fetched until it is resumed", async () => {
  const { clock, consumer, group, read, produce, since } = setUp();
  group.assigned = [p0, p1];
  void read();
  await clock.settle();
  since();
  consumer.pause([p0]);
  await produce(0, "a");
  await produce(1, "b");
  await clock.settle();
  expect(since()).toEqual(["record 1:b"]);
  consumer.resume([p0]);
  await clock.settle();
  expect(since()).toEqual(["record 0:a"]);
});

test("a partition whose queue has its share is not fetched, the other is", async () => {
  const { clock, driver, group, consumer, produce } = setUp({
    bufferedSizeBytesMax: 2_000,
  });
  group.assigned = [p0, p1];
  // Starts the member, and takes nothing.
  void consumer[Symbol.asyncIterator]();
  await clock.settle();
  for (let index = 0; index < 20; index += 1) {
    await produce(0, "x".repeat(300));
    await clock.settle(2);
  }
  const positions = driver.fetchers[0]?.positions ?? [];
  expect(positions.map(({ partition }) => partition)).toEqual([1]);
});

test("one full partition does not keep the others from their turn", async () => {
  const { clock, group, read, produce, since } = setUp();
  group.assigned = [p0, p1];
  for (const value of ["a", "b", "c"]) await produce(0, value);
  await produce(1, "d");
  void read();
  await clock.settle();
  const order = since().filter((line) => line.startsWith("record"));
  expect(order.indexOf("record 1:d")).toBeLessThan(3);
  expect(order).toHaveLength(4);
});

test("a commit the group refuses is `commit-failed`, and the member joins anew", async () => {
  const { clock, consumer, group, read, since } = setUp();
  void read();
  await clock.settle();
  since();
  group.commitAnswer = "illegal-generation";
  const commit = consumer.commit([{ ...p0, offset: 1 }]);
  await expect(commit).rejects.toMatchObject({ code: "commit-failed" });
  group.commitAnswer = null;
  await clock.settle();
  expect(since()).toEqual([
    "commit 0@1 illegal-generation",
    "lost 0",
    "join new",
    "join m1",
    "sync 2",
    "assigned 0@0",
  ]);
});

test("a commit is tried again while the coordinator is away", async () => {
  const { clock, consumer, group, read, since } = setUp();
  void read();
  await clock.settle();
  since();
  group.commitAnswer = "coordinator-not-available";
  const commit = consumer.commit([{ ...p0, offset: 1 }]);
  await clock.advanceAndSettle(50);
  group.commitAnswer = null;
  await clock.advanceAndSettle(200);
  await commit;
  expect(since()).toEqual([
    "commit 0@1 coordinator-not-available",
    "commit 0@1 ok",
  ]);
});

test("closing revokes, leaves the group and ends the iteration", async () => {
  const { clock, consumer, read, since } = setUp();
  void read();
  await clock.settle();
  since();
  await consumer.close();
  await clock.settle();
  expect(since().toSorted()).toEqual(["ended", "leave m1", "revoked 0"]);
});

test("a member that others wait for can be closed while it joins", async () => {
  const { clock, consumer, group, read, since } = setUp();
  const join = group.join;
  group.join = (request) =>
    request.memberId === "" ? join(request) : new Promise(() => {});
  void read();
  await clock.settle();
  await consumer.close();
  expect(since()).toContain("leave m1");
});

test("a static member does not leave: its partitions wait for it", async () => {
  const { clock, consumer, read, since } = setUp({ groupInstanceId: "one" });
  void read();
  await clock.settle();
  since();
  await consumer.close();
  expect(since()).not.toContain("leave m1");
});

test("a signal ends the iteration as aborted", async () => {
  const aborter = new AbortController();
  const { clock, read, since } = setUp({ signal: aborter.signal });
  void read();
  await clock.settle();
  aborter.abort();
  await clock.settle();
  expect(since()).toContain("failed aborted");
});

test("heartbeats as rare as the session is long are refused", () => {
  expect(() =>
    setUp({ heartbeatIntervalMs: 10_000, sessionTimeoutMs: 10_000 }),
  ).toThrow(/do not fit/);
});
