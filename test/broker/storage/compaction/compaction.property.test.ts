/**
 * A compacted log against a map of its keys: whatever is produced, in whatever
 * batches and codecs, whenever it is compacted, and whatever stops in between.
 *
 * The model is the list of all records that were written. What the log may have
 * lost of it is said in `expectCompacted`.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { CompressionName } from "../../../../broker/record/batch-format.ts";
import { StorageError } from "../../../../broker/storage/storage-error.ts";
import type { DiskOperation } from "../../../support/failing-disk.ts";
import { TestLog } from "./support.ts";

interface Written {
  readonly offset: number;
  readonly key: string;
  /** `-`: a tombstone. */
  readonly value: string;
}

interface Model {
  readonly written: Written[];
  /** By offset: when its batch got a delete horizon at the earliest. */
  readonly compactedMs: Map<number, number>;
}

interface Real {
  readonly test: TestLog;
  valueCount: number;
}

type Command = fc.AsyncCommand<Model, Real>;

const deleteRetentionMs = 1_000;

class Produce implements Command {
  readonly batches: readonly {
    readonly records: readonly (readonly [number, boolean])[];
    readonly compression: CompressionName;
    readonly isNewSegment: boolean;
  }[];
  constructor(batches: Produce["batches"]) {
    this.batches = batches;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { test } = real;
    for (const { records, compression, isNewSegment } of this.batches) {
      if (isNewSegment) test.timestampMs += 10;
      const pairs = records.map(([key, isTombstone]) => ({
        key: `k${key}`,
        value: isTombstone ? "-" : String(real.valueCount++),
      }));
      const line = pairs.map(({ key, value }) => `${key}=${value}`).join(" ");
      await test.addToSegment(line, { compression });
      for (const pair of pairs) {
        model.written.push({ offset: model.written.length, ...pair });
      }
    }
    expect(test.log.endOffset).toBe(model.written.length);
  }
  toString = () => `produce(${JSON.stringify(this.batches)})`;
}

/** A pass with room for so many keys; the clock moves on before it. */
class Compact implements Command {
  readonly keyCount: number;
  readonly waitMs: number;
  constructor(keyCount: number, waitMs: number) {
    this.keyCount = keyCount;
    this.waitMs = waitMs;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { test } = real;
    test.storage.clock.advance(this.waitMs);
    const before = await test.records();
    await test.compact({ keyMapSizeBytesMax: (this.keyCount + 1) * 24 });
    noteCompacted(model, real);
    await expectCompacted(model, real, before);
  }
  toString = () => `compact(${this.keyCount}, ${this.waitMs})`;
}

/** A pass during which the disk fails at some change, after which the process is gone. */
class CrashInCompaction implements Command {
  readonly changeCount: number;
  constructor(changeCount: number) {
    this.changeCount = changeCount;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const { test } = real;
    const before = await test.records();
    let left = this.changeCount;
    test.storage.disk.rule = ({ operation }) => {
      if (changing.has(operation)) left--;
      return left < 0 ? { code: "EIO" } : null;
    };
    try {
      await test.compact();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
    await test.storage.close(false).catch(() => {});
    test.storage.watchSyncs();
    test.log = await test.storage.open();
    noteCompacted(model, real);
    await expectCompacted(model, real, before);
  }
  toString = () => `crashInCompaction(${this.changeCount})`;
}

class Reopen implements Command {
  readonly isClean: boolean;
  constructor(isClean: boolean) {
    this.isClean = isClean;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const before = await real.test.records();
    await real.test.reopen(this.isClean);
    expect(await real.test.records()).toEqual(before);
    await expectCompacted(model, real, before);
  }
  toString = () => `reopen(${this.isClean})`;
}

const changing: ReadonlySet<DiskOperation> = new Set([
  "append",
  "open",
  "remove",
  "rename",
  "sync",
  "syncDirectory",
]);

/** What is not in the active segment may have got its horizon now. */
function noteCompacted({ written, compactedMs }: Model, { test }: Real): void {
  const nowMs = test.storage.clock.now();
  for (const { offset } of written) {
    if (!compactedMs.has(offset)) compactedMs.set(offset, nowMs);
  }
}

async function expectCompacted(
  { written, compactedMs }: Model,
  { test }: Real,
  before: readonly string[],
): Promise<void> {
  const records = await test.records();
  const lines = written.map(
    ({ offset, key, value }) => `${offset}:${key}=${value}`,
  );
  // Nothing but what was written, in its order, and nothing comes back.
  expect(records.filter((line) => !lines.includes(line))).toEqual([]);
  expect(before.filter((line) => records.includes(line))).toEqual(records);
  expect(test.log.endOffset).toBe(written.length);

  const last = new Map(written.map((record) => [record.key, record]));
  for (const { offset, key, value } of last.values()) {
    const newest = records.findLast((line) => line.includes(`:${key}=`));
    const line = `${offset}:${key}=${value}`;
    if (newest === line) continue;
    // Only a tombstone may be gone, with all that it took away, and not before its time.
    expect(newest ?? "nothing", line).toBe("nothing");
    expect(value).toBe("-");
    const ageMs = test.storage.clock.now() - (compactedMs.get(offset) ?? 0);
    expect(ageMs).toBeGreaterThanOrEqual(deleteRetentionMs);
  }
}

const commands = [
  fc
    .array(
      fc.record({
        records: fc.array(
          fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()),
          { minLength: 1, maxLength: 5 },
        ),
        compression: fc.constantFrom("none", "gzip", "snappy", "lz4", "zstd"),
        isNewSegment: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((batches) => new Produce(batches)),
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(0, 1, 700, 1_000))
    .map(([keyCount, waitMs]) => new Compact(keyCount, waitMs)),
  fc
    .integer({ min: 0, max: 80 })
    .map((changeCount) => new CrashInCompaction(changeCount)),
  fc.boolean().map((isClean) => new Reopen(isClean)),
];

it("says what a map of its keys says, whatever is done to it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(commands, { maxCommands: 25 }),
      async (cmds) => {
        const test = await TestLog.open({
          deleteRetentionMs,
          segmentSizeBytes: 400,
        });
        await fc.asyncModelRun(
          () => ({
            model: { written: [], compactedMs: new Map() },
            real: { test, valueCount: 0 },
          }),
          cmds,
        );
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

it("ends with one record a key, when all is compacted and its time is over", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.boolean()), {
        minLength: 1,
        maxLength: 30,
      }),
      async (pairs) => {
        const test = await TestLog.open({ deleteRetentionMs: 0 });
        const expected = new Map<string, string>();
        for (const [offset, [key, isTombstone]] of pairs.entries()) {
          await test.add(`k${key}=${isTombstone ? "-" : offset}`);
          expected.delete(`k${key}`);
          if (!isTombstone)
            expected.set(`k${key}`, `${offset}:k${key}=${offset}`);
        }
        // Two passes take the tombstones, each with something new in the log.
        for (const value of ["1", "2", "3"]) {
          await test.add(`end=${value}`);
          await test.compact();
          test.storage.clock.advance(1);
        }
        const records = await test.records();
        expect(records.filter((line) => !line.includes("end="))).toEqual([
          ...expected.values(),
        ]);
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);
