import { expect, test } from "vitest";
import type { Observation } from "../../support/sim-observation.ts";
import { createAcknowledgedChecker } from "./acknowledged.ts";
import { BrokenPromise } from "./checker.ts";

const place = { topic: "mixed", partition: 0 } as const;

function sent(id: string): Observation {
  return {
    kind: "sent",
    ...place,
    ids: [id],
    isRetried: false,
    timestampMs: 0,
  };
}

function acknowledged(id: string, baseOffset: number, acks: 1 | -1) {
  return {
    kind: "acknowledged",
    ...place,
    acks,
    baseOffset,
    ids: [id],
  } as const;
}

function audited(...ids: readonly string[]): Observation {
  const records = ids.map((id, offset) => ({ id, offset, leaderEpoch: 0 }));
  const bounds = { startOffset: 0, endOffset: ids.length };
  return { kind: "audited", atMs: 0, ...place, ...bounds, records };
}

function seeAll(...observations: readonly Observation[]): void {
  const checker = createAcknowledgedChecker();
  for (const observation of observations) checker.see(observation);
}

const powerCut: Observation = { kind: "stopped", how: "power-cut", call: 0 };
const kill: Observation = { kind: "stopped", how: "kill", call: 0 };

test("an answer at 1 that was on its way when the power failed promises nothing", () => {
  seeAll(sent("a"), powerCut, acknowledged("a", 0, 1), audited("b"));
});

test("an answer at 1 that was on its way when the process was killed is a promise", () => {
  const late = acknowledged("a", 0, 1);
  expect(() => seeAll(sent("a"), kill, late, audited("b"))).toThrow(
    BrokenPromise,
  );
});

test("an answer at -1 is a promise, whenever it arrives", () => {
  const late = acknowledged("a", 0, -1);
  expect(() => seeAll(sent("a"), powerCut, late, audited("b"))).toThrow(
    BrokenPromise,
  );
});

test("an answer at 1 that arrives late is a promise below what was durable", () => {
  const durable = acknowledged("b", 1, -1);
  const late = acknowledged("a", 0, 1);
  const observations = [sent("a"), sent("b"), durable, powerCut, late];
  expect(() => seeAll(...observations, audited("c", "b"))).toThrow(
    BrokenPromise,
  );
});

test("an answer at 1 to what was sent after the power came back is a promise", () => {
  const answered = acknowledged("a", 0, 1);
  expect(() => seeAll(powerCut, sent("a"), answered, audited("b"))).toThrow(
    BrokenPromise,
  );
});
