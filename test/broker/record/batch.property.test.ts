import fc from "fast-check";
import { expect, test } from "vitest";
import { batchSizeBytesOf, crcHolds } from "../../../broker/record/batch.ts";
import { BatchBuilder } from "../../../broker/record/batch-builder.ts";
import type { CompressionName } from "../../../broker/record/batch-format.ts";
import {
  validateBatches,
  validateOneBatch,
} from "../../../broker/record/batch-validator.ts";
import type { NewRecord } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { compressionNames, newRecords, plain, readAll } from "./arbitraries.ts";

const limits = {
  sizeBytesMax: 64 * 1024 * 1024,
  timestampMsMin: 0,
  timestampMsMax: Number.MAX_SAFE_INTEGER,
};
const codec = fc.constantFrom(...compressionNames);

function build(
  records: readonly NewRecord[],
  name: CompressionName,
): Uint8Array {
  const builder = new BatchBuilder();
  for (const record of records) builder.append(record);
  const batch = builder.buildCompressed(name);
  if (batch instanceof RecordError) throw batch;
  return batch;
}

test("property: what is built is fit to store and reads back, with every codec", () => {
  fc.assert(
    fc.property(newRecords, codec, (records, name) => {
      const batch = build(records, name);
      expect(validateOneBatch(batch, limits)).toBe(null);
      const read = readAll(batch);
      if (read instanceof RecordError) throw read;
      expect(read.map(plain)).toEqual(records.map(plain));
      expect(read.map(({ offset }) => offset)).toEqual(
        records.map((_, i) => i),
      );
    }),
    { numRuns: 150 },
  );
});

test("property: a changed batch is read, or refused with the declared error, and never passes its CRC", () => {
  const change = fc.record({
    at: fc.nat(),
    xor: fc.integer({ min: 1, max: 255 }),
  });
  fc.assert(
    fc.property(
      newRecords,
      codec,
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat()),
      (records, name, changes, cut) => {
        const original = build(records, name);
        let batch = Uint8Array.from(original);
        for (const { at, xor } of changes) {
          const position = at % batch.length;
          batch[position] = (batch[position] ?? 0) ^ xor;
        }
        if (cut !== null) batch = batch.subarray(0, cut % (batch.length + 1));
        const isSame =
          batch.length === original.length &&
          batch
            .subarray(17)
            .every((byte, index) => byte === original[17 + index]);
        const sameSize =
          batch.length >= 12 && batchSizeBytesOf(batch, 0) === original.length;
        expect(crcHolds(batch, 0)).toBe(isSame && sameSize);
        const read = readAll(batch, 0, 1024 * 1024);
        expect(read instanceof RecordError || Array.isArray(read)).toBe(true);
        const count = validateBatches(batch, limits);
        expect(typeof count === "number" || count.error.length > 0).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});

test("property: any bytes at all are answered, not thrown at", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      codec,
      fc.nat(20),
      (bytes, name, count) => {
        // Garbage behind a header that lets it be read.
        const record = { key: null, value: null, headers: [], timestampMs: 0 };
        const header = Buffer.from(build([record], name)).subarray(0, 61);
        const batch = Buffer.concat([header, bytes]);
        batch.writeInt32BE(batch.length - 12, 8);
        batch.writeInt32BE(count, 57);
        batch.writeInt32BE(count - 1, 23);
        const read = readAll(batch, 0, 1024 * 1024);
        expect(read instanceof RecordError || Array.isArray(read)).toBe(true);
        expect(typeof validateBatches(bytes, limits)).toMatch(/number|object/);
      },
    ),
    { numRuns: 1_000 },
  );
});
