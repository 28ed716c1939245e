import { expect, test } from "vitest";
import { runChild } from "./child-process.ts";

/** How much the process grew at most, and what became of the requests. */
async function grow(
  scenario: string,
): Promise<{ readonly outcome: string; readonly grownMib: number }> {
  const { exitCode, output } = await runChild("memory.child.ts", [scenario]);
  expect(exitCode, output).toBe(0);
  return JSON.parse(output);
}

const timeout = 30_000;

test(
  "150 frames of 100 MB that are promised and hardly begun take no memory",
  async () => {
    const { outcome, grownMib } = await grow("promise-little");
    expect(outcome).toBe("0 closed");
    expect(grownMib).toBeLessThan(32);
  },
  timeout,
);

test(
  "150 frames of 100 MB of which 1 MB came take what came, at most twice",
  async () => {
    const { outcome, grownMib } = await grow("promise-some");
    expect(outcome).toBe("0 closed");
    // More than was sent: otherwise it would not be known to measure anything.
    expect(grownMib).toBeGreaterThan(150);
    expect(grownMib).toBeLessThan(2 * 150 + 32);
  },
  timeout,
);

test(
  "requests that promise 2^31 of something, wherever they can, take no memory",
  async () => {
    const { outcome, grownMib } = await grow("lie");
    expect(outcome).toBe("thousands closed");
    expect(grownMib).toBeLessThan(64);
  },
  timeout,
);

test(
  "batches that inflate to gigabytes are refused within a bound",
  async () => {
    const { outcome, grownMib } = await grow("inflate");
    // MESSAGE_TOO_LARGE.
    expect(outcome).toBe("10");
    expect(grownMib).toBeLessThan(400);
  },
  timeout,
);
