/** A checker that has not seen a broken promise sees nothing: each is shown one. */
import { describe, expect, test } from "vitest";
import type { Observation } from "../support/sim-observation.ts";
import { canaries } from "./canaries.ts";
import type { CanaryCase } from "./canaries.ts";
import { BrokenPromise } from "./checkers/checker.ts";
import { createTransactionsChecker } from "./checkers/transactions.ts";
import { noFaults } from "./faults.ts";
import { runSeed } from "./run.ts";

const SAFETY_MS = 3_000;
/** A broken broker may never come to rest. */
const REST_MS = 30_000;
/** What goes wrong in a run is not always the same. */
const SEED_COUNT_MAX = 15;

/** The checker that ends the run; null where none does. */
async function caughtBy(
  { rates, create }: CanaryCase,
  seed: number,
): Promise<string | null> {
  try {
    await runSeed({
      seed,
      rates: { ...noFaults, ...rates },
      safetyMs: SAFETY_MS,
      restMs: REST_MS,
      canary: create(),
    });
    return null;
  } catch (error) {
    return error instanceof BrokenPromise ? error.checker : null;
  }
}

describe("a broker that", () => {
  test.for(canaries)(
    "$fault is caught by $checker",
    { timeout: 60_000 },
    async (canary) => {
      const seen = new Set<string | null>();
      for (let seed = 1; seed <= SEED_COUNT_MAX; seed += 1) {
        seen.add(await caughtBy(canary, seed));
        if (seen.has(canary.checker)) break;
      }
      expect(seen).toContain(canary.checker);
    },
  );
});

/** There is no transaction coordinator yet: its checker sees a history made by hand. */
describe("transactions", () => {
  const begun: readonly Observation[] = [
    { kind: "in-transaction", transaction: "t1", ids: ["a/0", "a/1"] },
    { kind: "in-transaction", transaction: "t1", ids: ["b/0"] },
  ];
  const ended = (isCommitted: boolean): Observation => ({
    kind: "ended-transaction",
    transaction: "t1",
    isCommitted,
  });
  const read = (isAll: boolean, ...ids: readonly string[]): Observation => ({
    kind: "read-committed",
    ids,
    isAll,
  });
  const seeing = (history: readonly Observation[]) => (): void => {
    const checker = createTransactionsChecker();
    for (const observation of [...begun, ...history]) checker.see(observation);
  };

  test("are whole or not there", () => {
    for (const history of [
      [ended(true), read(true, "a/0", "a/1", "b/0", "other/0")],
      [ended(true), read(false, "a/0")],
      [ended(false), read(true)],
      [read(true)],
      [read(true, "a/0", "a/1", "b/0")],
    ]) {
      expect(seeing(history)).not.toThrow();
    }
  });

  test("that are there in part are caught", () => {
    for (const history of [
      [ended(true), read(true, "a/0", "a/1")],
      [ended(true), read(true)],
      [ended(false), read(false, "b/0")],
      [read(true, "a/0", "b/0")],
    ]) {
      expect(seeing(history)).toThrow(BrokenPromise);
    }
  });
});
