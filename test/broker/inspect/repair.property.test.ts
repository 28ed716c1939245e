/**
 * Any damage to a partition's files is found if it could change what is served,
 * and after a repair exactly what was not touched is served.
 */
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { batchSize } from "./damages.ts";
import { TestDirectory } from "./test-directory.ts";

interface RandomDamage {
  /** Which file, of the partition's in order. */
  readonly file: number;
  readonly kind: "flip" | "cut" | "add" | "zero" | "junk";
  /** Where in the file, as a part of its size. */
  readonly place: number;
  readonly sizeBytes: number;
  readonly byte: number;
}

const damage: fc.Arbitrary<RandomDamage> = fc.record({
  file: fc.nat(100),
  kind: fc.constantFrom("flip", "flip", "cut", "add", "zero", "junk"),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  sizeBytes: fc.integer({ min: 1, max: 200 }),
  byte: fc.integer({ min: 1, max: 255 }),
});

function apply(bytes: Uint8Array, one: RandomDamage): Uint8Array {
  const at = Math.floor(one.place * bytes.length);
  const end = at + one.sizeBytes;
  const changed = bytes.slice();
  switch (one.kind) {
    case "flip":
      if (bytes.length > 0) changed[at] = (changed[at] ?? 0) ^ one.byte;
      return changed;
    case "cut":
      return changed.subarray(0, Math.max(0, bytes.length - one.sizeBytes));
    case "add":
      return new Uint8Array([
        ...changed,
        ...new Uint8Array(one.sizeBytes).fill(one.byte),
      ]);
    case "zero":
      return changed.fill(0, at, end);
    case "junk":
      return changed.map((byte, index) =>
        index >= at && index < end
          ? (byte * 7 + one.byte + index) & 0xff
          : byte,
      );
  }
}

let whole: TestDirectory;
let all: readonly string[];
/** Of `orders-0`, those whose damage can change what is served. */
const names = ["0", "8", "16"].flatMap((base) =>
  ["log", "log", "log", "index", "timeindex", "snapshot"].map(
    (suffix) => `orders-0/${base.padStart(20, "0")}.${suffix}`,
  ),
);

beforeAll(async () => {
  whole = await TestDirectory.make();
  await whole.disk.remove("/data/orders-0/00000000000000000000.snapshot");
  all = await (await whole.copy()).served();
});

/** Records of the batches in whose bytes nothing changed. */
async function untouched(made: TestDirectory): Promise<readonly string[]> {
  const kept = new Set<number>();
  for (const base of [0, 8, 16]) {
    const path = `orders-0/${String(base).padStart(20, "0")}.log`;
    const before = await whole.bytesOf(path);
    const now = await made.bytesOf(path);
    for (let slot = 0; slot < 4; slot++) {
      const range = [slot * batchSize, (slot + 1) * batchSize] as const;
      const isSame = Buffer.from(now.subarray(...range)).equals(
        before.subarray(...range),
      );
      if (isSame) kept.add(base + 2 * slot).add(base + 2 * slot + 1);
    }
  }
  return all.filter((record) => kept.has(Number.parseInt(record, 10)));
}

test("property: damage is found, and repaired without a loss of what was not touched", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(damage, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      async (damages, isClean) => {
        const made = await whole.copy();
        if (!isClean) await made.crash();
        for (const one of damages) {
          const name = names[one.file % names.length] ?? "";
          if ((await made.disk.sizeOf(`/data/${name}`)) === null) continue;
          await made.change(name, (bytes) => apply(bytes, one));
        }
        const kept = await untouched(made);
        const found = await made.found();
        if (found.length === 0) {
          expect(await (await made.copy()).served()).toEqual(all);
        }
        await made.repair();
        expect(await made.found()).toEqual([]);
        const served = await made.served();
        expect(served.filter((record) => !all.includes(record))).toEqual([]);
        expect(kept.filter((record) => !served.includes(record))).toEqual([]);
        expect(await made.found()).toEqual([]);
      },
    ),
    { numRuns: Number(process.env["REPAIR_RUNS"] ?? 40) },
  );
}, 120_000);
