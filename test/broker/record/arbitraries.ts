/** Records of every shape, for the property tests of this folder. */
import fc from "fast-check";
import type { CompressionName } from "../../../broker/record/batch-format.ts";
import type { NewRecord, StoredRecord } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { openRecords } from "../../../broker/record/record.ts";

export const compressionNames: readonly CompressionName[] = [
  "none",
  "gzip",
  "snappy",
  "lz4",
  "zstd",
];

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 300, size: "max" }),
  // Repetitive: so that codecs have something to do.
  fc
    .tuple(fc.nat(255), fc.nat(100_000))
    .map(([fill, sizeBytes]) => new Uint8Array(sizeBytes).fill(fill)),
);

export const newRecord: fc.Arbitrary<NewRecord> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(
    fc.record({
      key: fc.string({ unit: "grapheme", maxLength: 20 }),
      value: fc.option(fc.uint8Array({ maxLength: 20 })),
    }),
    { maxLength: 4 },
  ),
  timestampMs: fc.oneof(
    fc.integer({ min: 1_600_000_000_000, max: 1_800_000_000_000 }),
    fc.maxSafeNat(),
  ),
});

export const newRecords = fc.array(newRecord, { minLength: 1, maxLength: 12 });

/** All records of the batch, or what is wrong with it. */
export function readAll(
  batch: Uint8Array,
  at = 0,
  sizeBytesMax = 64 * 1024 * 1024,
): StoredRecord[] | RecordError {
  const reader = openRecords(batch, at, { sizeBytesMax });
  if (reader instanceof RecordError) return reader;
  const records: StoredRecord[] = [];
  for (;;) {
    const record = reader.next();
    if (record === null) return records;
    if (record instanceof RecordError) return record;
    records.push(record);
  }
}

/** With plain arrays for bytes, so that a Buffer equals a Uint8Array. */
export function plain(record: NewRecord): unknown {
  return {
    key: record.key === null ? null : Buffer.from(record.key).toString("hex"),
    value:
      record.value === null ? null : Buffer.from(record.value).toString("hex"),
    headers: record.headers.map(({ key, value }) => [
      key,
      value === null ? null : Buffer.from(value).toString("hex"),
    ]),
    timestampMs: record.timestampMs,
  };
}
