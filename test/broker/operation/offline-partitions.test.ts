import { afterEach, describe, expect, it } from "vitest";
import { OfflinePartitions } from "../../../broker/operation/offline-partitions.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const at = { topic: "orders", partition: 2 };

class Tries {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  readonly bugs: unknown[] = [];
  /** Seconds since the start. */
  readonly triedAt: number[] = [];
  outcome: () => Promise<string | null> = async () => "still broken";
  readonly offline = new OfflinePartitions({
    clock: this.clock,
    logger: {
      debug() {},
      info: (_fields, message) => this.lines.push(message),
      warn() {},
      error() {},
    },
    reopen: () => {
      this.triedAt.push(this.clock.monotonic() / 1_000);
      return this.outcome();
    },
    crashed: (error) => this.bugs.push(error),
  });
}

let tries = new Tries();
afterEach(async () => {
  await tries.offline.close();
  tries = new Tries();
});

describe("a partition that is offline", () => {
  it("is tried after a second, then after twice as long each time, at the most five minutes", async () => {
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_200_000);
    expect(tries.triedAt).toEqual([
      1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111,
    ]);
    expect(tries.lines).toEqual([]);
  });

  it("tells the newest reason, and since when", async () => {
    tries.offline.add(at, "a write failed");
    expect(tries.offline.find("orders", 2)).toEqual({
      ...at,
      detail: "a write failed",
      sinceMs: 1_700_000_000_000,
    });
    expect(tries.offline.find("orders", 1)).toBe(null);
    await tries.clock.advanceAndSettle(1_000);
    expect(tries.offline.ofTopic("orders")).toMatchObject([
      { detail: "still broken", sinceMs: 1_700_000_000_000 },
    ]);
    tries.offline.add(at, "a read failed");
    expect(tries.offline.find("orders", 2)?.detail).toBe("a read failed");
    expect(tries.offline.count).toBe(1);
  });

  it("is none any more when it could be opened", async () => {
    tries.outcome = async () => null;
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_000);
    expect(tries.offline.count).toBe(0);
    expect(tries.lines).toEqual(["partition is online again"]);
    await tries.clock.advanceAndSettle(600_000);
    expect(tries.triedAt).toEqual([1]);
  });

  it("waits longer when it fails again soon, and is new after a while without", async () => {
    tries.outcome = async () => null;
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_000);
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(2_000);
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(4_000);
    expect(tries.triedAt).toEqual([1, 3, 7]);
    await tries.clock.advanceAndSettle(300_001);
    tries.triedAt.length = 0;
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_000);
    expect(tries.triedAt.length).toBe(1);
  });

  it("is forgotten with its topic, also while it is being tried", async () => {
    const opened = Promise.withResolvers<string | null>();
    tries.outcome = () => opened.promise;
    tries.offline.add(at, "broken");
    tries.offline.add({ topic: "orders", partition: 3 }, "broken");
    await tries.clock.advanceAndSettle(1_000);
    tries.offline.forget("orders");
    // A topic of the same name, made since, has failed too.
    tries.offline.add(at, "another");
    opened.resolve("still broken");
    await tries.clock.settle();
    expect(tries.offline.ofTopic("orders")).toMatchObject([
      { partition: 2, detail: "another" },
    ]);
  });

  it("hands on a bug", async () => {
    tries.outcome = async () => {
      throw new TypeError("a bug");
    };
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_000);
    expect(tries.bugs).toEqual([new TypeError("a bug")]);
  });

  it("is not tried any more once the broker closes, which waits for what is under way", async () => {
    const opened = Promise.withResolvers<string | null>();
    tries.outcome = () => opened.promise;
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(1_000);
    let isClosed = false;
    const closing = tries.offline.close().then(() => (isClosed = true));
    await tries.clock.settle();
    expect(isClosed).toBe(false);
    opened.resolve(null);
    await closing;
    tries.offline.add(at, "broken");
    await tries.clock.advanceAndSettle(600_000);
    expect(tries.triedAt).toEqual([1]);
  });
});
