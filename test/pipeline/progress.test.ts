import fc from "fast-check";
import { expect, test } from "vitest";
import { PartitionProgress } from "../../pipeline/progress.ts";

test("nothing can be committed before anything has settled", () => {
  const progress = new PartitionProgress(7);
  progress.begin(7);
  expect(progress.committableOffset).toBeNull();
  expect(progress.lowWaterOffset).toBe(7);
});

test("a record that settles early waits for those before it", () => {
  const progress = new PartitionProgress(0);
  const [first, second, third] = [0, 1, 2].map((o) => progress.begin(o));
  third?.();
  second?.();
  expect(progress.committableOffset).toBeNull();
  first?.();
  expect(progress.committableOffset).toBe(3);
});

test("offsets that a compacted log has lost are passed over", () => {
  const progress = new PartitionProgress(0);
  progress.begin(3)();
  const unsettled = progress.begin(8);
  expect(progress.committableOffset).toBe(8);
  unsettled();
  expect(progress.committableOffset).toBe(9);
});

test("what is committed is not offered again", () => {
  const progress = new PartitionProgress(0);
  progress.begin(0)();
  progress.markCommitted(1);
  expect(progress.committableOffset).toBeNull();
});

test("where reading goes back, what is in flight before counts, and nothing behind", () => {
  const before = new PartitionProgress(0);
  const [first, second, third] = [0, 1, 2].map((o) => before.begin(o));
  const progress = before.goingBackTo(2);
  before.markCommitted(3);
  progress.begin(2)();
  third?.();
  second?.();
  expect(progress.lowWaterOffset).toBe(0);
  expect(progress.committableOffset).toBeNull();
  first?.();
  expect(progress.committableOffset).toBe(3);
});

test("in any order of settling, the low-water mark is the first unsettled offset", () => {
  const count = 4_000;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: count }),
      fc.nat(),
      (window, salt) => {
        const progress = new PartitionProgress(0);
        const unsettled = new Map<number, () => void>();
        for (let offset = 0; offset < count; offset += 1) {
          unsettled.set(offset, progress.begin(offset));
          if (unsettled.size < window) continue;
          const victims = [...unsettled.keys()];
          const victim =
            victims[(offset * 31 + salt) % victims.length] ?? offset;
          unsettled.get(victim)?.();
          unsettled.delete(victim);
          const [first] = unsettled.keys();
          expect(progress.lowWaterOffset).toBe(first ?? offset + 1);
        }
        for (const settle of unsettled.values()) settle();
        expect(progress.lowWaterOffset).toBe(count);
      },
    ),
    { numRuns: 5 },
  );
});
