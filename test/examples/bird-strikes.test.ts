import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type FeedRecord,
  readFeed,
} from "../../examples/bird-strikes/reports.ts";
import type { RawRecord } from "../../client/index.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { ExampleProcess, recordsIn, runToEnd } from "./example-process.ts";

const FEED = "bird-strikes";
const TARGETS = {
  damage: "bird-strikes-damage",
  bySpecies: "bird-strikes-by-species",
  atNight: "bird-strikes-at-night",
} as const;
const DEAD = "bird-strikes-dlt";
const ALL = [FEED, ...Object.values(TARGETS), DEAD];
/** Slow enough to be interrupted in the middle on any machine. */
const SLOWLY = ["--pace", "4000"];
const TIMEOUT_MS = 120_000;

let temporary: TemporaryDirectory;
let dir: string;
let feed: readonly FeedRecord[];

beforeEach(async () => {
  temporary = await createTemporaryDirectory();
  dir = `${temporary.path}/data`;
  feed = await readFeed();
});
afterEach(() => temporary.remove());

/** The reports that are whole, and what the pipeline is to make of them. */
function expectedCounts(): Readonly<Record<string, number>> {
  const reports = feed
    .filter(({ key }) => !key.endsWith("-broken"))
    .map(({ value }) => JSON.parse(value ?? ""))
    .filter(({ size }) => size !== "Small");
  const count = (holds: (report: Record<string, string>) => boolean): number =>
    reports.filter(holds).length;
  const isExplained = (damage = ""): boolean =>
    ["Minor", "Medium", "Substantial"].includes(damage);
  return {
    [FEED]: feed.length,
    [TARGETS.damage]: count(({ damage }) => isExplained(damage)),
    [TARGETS.bySpecies]: count(
      ({ species }) => species?.startsWith("Unknown") === false,
    ),
    [TARGETS.atNight]: count(({ timeOfDay }) => timeOfDay === "Night"),
    [DEAD]:
      4 + count(({ damage }) => damage !== "None" && !isExplained(damage)),
  };
}

function countsOf(
  found: ReadonlyMap<string, readonly RawRecord[]>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...found].map(([topic, records]) => [topic, records.length]),
  );
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** The feed as it lies in its topic is the feed: nothing is missing, doubled or out of order. */
function expectWholeFeed(records: readonly RawRecord[]): void {
  const partitionCount = 4;
  const fed = records.map(({ partition, offset, key, value }) => ({
    index: offset * partitionCount + partition,
    key: textOf(key),
    value: textOf(value),
  }));
  fed.sort((one, other) => one.index - other.index);
  expect(fed).toEqual(feed.map((record, index) => ({ index, ...record })));
}

test(
  "killed in the middle and run again it completes the feed; run once more it has nothing to do",
  async () => {
    const killed = new ExampleProcess(dir, ...SLOWLY);
    await killed.says(/ (2[5-9]|[3-6]\d) % /);
    killed.kill("SIGKILL");
    expect(await killed.exitCode()).toBeNull();
    const before = (await recordsIn(dir, [FEED])).get(FEED) ?? [];
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(feed.length);

    const second = await runToEnd(dir);
    expect(second).toMatch(/Going on: [\d,]+ records are fed already/);
    expect(second).toMatch(/Done: /);
    const after = await recordsIn(dir, ALL);
    expectWholeFeed(after.get(FEED) ?? []);
    // What was on its way when it was killed is done again: at least once.
    for (const [topic, count] of Object.entries(expectedCounts())) {
      expect(after.get(topic)?.length).toBeGreaterThanOrEqual(count);
      if (topic === TARGETS.damage || topic === TARGETS.atNight) {
        const ids = after.get(topic)?.map((r) => textOf(r.key)) ?? [];
        expect(new Set(ids).size).toBe(count);
      }
    }

    const third = await runToEnd(dir);
    expect(third).toContain("All 10,004 records are done");
    expect(third).toContain("npm start -- --fresh");
    expect(countsOf(await recordsIn(dir, ALL))).toEqual(countsOf(after));
  },
  TIMEOUT_MS,
);

test(
  "interrupted it drains and commits: run again, nothing at all is doubled; --fresh starts over",
  async () => {
    const interrupted = new ExampleProcess(dir, ...SLOWLY);
    await interrupted.says(/ (2[5-9]|[3-6]\d) % /);
    interrupted.kill("SIGINT");
    expect(await interrupted.exitCode()).toBe(0);
    expect(interrupted.errors).toBe("");
    const [, fed, done] =
      /Interrupted, cleanly: ([\d,]+) of 10,004 fed, ([\d,]+) done/.exec(
        interrupted.output,
      ) ?? [];
    expect(fed).toBeDefined();
    // Nothing is shown as done that is not shown as fed.
    const shown = interrupted.output.matchAll(/fed ([\d,]+) +done ([\d,]+)/g);
    const number = (text = ""): number => Number(text.replaceAll(",", ""));
    for (const [, before, after] of shown) {
      expect(number(after)).toBeLessThanOrEqual(number(before));
    }

    const second = await runToEnd(dir);
    expect(second).toContain(`Going on: ${fed} records are fed already`);
    expect(second).toContain(`committed offsets: ${done}.`);
    const after = await recordsIn(dir, ALL);
    expectWholeFeed(after.get(FEED) ?? []);
    expect(countsOf(after)).toEqual(expectedCounts());

    const fresh = await runToEnd(dir, "--fresh");
    expect(fresh).toContain("Done: 10,004 records");
    expect(countsOf(await recordsIn(dir, ALL))).toEqual(expectedCounts());
  },
  TIMEOUT_MS,
);

test("its help shows the options and starts nothing", async () => {
  const help = new ExampleProcess(dir, "--help");
  expect(await help.exitCode()).toBe(0);
  expect(help.output).toContain("--pace 2000");
  expect(help.output).not.toContain("broker ");
}, 30_000);

test("a wrong option is told in one line", async () => {
  const wrong = new ExampleProcess(dir, "--pace", "fast");
  expect(await wrong.exitCode()).toBe(1);
  expect(wrong.errors.trim().split("\n")).toHaveLength(1);
}, 30_000);
