/**
 * A crash at each call of the disk that a pass makes: what is found afterwards
 * is the old segments or the new one, never less, and the next pass ends where
 * this one would have.
 */
import { describe, expect, it } from "vitest";
import { StorageError } from "../../../../broker/storage/storage-error.ts";
import type { DiskOperation } from "../../../support/failing-disk.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { TestStorage } from "../support.ts";
import { PowerCutDisk } from "./power-cut-disk.ts";
import { TestLog, tinySegments } from "./support.ts";

/** Three groups, of two, two and one segments, and the active one. */
const lines = [
  "a=1 b=1 c=1",
  "a=2 d=1",
  `${"e".padEnd(120, "e")}=1 b=2`,
  "c=- a=3",
  "d=- e=1",
  "f=1",
];

async function written(disk: PowerCutDisk): Promise<TestLog> {
  const config = { ...tinySegments, segmentSizeBytes: 330, needsKeys: true };
  const storage = new TestStorage(config, {}, disk);
  const test = new TestLog(storage, await storage.open());
  await test.add(...lines);
  await test.log.sync();
  return test;
}

/** Key to value, as a reader of the whole log would have it; null for a tombstone. */
function lastValues(records: readonly string[]): Map<string, string> {
  return new Map(
    records.map((line) => {
      const [, key = "", value = ""] = /^\d+:(.*)=(.*)$/.exec(line) ?? [];
      return [key, value];
    }),
  );
}

/** Reading changes nothing: a crash before it is one before the next change. */
const changing: ReadonlySet<DiskOperation> = new Set([
  "append",
  "open",
  "remove",
  "rename",
  "sync",
  "syncDirectory",
]);

/** Lets the disk fail at its `count`-th change, and at all behind it; answers whether it came to that. */
async function compactUntil(test: TestLog, count: number): Promise<boolean> {
  let left = count;
  test.storage.disk.rule = ({ operation }) => {
    if (left >= 0 && changing.has(operation)) left--;
    return left < 0 ? { code: "EIO" } : null;
  };
  try {
    await test.compact();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
  }
  await test.storage.close(false).catch(() => {});
  const hasFailed = left < 0;
  test.storage.watchSyncs();
  return hasFailed;
}

async function expectWhole(
  test: TestLog,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const records = await test.records();
  expect(test.log.endOffset).toBe(12);
  expect(lastValues(records)).toEqual(lastValues(before));
  // In order, with the offsets they had, and nothing that should have gone came back alone.
  expect(before.filter((line) => records.includes(line))).toEqual(records);
  expect(records).toEqual(expect.arrayContaining([...after]));
  const names = await test.storage.names();
  expect(names.filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([]);
}

async function outcomes(): Promise<{
  readonly before: readonly string[];
  readonly after: readonly string[];
}> {
  const test = await written(new PowerCutDisk());
  const before = await test.records();
  await test.compact();
  const segments = await test.segments();
  expect(segments).toEqual([0, 5, 9, 11]);
  return { before, after: await test.records() };
}

async function expectAtEachCall(
  crash: (disk: PowerCutDisk, count: number) => void,
): Promise<number> {
  const { before, after } = await outcomes();
  for (let count = 0; ; count++) {
    const disk = new PowerCutDisk();
    const test = await written(disk);
    const hasFailed = await compactUntil(test, count);
    crash(disk, count);
    test.log = await test.storage.open();
    await expectWhole(test, before, after);
    // Nothing is in the way of the next pass.
    await test.compact();
    expect(await test.records()).toEqual(after);
    if (!hasFailed) return count;
  }
}

describe("a crash while a log is compacted", () => {
  it("leaves the old or the new, when the process is killed", async () => {
    expect(await expectAtEachCall(() => {})).toBeGreaterThan(60);
  }, 20_000);

  it.each([1, 2])(
    "leaves the old or the new, when the power fails, whatever reached the disk: seed %i",
    async (seed) => {
      await expectAtEachCall((disk, count) => {
        const random = new SeededRandom(seed * 1000 + count);
        disk.cut(() => (random.bytes(1)[0] ?? 0) < 128);
      });
    },
    20_000,
  );

  it("leaves the new one, though an earlier pass could not remove what it had begun further down", async () => {
    const storage = new TestStorage({ ...tinySegments, needsKeys: true });
    const test = new TestLog(storage, await storage.open());
    await test.add("x=1 y=1", "a=1 b=1", "a=2 b=2 c=1", "d=1");
    // It looks for leftovers of its own before it begins, and finds none.
    let hasBegun = false;
    storage.disk.rule = ({ operation, path }) => {
      if (!path.endsWith("0000.log.cleaned")) return null;
      if (operation === "append") hasBegun = true;
      return hasBegun ? { code: "EIO" } : null;
    };
    await expect(test.compact()).rejects.toThrow("EIO");
    storage.watchSyncs();
    expect(await storage.names()).toContain("00000000000000000000.log.cleaned");
    await test.log.deleteRecordsBefore(2);
    const before = await test.records();
    storage.disk.rule = ({ operation, path }) =>
      operation === "rename" && path.endsWith(".log.swap")
        ? { code: "EIO" }
        : null;
    await expect(test.compact()).rejects.toThrow("EIO");
    storage.watchSyncs();
    await test.reopen(false);
    expect(lastValues(await test.records())).toEqual(lastValues(before));
  });

  it("leaves what lies behind the new one, also where the topic is not compacted any more when the power fails", async () => {
    const disk = new PowerCutDisk();
    const test = await written(disk);
    await test.compact();
    const records = await test.records();
    // Its last record is gone, as if a power cut had taken it.
    expect(records).not.toContain("4:d=1");
    expect(await test.segments()).toContain(5);
    test.configure({ needsKeys: false });
    disk.cut(() => false);
    test.storage.directory = null;
    test.log = await test.storage.open();
    expect(await test.records()).toEqual(records);
    expect(test.storage.report?.cuts).toEqual([]);
  });
});
