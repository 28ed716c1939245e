import fc from "fast-check";
import { expect, test } from "vitest";
import { TimingWheel } from "../../../broker/lib/timing-wheel.ts";
import { ManualClock } from "../../support/manual-clock.ts";

test("a deadline fires once, never early and late by less than a tick", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock, { tickMs: 4 });
  let firedAt: number[] = [];
  for (const delayMs of [0, 1, 4, 255, 256, 257, 16_384, 1_048_576]) {
    firedAt = [];
    const start = clock.monotonic();
    wheel.schedule(delayMs, () => firedAt.push(clock.monotonic() - start));
    clock.advance(delayMs + 10);
    expect(firedAt).toHaveLength(1);
    expect(firedAt[0]).toBeGreaterThanOrEqual(delayMs);
    expect(firedAt[0]).toBeLessThan(delayMs + 8);
  }
  clock.advance(10_000_000);
  expect(firedAt).toHaveLength(1);
});

test("a clock whose sums are rounded is asked once for each deadline", () => {
  const clock = new ManualClock();
  // 4129.864 - 3873.864 is a little less than 256.
  clock.advance(3873.864);
  let askedCount = 0;
  const wheel = new TimingWheel({
    monotonic: () => clock.monotonic(),
    schedule: (delayMs, fire) => {
      askedCount += 1;
      if (askedCount > 10) throw new Error("asks again and again");
      return clock.schedule(delayMs, fire);
    },
  });
  let firedAtMs = 0;
  wheel.schedule(255.9, () => {
    firedAtMs = clock.monotonic();
  });
  clock.advance(1_000);
  expect(firedAtMs).toBe(4129.864);
  expect(askedCount).toBeLessThan(3);
});

test("a deadline beyond the last round fires when it is due", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock, { tickMs: 1 });
  const dayMs = 86_400_000;
  let fired = false;
  wheel.schedule(40 * dayMs, () => (fired = true));
  clock.advance(40 * dayMs - 1);
  expect(fired).toBe(false);
  clock.advance(2);
  expect(fired).toBe(true);
});

test("thousands of deadlines share one timer of the clock, and an empty wheel has none", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const cancels = Array.from({ length: 5_000 }, (_, index) =>
    wheel.schedule(500 + index, () => {}),
  );
  expect(clock.timerCount).toBe(1);
  expect(wheel.count).toBe(5_000);
  for (const cancel of cancels) cancel();
  expect(clock.timerCount).toBe(0);
  expect(wheel.count).toBe(0);
});

test("a cancelled deadline does not fire, not even when another one of its tick cancels it", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const fired: string[] = [];
  wheel.schedule(100, () => {
    fired.push("first");
    cancelSecond();
  });
  const cancelSecond = wheel.schedule(100, () => fired.push("second"));
  clock.advance(1_000);
  cancelSecond();
  expect(fired).toEqual(["first"]);
  expect(wheel.count).toBe(0);
});

test("a deadline that throws does not lose those behind it", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  const fired: string[] = [];
  wheel.schedule(100, () => {
    throw new Error("a caller's bug");
  });
  wheel.schedule(100, () => fired.push("same tick"));
  wheel.schedule(300, () => fired.push("later"));
  expect(() => clock.advance(200)).toThrow("a caller's bug");
  clock.advance(1_000);
  expect(fired).toEqual(["same tick", "later"]);
});

test("a deadline may schedule the next one, for hours", () => {
  const clock = new ManualClock();
  const wheel = new TimingWheel(clock);
  let count = 0;
  const again = () => {
    count++;
    wheel.schedule(3_000, again);
  };
  wheel.schedule(3_000, again);
  clock.advance(3_600_000);
  // Each starts when the last has fired, a tick late at most.
  expect(count).toBeGreaterThan(1_195);
  expect(count).toBeLessThanOrEqual(1_200);
});

const step = fc.oneof(
  fc.record({
    kind: fc.constant("schedule" as const),
    delayMs: fc.oneof(fc.nat(20), fc.nat(2_000), fc.nat(5_000_000)),
  }),
  fc.record({ kind: fc.constant("cancel" as const), pick: fc.nat() }),
  fc.record({
    kind: fc.constant("advance" as const),
    byMs: fc.oneof(fc.nat(10), fc.nat(3_000), fc.nat(2_000_000)),
  }),
);

test("property: whatever is scheduled and cancelled, each deadline that is left fires in its tick", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new ManualClock();
      const tickMs = 4;
      const wheel = new TimingWheel(clock, { tickMs });
      const waiting = new Map<number, { dueMs: number; cancel: () => void }>();
      let id = 0;
      for (const one of steps) {
        if (one.kind === "schedule") {
          const own = id++;
          const dueMs = clock.monotonic() + one.delayMs;
          const cancel = wheel.schedule(one.delayMs, () => {
            expect(waiting.has(own)).toBe(true);
            waiting.delete(own);
            expect(clock.monotonic()).toBeGreaterThanOrEqual(dueMs);
            expect(clock.monotonic()).toBeLessThan(dueMs + 2 * tickMs);
          });
          waiting.set(own, { dueMs, cancel });
        } else if (one.kind === "cancel") {
          const [own, entry] =
            [...waiting][one.pick % Math.max(1, waiting.size)] ?? [];
          if (own !== undefined) waiting.delete(own);
          entry?.cancel();
        } else {
          clock.advance(one.byMs);
          for (const { dueMs } of waiting.values()) {
            expect(dueMs + 2 * tickMs).toBeGreaterThan(clock.monotonic());
          }
        }
        expect(wheel.count).toBe(waiting.size);
      }
    }),
    { numRuns: 300 },
  );
});
