import { expect, test } from "vitest";
import type { Observation } from "../../support/sim-observation.ts";
import { BrokenPromise } from "./checker.ts";
import { createLogStartChecker } from "./log-start.ts";

const place = { topic: "trimmed", partition: 0 } as const;

function read(call: number, startOffset: number, atMs = 0): Observation {
  const fetchOffset = startOffset;
  const at = { call, atMs, ...place, fetchOffset, startOffset };
  return { kind: "read", ...at, records: [] };
}

function seeAll(...observations: readonly Observation[]): void {
  const checker = createLogStartChecker();
  for (const observation of observations) checker.see(observation);
}

/** Answered before anything with a greater number was asked. */
const deleted: readonly Observation[] = [
  { kind: "deleting-records", ...place, beforeOffset: 5 },
  { kind: "deleted-records", call: 7, ...place, startOffset: 5 },
];

/** A record at offset 0, made at 1,000 ms. */
const kept: readonly Observation[] = [
  { kind: "retained", topic: place.topic, retentionMs: 500 },
  {
    kind: "sent",
    ...place,
    ids: ["p/0"],
    isRetried: true,
    timestampMs: 1_000,
  },
  { kind: "acknowledged", ...place, acks: -1, baseOffset: 0, ids: ["p/0"] },
];

test("what was deleted does not come back for who asks afterwards", () => {
  seeAll(...deleted, read(6, 0), read(8, 5));
  expect(() => seeAll(...deleted, read(8, 4))).toThrow(BrokenPromise);
});

test("what is young stays, but where it was to be deleted", () => {
  seeAll(...kept, read(1, 0, 1_400), read(2, 1, 1_501));
  expect(() => seeAll(...kept, read(1, 1, 1_400))).toThrow(BrokenPromise);
  seeAll(...deleted, ...kept, read(8, 5, 1_400));
});
