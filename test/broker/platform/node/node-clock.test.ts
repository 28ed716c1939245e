import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NodeClock } from "../../../../broker/platform/node/node-clock.ts";

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ["setTimeout", "clearTimeout", "performance", "Date"],
  });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the machine's clock", () => {
  test("fires once when the delay has passed, and not before", () => {
    const fired: string[] = [];
    new NodeClock().schedule(100, () => fired.push("fired"));
    vi.advanceTimersByTime(99);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(fired).toEqual(["fired"]);
  });

  test("waits out a delay longer than a timer can hold", () => {
    let firedCount = 0;
    const month = 31 * 24 * 3_600_000;
    new NodeClock().schedule(month, () => (firedCount += 1));
    vi.advanceTimersByTime(month - 1);
    expect(firedCount).toBe(0);
    vi.advanceTimersByTime(1);
    expect(firedCount).toBe(1);
  });

  test("takes a call back, also in the second stretch of a long delay", () => {
    let firedCount = 0;
    const cancel = new NodeClock().schedule(2 ** 32, () => (firedCount += 1));
    vi.advanceTimersByTime(2 ** 31 + 10);
    cancel();
    cancel();
    vi.advanceTimersByTime(2 ** 32);
    expect(firedCount).toBe(0);
  });

  test("fires at once what is overdue, without a warning of Node's", async () => {
    vi.useRealTimers();
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    const clock = new NodeClock();
    await new Promise<void>((resolve) => clock.schedule(-5, resolve));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  test("does not keep the process alive", () => {
    vi.useRealTimers();
    // Node lists here what keeps the process alive.
    const countTimers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === "Timeout")
        .length;
    const before = countTimers();
    const cancel = new NodeClock().schedule(60_000, () => {});
    expect(countTimers()).toBe(before);
    cancel();
  });

  test("defers to the end of the turn, after what was deferred before", async () => {
    const clock = new NodeClock();
    const order: string[] = [];
    clock.defer(() => order.push("first"));
    const second = new Promise<void>((resolve) => clock.defer(resolve));
    order.push("now");
    await second;
    expect(order).toEqual(["now", "first"]);
  });
});
