import { describe, expect, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

describe("a manual clock", () => {
  test("fires what is due in order of time, also what that schedules", () => {
    const clock = new ManualClock();
    const fired: string[] = [];
    const note = (name: string) => (): void => {
      fired.push(`${name} at ${clock.monotonic()}`);
    };
    clock.schedule(20, note("b"));
    clock.schedule(10, () => {
      note("a")();
      clock.schedule(5, note("c"));
    });
    clock.schedule(31, note("late"));
    const cancel = clock.schedule(12, note("never"));
    cancel();
    const startMs = clock.now();
    clock.advance(30);
    expect(fired).toEqual(["a at 10", "c at 15", "b at 20"]);
    expect(clock.now() - startMs).toBe(30);
    expect(clock.timerCount).toBe(1);
  });

  test("lets promises run between two timers when asked to settle", async () => {
    const clock = new ManualClock();
    const fired: number[] = [];
    const sleep = (delayMs: number): Promise<void> =>
      new Promise((resolve) => clock.schedule(delayMs, resolve));
    void (async () => {
      for (let round = 0; round < 3; round += 1) {
        await sleep(10);
        fired.push(clock.monotonic());
      }
    })();
    await clock.advanceAndSettle(25);
    expect(fired).toEqual([10, 20]);
  });
});

describe("seeded randomness", () => {
  test("repeats itself from the same seed only", () => {
    const draw = (seed: number): readonly number[] => {
      const random = new SeededRandom(seed);
      return [random.fraction(), ...random.bytes(4), random.integer(10)];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    for (const value of draw(7)) expect(value).toBeGreaterThanOrEqual(0);
  });
});

describe("a failing disk", () => {
  test("fails the calls its rule picks, an append after part of its bytes", async () => {
    const disk = new FailingDisk(new MemoryDisk());
    const file = await disk.open("log", "append");
    disk.rule = ({ operation, path }) =>
      operation === "append" && path === "log"
        ? { code: "ENOSPC", writtenSizeBytes: 3 }
        : null;
    const parts = [Buffer.from("ab"), Buffer.from("cd")];
    await expect(file.append(parts)).rejects.toMatchObject({ code: "ENOSPC" });
    expect(file.sizeBytes).toBe(3);
    disk.rule = ({ operation }) =>
      operation === "sync" ? { code: "EIO" } : null;
    await expect(file.sync()).rejects.toMatchObject({ code: "EIO" });
    await file.append([Buffer.from("e")]);
    disk.rule = ({ operation }) =>
      operation === "open" ? { code: "EMFILE" } : null;
    await expect(disk.open("log", "read")).rejects.toMatchObject({
      code: "EMFILE",
    });
  });
});
