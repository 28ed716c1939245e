/**
 * Whatever is lost, unanswered or refused: each partition holds the records in
 * the order in which they were sent, each acknowledged one exactly once, at the
 * offset that was told.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CoreProducer } from "../../../client/core/producer.ts";
import { TopicCounts } from "../../../client/core/topic-counts.ts";
import { topic } from "../../../client/index.ts";
import { FakeDriver, type Fate } from "../../support/fake-driver.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

const t = topic("t", { format: "text" });
const PARTITION_COUNT = 2;

interface Plan {
  readonly seed: number;
  readonly lossPercent: number;
  readonly batchSizeBytesMax: number;
  readonly brokerSizeBytesMax: number;
  /** Of each record: how long before it, and how large it is. */
  readonly records: readonly {
    readonly pauseMs: number;
    readonly sizeBytes: number;
    readonly partition: number;
  }[];
}

async function run(plan: Plan, deliveryTimeoutMs: number) {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  driver.create("t", PARTITION_COUNT);
  driver.batchSizeBytesMax = plan.brokerSizeBytesMax;
  const random = new SeededRandom(plan.seed);
  driver.fate = (): Fate => {
    if (random.integer(100) >= plan.lossPercent) return { kind: "taken" };
    const kinds: readonly Fate[] = [
      { kind: "lost" },
      { kind: "unanswered" },
      { kind: "refused", error: "not-leader-or-follower" },
    ];
    return kinds[random.integer(3)] ?? { kind: "taken" };
  };
  // Answers take their time, so that several batches are on their way.
  driver.gate = () =>
    new Promise((resolve) => {
      clock.schedule(random.integer(40), resolve);
    });
  const counts = new TopicCounts(driver, clock);
  const producer = new CoreProducer(driver, { clock, random }, counts, {
    batchSizeBytesMax: plan.batchSizeBytesMax,
    deliveryTimeoutMs,
  });
  const outcomes: Promise<{ partition: number; offset: number } | null>[] = [];
  for (const [
    index,
    { pauseMs, sizeBytes, partition },
  ] of plan.records.entries()) {
    if (pauseMs > 0) {
      clock.advance(pauseMs);
      await clock.settle(1);
    }
    const value = `${index}:${"x".repeat(sizeBytes)}`;
    const sent = producer.send(t, { key: null, value, partition });
    outcomes.push(
      sent.then(
        (result) => result,
        () => null,
      ),
    );
  }
  let isDone = false;
  const all = Promise.all(outcomes).finally(() => (isDone = true));
  for (let round = 0; round < 5_000 && !isDone; round += 1) {
    clock.advance(50);
    await clock.settle(2);
  }
  expect(isDone).toBe(true);
  const stored = Array.from({ length: PARTITION_COUNT }, (_, partition) =>
    driver
      .records("t", partition)
      .map(({ value }) => parseInt(Buffer.from(value ?? []).toString(), 10)),
  );
  return { results: await all, stored };
}

const plans = fc.record({
  seed: fc.nat(),
  lossPercent: fc.nat(60),
  batchSizeBytesMax: fc.constantFrom(1, 150, 400),
  brokerSizeBytesMax: fc.constantFrom(300, 100_000),
  records: fc.array(
    fc.record({
      pauseMs: fc.constantFrom(0, 0, 1, 10),
      sizeBytes: fc.constantFrom(1, 1, 40, 500),
      partition: fc.nat(PARTITION_COUNT - 1),
    }),
    { minLength: 1, maxLength: 30 },
  ),
});

test("records arrive in order, once, at the offsets that were told", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const { results, stored } = await run(plan, 10_000_000);
      for (const indexes of stored) {
        expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
        expect(new Set(indexes).size).toBe(indexes.length);
      }
      for (const [index, result] of results.entries()) {
        const isTooLarge = (plan.records[index]?.sizeBytes ?? 0) === 500;
        const isRefused = isTooLarge && plan.brokerSizeBytesMax === 300;
        expect(result === null).toBe(isRefused);
        if (result === null) continue;
        expect(stored[result.partition]?.[result.offset]).toBe(index);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);

test("where time runs out records may be missing or untold, never doubled or out of order", async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const { results, stored } = await run(plan, 300);
      for (const indexes of stored) {
        expect(indexes).toEqual([...new Set(indexes)]);
        expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
      }
      for (const [index, result] of results.entries()) {
        if (result === null) continue;
        expect(stored[result.partition]?.[result.offset]).toBe(index);
      }
    }),
    { numRuns: 60 },
  );
}, 60_000);
