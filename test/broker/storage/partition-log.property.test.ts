import fc from "fast-check";
import { expect, it } from "vitest";
import { batchSizeBytesOf } from "../../../broker/record/batch.ts";
import type { ReadRequest } from "../../../broker/storage/log-reader.ts";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import {
  TestStorage,
  batchOf,
  epochMs,
  logPath,
  partitionPath,
  readAll,
  readBytes,
  recordsIn,
} from "./support.ts";

/** What the log should hold: the value of each offset from the start on. */
interface Model {
  values: string[];
  startOffset: number;
  /** Base offsets of batches, to know what a read may begin with. */
  bases: number[];
  /** Offsets below this were on the disk at a clean stop: no crash tears them. */
  promisedEnd: number;
}

interface Real {
  readonly storage: TestStorage;
  log: PartitionLog;
  valueCount: number;
}

type Command = fc.AsyncCommand<Model, Real>;

/** Several batches in one turn, each of some records with values of some size. */
class Append implements Command {
  readonly shape: readonly (readonly number[])[];
  constructor(shape: readonly (readonly number[])[]) {
    this.shape = shape;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const results = this.shape.map((sizes) => {
      const values = sizes.map((size) =>
        `${real.valueCount++}`.padEnd(size, "."),
      );
      const base = model.values.length;
      model.bases.push(base);
      model.values.push(...values);
      const timestampMs = epochMs + real.valueCount;
      const result = real.log.append(batchOf({ values, timestampMs }));
      expect(result).toMatchObject({
        error: null,
        baseOffset: base,
        lastOffset: model.values.length - 1,
        startOffset: model.startOffset,
      });
      return result;
    });
    for (const result of results)
      if (result.error === null) await result.written;
    expect(real.log.highWatermark).toBe(model.values.length);
  }
  toString = () => `append(${JSON.stringify(this.shape)})`;
}

class Read implements Command {
  readonly at: number;
  readonly request: Pick<
    ReadRequest,
    "sizeBytesMax" | "minOneBatch" | "transfer"
  >;
  constructor(at: number, request: Read["request"]) {
    this.at = at;
    this.request = request;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const end = model.values.length;
    const offset = Math.floor(this.at * (end + 2)) - 1;
    const isInside = offset >= model.startOffset && offset <= end;
    if (!isInside) {
      const result = await real.log.read({
        offset,
        limit: "high-watermark",
        ...this.request,
      });
      expect(result).toMatchObject({ error: "offset-out-of-range" });
      return;
    }
    const bytes = await readBytes(real.log, { offset, ...this.request });
    if (offset === end) {
      expect(bytes.length).toBe(0);
      return;
    }
    const records = recordsIn(bytes);
    const base = model.bases.findLast((known) => known <= offset);
    if (bytes.length === 0) {
      expect(this.request.minOneBatch).toBe(false);
      return;
    }
    if (this.request.minOneBatch) expect(records.length).toBeGreaterThan(0);
    const firstSize = batchSizeBytesOf(bytes, 0);
    expect(bytes.length).toBeLessThanOrEqual(
      Math.max(
        this.request.sizeBytesMax,
        this.request.minOneBatch ? firstSize : 0,
      ),
    );
    records.forEach((record, index) => {
      expect(record.offset).toBe((base ?? 0) + index);
      expect(new TextDecoder().decode(record.value ?? undefined)).toBe(
        model.values[record.offset],
      );
    });
  }
  toString = () => `read(${this.at}, ${JSON.stringify(this.request)})`;
}

class DeleteRecords implements Command {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const offset = Math.floor(this.at * (model.values.length + 1));
    model.startOffset = Math.max(model.startOffset, offset);
    expect(await real.log.deleteRecordsBefore(offset)).toEqual({
      error: null,
      startOffset: model.startOffset,
    });
  }
  toString = () => `deleteRecordsBefore(${this.at})`;
}

class Reopen implements Command {
  readonly isClean: boolean;
  constructor(isClean: boolean) {
    this.isClean = isClean;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    real.log = await real.storage.reopen(this.isClean);
    if (this.isClean) model.promisedEnd = model.values.length;
    if (this.isClean) expect(real.storage.report).toBe(null);
    else expect(real.storage.report?.cuts ?? []).toEqual([]);
    await expectSame(model, real);
  }
  toString = () => `reopen(${this.isClean ? "clean" : "unclean"})`;
}

/** A crash in the middle of a write: the last file ends inside a batch, or in garbage. */
class ReopenTorn implements Command {
  readonly cut: number;
  constructor(cut: number) {
    this.cut = cut;
  }
  check = (model: Readonly<Model>) =>
    model.values.length > model.startOffset &&
    (model.bases.at(-1) ?? 0) >= model.promisedEnd;
  async run(model: Model, real: Real): Promise<void> {
    await real.storage.close(false);
    const names = await real.storage.names();
    const last = names.filter((name) => name.endsWith(".log")).at(-1) ?? "";
    const path = `${partitionPath}/${last}`;
    const bytes = await real.storage.bytesOf(path);
    const isEmpty = bytes.length === 0;
    await real.storage.changeFile(path, (whole) =>
      this.cut === 0
        ? new Uint8Array([...whole, 1, 2, 3])
        : whole.subarray(0, Math.max(0, whole.length - this.cut)),
    );
    const lastBase = model.bases.at(-1) ?? 0;
    // A batch is larger than any cut, so exactly the last one is torn.
    if (this.cut > 0 && !isEmpty && lastBase >= model.startOffset) {
      model.values.length = lastBase;
      model.bases.pop();
    } else if (this.cut > 0 && !isEmpty) {
      model.values.length = model.startOffset;
      model.bases.pop();
      model.bases.push(model.startOffset);
    }
    real.log = await real.storage.open();
    await expectSame(model, real);
  }
  toString = () => `reopenTorn(${this.cut})`;
}

async function expectSame(model: Model, real: Real): Promise<void> {
  expect(real.log.startOffset).toBe(model.startOffset);
  expect(real.log.endOffset).toBe(model.values.length);
  const expected = model.values.map((value, offset) => `${offset}:${value}`);
  expect(await readAll(real.log)).toEqual(expected.slice(model.startOffset));
}

const commands = [
  fc
    .array(
      fc.array(fc.integer({ min: 0, max: 120 }), {
        minLength: 1,
        maxLength: 4,
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((shape) => new Append(shape)),
  fc
    .tuple(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.record({
        sizeBytesMax: fc.integer({ min: 0, max: 1500 }),
        minOneBatch: fc.boolean(),
        transfer: fc.constantFrom("mapped", "stream", "plain"),
      }),
    )
    .map(([at, request]) => new Read(at, request)),
  fc
    .double({ min: 0, max: 0.999, noNaN: true })
    .map((at) => new DeleteRecords(at)),
  fc.boolean().map((isClean) => new Reopen(isClean)),
  fc.integer({ min: 0, max: 60 }).map((cut) => new ReopenTorn(cut)),
];

it("behaves as an array of values does, whatever is done to it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(commands, { maxCommands: 40 }),
      async (run) => {
        const storage = new TestStorage({
          segmentSizeBytes: 1500,
          indexIntervalSizeBytes: 200,
        });
        const log = await storage.open();
        await fc.asyncModelRun(
          () => ({
            model: { values: [], startOffset: 0, bases: [], promisedEnd: 0 },
            real: { storage, log, valueCount: 0 },
          }),
          run,
        );
      },
    ),
    { numRuns: 100 },
  );
}, 60_000);

it("rebuilds indexes that equal those it lost", async () => {
  const batches = fc.array(fc.integer({ min: 0, max: 600 }), {
    minLength: 1,
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(batches, async (sizes) => {
      const storage = new TestStorage({
        segmentSizeBytes: 3000,
        indexIntervalSizeBytes: 300,
      });
      const log = await storage.open();
      let timestampMs = epochMs;
      for (const size of sizes) {
        // Times go up and down, so that the time index leaves some out.
        timestampMs += size % 2 === 0 ? size : -size;
        const result = log.append(
          batchOf({ values: ["x".repeat(size)], timestampMs }),
        );
        if (result.error === null) await result.written;
      }
      await storage.close();
      const names = (await storage.names()).filter((name) =>
        name.endsWith("index"),
      );
      const before = await Promise.all(
        names.map((name) => storage.bytesOf(`${partitionPath}/${name}`)),
      );
      await storage.memory.remove("/data/.kafka_cleanshutdown");
      await storage.open();
      await storage.close();
      const after = await Promise.all(
        names.map((name) => storage.bytesOf(`${partitionPath}/${name}`)),
      );
      expect(after).toEqual(before);
    }),
    { numRuns: 50 },
  );
}, 60_000);

it("never fails to open, whatever stands in the file", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(200),
      async (garbage, keep) => {
        const storage = new TestStorage();
        const log = await storage.open();
        for (const value of ["a", "b"]) {
          const result = log.append(batchOf(value));
          if (result.error === null) await result.written;
        }
        await storage.close(false);
        await storage.changeFile(
          logPath,
          (bytes) => new Uint8Array([...bytes.subarray(0, keep), ...garbage]),
        );
        const again = await storage.open();
        expect(again.endOffset).toBeLessThanOrEqual(2);
        const values = await readAll(again);
        expect(values).toEqual(["0:a", "1:b"].slice(0, values.length));
      },
    ),
    { numRuns: 100 },
  );
});
