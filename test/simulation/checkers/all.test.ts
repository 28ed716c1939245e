import { expect, test } from "vitest";
import type { Observation } from "../../support/sim-observation.ts";
import { createChecker } from "./all.ts";
import { BrokenPromise } from "./checker.ts";

const place = { topic: "mixed", partition: 0 } as const;

function read(call: number, id: string): Observation {
  const records = [{ id, offset: 0, leaderEpoch: 0 }];
  return {
    kind: "read",
    call,
    atMs: 0,
    ...place,
    fetchOffset: 0,
    startOffset: 0,
    records,
  };
}

function seeAll(...observations: readonly Observation[]): void {
  const checker = createChecker();
  for (const observation of observations) checker.see(observation);
}

const powerCut: Observation = { kind: "stopped", how: "power-cut", call: 1 };

test("what was read before the power failed is not held against what is read after it", () => {
  // The answer to the first question was on its way.
  seeAll(powerCut, read(1, "a"), read(2, "b"));
});

test("what was asked after it is", () => {
  expect(() => seeAll(powerCut, read(2, "a"), read(3, "b"))).toThrow(
    BrokenPromise,
  );
});
