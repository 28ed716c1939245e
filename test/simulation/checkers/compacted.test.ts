import { expect, test } from "vitest";
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise } from "./checker.ts";
import { createCompactedChecker } from "./compacted.ts";

const place = { topic: "keyed", partition: 0 } as const;

/** Acknowledged at offsets from 0 on. */
function written(...ids: readonly string[]): readonly Observation[] {
  return [
    { kind: "writing", ...place, ids },
    { kind: "written", ...place, baseOffset: 0, ids },
  ];
}

function audited(...found: readonly (readonly [number, string])[]) {
  const records = found.map(([offset, id]) => ({ offset, id, leaderEpoch: 0 }));
  const bounds = { startOffset: 0, endOffset: 9 };
  return { kind: "audited", atMs: 0, ...place, ...bounds, records } as const;
}

function seeAll(...observations: readonly Observation[]): void {
  const checker = createCompactedChecker();
  for (const observation of observations) checker.see(observation);
}

const twice = written("p/0:k1", "p/1:k1");
const takenAway = written("p/0:k1", "p/1:k1:gone");
const open: Observation = { kind: "writing", ...place, ids: ["q/0:k1:gone"] };

test("older records of a key may be there or not, the last one must", () => {
  seeAll(...twice, audited([0, "p/0:k1"], [1, "p/1:k1"]));
  seeAll(...twice, audited([1, "p/1:k1"]));
  expect(() => seeAll(...twice, audited([0, "p/0:k1"]))).toThrow(BrokenPromise);
  expect(() => seeAll(...twice, audited())).toThrow(BrokenPromise);
});

test("a tombstone may go, and what it took away does not come back", () => {
  seeAll(...takenAway, audited([1, "p/1:k1:gone"]));
  seeAll(...takenAway, audited());
  expect(() => seeAll(...takenAway, audited([0, "p/0:k1"]))).toThrow(
    BrokenPromise,
  );
});

test("what was not answered may have been done", () => {
  seeAll(...twice, open, audited([1, "p/1:k1"]));
  seeAll(...twice, open, audited([1, "p/1:k1"], [2, "q/0:k1:gone"]));
  seeAll(...twice, open, audited());
});

test("what is left lies where it was written", () => {
  expect(() => seeAll(...twice, audited([3, "p/1:k1"]))).toThrow(BrokenPromise);
  expect(() => seeAll(...twice, audited([1, "p/1:k2"]))).toThrow(BrokenPromise);
});
