/** The simulated world itself: it goes the same way with the same seed, on any machine. */
import { expect, test } from "vitest";
import { keptTraceHash, runKeptSeed } from "./kept-trace.ts";
import { runSeed } from "./run.ts";

test("the kept seed goes the way it went", { timeout: 60_000 }, async () => {
  expect(
    await runKeptSeed(),
    "the broker does something else, or at another time: if that is meant, `npm run sim -- --keep-trace`",
  ).toBe(keptTraceHash());
});

test(
  "the same seed goes the same way twice, another one another way",
  { timeout: 60_000 },
  async () => {
    const hashOf = async (seed: number): Promise<string> =>
      (await runSeed({ seed, safetyMs: 1_000 })).traceHash;
    const first = await hashOf(6);
    expect(await hashOf(6)).toBe(first);
    expect(await hashOf(7)).not.toBe(first);
  },
);
