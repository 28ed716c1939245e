import { expect, test } from "vitest";
import { createStopping } from "../../cli/stop-signal.ts";

function setUp() {
  const clock = { nowMs: 5 };
  const exits: number[] = [];
  const stopping = createStopping({
    nowMs: () => clock.nowMs,
    exit: (code) => exits.push(code),
  });
  return { clock, exits, ...stopping };
}

test("the first signal asks, and the same one passed on by others asks no more", () => {
  const { clock, exits, signal, signalled } = setUp();
  expect(signal.aborted).toBe(false);
  signalled("SIGINT");
  expect(signal.aborted).toBe(true);
  clock.nowMs += 100;
  signalled("SIGTERM");
  expect(exits).toEqual([]);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("a later %s ends the process with %i", (name, code) => {
  const { clock, exits, signalled } = setUp();
  signalled("SIGINT");
  clock.nowMs += 300;
  signalled(name);
  expect(exits).toEqual([code]);
});
