import { describe, expect, test } from "vitest";
import { EndOfReading, findEndOfReading } from "../../cli/end-of-reading.ts";
import type { Admin, RawRecord } from "../../client/index.ts";

const NOW = 1_000_000;

/** Partition 0 ends at 100, partition 1 at 0; time 5000 is at offset 50. */
const admin = {
  offsetsAt: async (
    wanted: readonly { partition: number; at: unknown }[],
  ): Promise<readonly (number | null)[]> =>
    wanted.map(({ at, partition }) => {
      if (at === "earliest") return 0;
      if (at === "latest") return partition === 0 ? 100 : 0;
      return partition === 0 ? 50 : null;
    }),
} as Partial<Admin> as Admin;

const partitions = [0, 1].map((partition) => ({ topic: "t", partition }));

function record(partition: number, offset: number, timestamp = 0): RawRecord {
  return {
    ...{ topic: "t", partition, offset, timestamp },
    timestampType: "CreateTime",
    ...{ key: null, value: null, headers: new Map(), headerList: [] },
  };
}

describe("findEndOfReading", () => {
  const find = (until: Parameters<typeof findEndOfReading>[2]["until"]) =>
    findEndOfReading(admin, partitions, { until, nowMs: NOW });

  test("without an end nothing is behind it", async () => {
    const end = await find(null);
    expect(end.isBehind(record(0, 1e9, 1e15))).toBe(false);
    expect(end.isReached(1, 0)).toBe(false);
  });

  test("latest is where each partition ends now", async () => {
    const end = await find("latest");
    expect(end.isReached(0, 99)).toBe(false);
    expect(end.isReached(0, 100)).toBe(true);
    expect(end.isReached(1, 0)).toBe(true);
  });

  test("an offset that is not there yet is waited for", async () => {
    const end = await find({ offset: 500 });
    expect(end.isReached(0, 100)).toBe(false);
    expect(end.isReached(0, 500)).toBe(true);
  });

  test("a time that was is an offset, and the end where nothing is so young", async () => {
    const end = await find({ timestamp: 5000 });
    expect(end.timestamp).toBeNull();
    expect(end.isReached(0, 50)).toBe(true);
    expect(end.isReached(1, 0)).toBe(true);
  });

  test("a time to come ends at the first record of that time", async () => {
    const end = await find({ timestamp: NOW + 10 });
    expect(end.timestamp).toBe(NOW + 10);
    expect(end.isBehind(record(0, 3, NOW + 9))).toBe(false);
    expect(end.isBehind(record(0, 4, NOW + 10))).toBe(true);
  });
});

test("a partition that is not asked about has no end", () => {
  const end = new EndOfReading(new Map([[0, 5]]), null);
  expect(end.isReached(3, 1000)).toBe(false);
});
