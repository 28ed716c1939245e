import { expect, test } from "vitest";
import { CoreProducer } from "../../../client/core/producer.ts";
import { TopicCounts } from "../../../client/core/topic-counts.ts";
import { topic, type ProducerOptions } from "../../../client/index.ts";
import { FakeDriver, type Fate } from "../../support/fake-driver.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const t = topic("t", { format: "text" });

function setUp(options: ProducerOptions = {}, partitionCount = 1) {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  driver.create("t", partitionCount);
  const platform = { clock, random: new SeededRandom(7) };
  const counts = new TopicCounts(driver, clock);
  const producer = new CoreProducer(driver, platform, counts, options);
  const send = (value: string, key: string | null = null) => {
    const sent = producer.send(t, { key, value });
    // Looked at later.
    sent.catch(() => {});
    return sent;
  };
  const values = (partition = 0) =>
    driver
      .records("t", partition)
      .map(({ value }) => Buffer.from(value ?? []).toString());
  return { clock, driver, producer, send, values };
}

/** One fate a batch, then all are taken. */
function fates(...list: readonly Fate["kind"][]): () => Fate {
  const left = [...list];
  return () => {
    const kind = left.shift() ?? "taken";
    return kind === "refused"
      ? { kind, error: "not-leader-or-follower" }
      : { kind };
  };
}

test("what is sent in one turn travels in one batch", async () => {
  const { clock, driver, send, values } = setUp();
  const sent = [send("a"), send("b"), send("c")];
  await clock.settle();
  expect(await Promise.all(sent)).toEqual(
    [0, 1, 2].map((offset) => ({ topic: "t", partition: 0, offset })),
  );
  expect(driver.batchCount("t", 0)).toBe(1);
  expect(values()).toEqual(["a", "b", "c"]);
});

test("a batch waits for company as long as lingerMs says, or until it is full", async () => {
  const { clock, driver, send } = setUp({
    lingerMs: 50,
    batchSizeBytesMax: 200,
  });
  void send("a");
  await clock.advanceAndSettle(49);
  expect(driver.produceCount).toBe(0);
  await clock.advanceAndSettle(1);
  expect(driver.produceCount).toBe(1);
  void send("x".repeat(300));
  await clock.settle();
  expect(driver.produceCount).toBe(2);
});

test("flush sends at once and waits for what was sent before, not for what comes after", async () => {
  const { clock, producer, send, values } = setUp({ lingerMs: 60_000 });
  void send("a");
  await clock.settle();
  const flushed = producer.flush();
  await flushed;
  expect(values()).toEqual(["a"]);
  const later = send("b");
  await producer.close();
  expect((await later).offset).toBe(1);
});

test.each(["lost", "unanswered", "refused"] as const)(
  "a batch that is %s is sent again, and its records are there once",
  async (kind) => {
    const { clock, driver, send, values } = setUp();
    driver.fate = fates(kind, kind);
    const sent = send("a");
    await clock.advanceAndSettle(5_000);
    expect((await sent).offset).toBe(0);
    expect(values()).toEqual(["a"]);
  },
);

test("the second try waits about 100 ms, the third longer", async () => {
  const { clock, driver, send } = setUp();
  driver.fate = fates("lost", "lost");
  void send("a");
  await clock.advanceAndSettle(79);
  expect(driver.produceCount).toBe(1);
  await clock.advanceAndSettle(41);
  expect(driver.produceCount).toBe(2);
  await clock.advanceAndSettle(120);
  expect(driver.produceCount).toBe(2);
  await clock.advanceAndSettle(180);
  expect(driver.produceCount).toBe(3);
});

test("batches behind one that was lost keep their order and are not doubled", async () => {
  const { clock, driver, send, values } = setUp({ batchSizeBytesMax: 1 });
  driver.fate = fates("lost", "taken", "unanswered");
  const sent = ["a", "b", "c", "d"].map((value) => send(value));
  await clock.advanceAndSettle(20_000);
  await Promise.all(sent);
  expect(values()).toEqual(["a", "b", "c", "d"]);
});

test("a record fails when its time is over, and those behind it still arrive", async () => {
  const { clock, driver, send, values } = setUp({
    deliveryTimeoutMs: 1_000,
    batchSizeBytesMax: 1,
  });
  let isDown = true;
  driver.fate = () => ({ kind: isDown ? "lost" : "taken" });
  const first = send("a");
  await clock.advanceAndSettle(900);
  const second = send("b");
  await clock.advanceAndSettle(500);
  await expect(first).rejects.toMatchObject({
    code: expect.stringMatching(/timed-out|broker-unreachable/),
  });
  isDown = false;
  await clock.advanceAndSettle(1_000);
  await second;
  expect(values()).toEqual(["b"]);
});

test("a clock with fractions of milliseconds makes no request that cannot be sent", async () => {
  const { clock, driver, send } = setUp({ deliveryTimeoutMs: 1_000 });
  driver.fate = fates("refused", "refused");
  await clock.advanceAndSettle(0.3);
  const sent = send("a");
  await clock.advanceAndSettle(900.7);
  expect((await sent).offset).toBe(0);
});

test("a record whose time is over fails with what the broker said last", async () => {
  const { clock, driver, send } = setUp({ deliveryTimeoutMs: 1_000 });
  driver.fate = () => ({ kind: "refused", error: "storage-offline" });
  const sent = send("a");
  await clock.advanceAndSettle(2_000);
  await expect(sent).rejects.toMatchObject({
    answer: "storage-offline",
    message: expect.stringContaining("a batch for t-0 was refused"),
  });
});

test("a broker that never answers does not keep a record for ever", async () => {
  const { clock, driver, send } = setUp({ deliveryTimeoutMs: 1_000 });
  driver.gate = () => new Promise(() => {});
  const sent = send("a");
  await clock.advanceAndSettle(1_000);
  await expect(sent).rejects.toMatchObject({ code: "timed-out" });
});

test("a batch that is too large is split, a record that is too large fails alone", async () => {
  const { clock, driver, send, values } = setUp();
  driver.batchSizeBytesMax = 200;
  const sent = ["a", "b", "x".repeat(300), "c"].map((value) => send(value));
  await clock.advanceAndSettle(10_000);
  const statuses = await Promise.allSettled(sent);
  expect(statuses.map(({ status }) => status)).toEqual([
    "fulfilled",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
  expect(statuses[2]).toMatchObject({
    reason: { code: "refused", answer: "message-too-large" },
  });
  expect(values()).toEqual(["a", "b", "c"]);
});

test("send waits while too much is unacknowledged", async () => {
  const { clock, driver, send, values } = setUp({ bufferedSizeBytesMax: 100 });
  let open = (): void => {};
  driver.gate = () =>
    new Promise((resolve) => {
      open = resolve;
    });
  const first = send("a".repeat(60));
  const second = send("b".repeat(60));
  await clock.settle();
  expect(driver.produceCount).toBe(1);
  open();
  await first;
  await clock.settle();
  expect(driver.produceCount).toBe(2);
  open();
  await second;
  expect(values()).toEqual(["a".repeat(60), "b".repeat(60)]);
});

test("a topic that nobody knows yet is asked for again", async () => {
  const { clock, driver, producer } = setUp();
  const sink = topic("late", { format: "text" });
  const sent = producer.send(sink, { key: null, value: "a" });
  await clock.advanceAndSettle(300);
  driver.create("late", 1);
  await clock.advanceAndSettle(2_000);
  expect((await sent).offset).toBe(0);
});

test("a partition that does not exist is refused before anything is sent", async () => {
  const { driver, producer } = setUp();
  const sent = producer.send(t, { key: null, value: "a", partition: 1 });
  await expect(sent).rejects.toMatchObject({ code: "invalid-argument" });
  expect(driver.produceCount).toBe(0);
});

test("idempotence without acks from the disk is a contradiction", () => {
  expect(() => setUp({ acks: 1, idempotent: true })).toThrow(/acks -1/);
});

test("a codec's batch is compressed", async () => {
  const { clock, driver, send } = setUp({ compression: "gzip" });
  driver.batchSizeBytesMax = 200;
  const sent = send("x".repeat(10_000));
  await clock.settle();
  await sent;
});
