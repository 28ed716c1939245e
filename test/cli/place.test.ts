import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import type { Admin } from "../../client/index.ts";
import { parsePlace, type Place, resolvePlace } from "../../cli/place.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

describe("parsePlace", () => {
  test.each<[string, Place]>([
    ["earliest", "earliest"],
    ["latest", "latest"],
    ["0", { offset: 0 }],
    ["1200", { offset: 1200 }],
    ["-100", { countFromEnd: 100 }],
    ["-15m", { timestamp: now - 900_000 }],
    ["-1.5h", { timestamp: now - 5_400_000 }],
    ["-250ms", { timestamp: now - 250 }],
    ["-7d", { timestamp: now - 604_800_000 }],
    ["-100000w", { timestamp: 0 }],
    ["2026-02-01", { timestamp: Date.UTC(2026, 1, 1) }],
    ["2026-02-01T10:30", { timestamp: Date.UTC(2026, 1, 1, 10, 30) }],
    ["2026-02-01 10:30:05", { timestamp: Date.UTC(2026, 1, 1, 10, 30, 5) }],
    ["2026-02-01T10:30:00Z", { timestamp: Date.UTC(2026, 1, 1, 10, 30) }],
    ["2026-02-01T10:30+02:00", { timestamp: Date.UTC(2026, 1, 1, 8, 30) }],
  ])("%s", (text, place) => {
    expect(parsePlace(text, now)).toEqual(place);
  });

  test.each([
    "",
    "beginning",
    "1.5",
    "15m",
    "-15y",
    "2026-13-01",
    "2026-02-01T25:00",
    "yesterday",
    "1e3",
    "99999999999999999999",
    "1960-01-01",
  ])("refuses %j", (text) => {
    expect(() => parsePlace(text, now)).toThrow(InvalidArgumentError);
  });
});

describe("resolvePlace", () => {
  const partitions = [
    { topic: "t", partition: 0 },
    { topic: "t", partition: 1 },
  ];
  // Partition 0 has the offsets 10 to 99, partition 1 none; record 50 is of time 5000.
  const offsets = new Map<string, (number | null)[]>([
    ["earliest", [10, 0]],
    ["latest", [100, 0]],
    ["5000", [50, null]],
  ]);
  const admin: Pick<Admin, "offsetsAt"> = {
    offsetsAt: async (wanted) =>
      wanted.map(({ at, partition }) => {
        const key = typeof at === "object" ? at.timestamp : at;
        return offsets.get(String(key))?.[partition] ?? null;
      }),
  };

  test.each<[Place, number[]]>([
    ["earliest", [10, 0]],
    ["latest", [100, 0]],
    [{ offset: 60 }, [60, 0]],
    [{ offset: 3 }, [10, 0]],
    [{ offset: 1000 }, [100, 0]],
    [{ countFromEnd: 5 }, [95, 0]],
    [{ countFromEnd: 1000 }, [10, 0]],
    // Without a record so young: behind the last.
    [{ timestamp: 5000 }, [50, 0]],
    [{ timestamp: 6000 }, [100, 0]],
  ])("%j", async (place, expected) => {
    const found = await resolvePlace(admin as Admin, partitions, place);
    expect(found).toEqual(expected);
  });
});
