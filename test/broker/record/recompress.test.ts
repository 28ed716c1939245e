import { describe, expect, test } from "vitest";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import {
  batchSizeBytesOf,
  compressionOf,
  crcHolds,
  lastOffsetDeltaOf,
  maxTimestampOf,
  producerIdOf,
} from "../../../broker/record/batch.ts";
import {
  Compression,
  type CompressionName,
} from "../../../broker/record/batch-format.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { recompress } from "../../../broker/record/recompress.ts";
import { openRecords } from "../../../broker/record/record.ts";

const names: readonly CompressionName[] = [
  "none",
  "gzip",
  "snappy",
  "lz4",
  "zstd",
];
const limits = { level: null, sizeBytesMax: 1_000_000 };
const batch = Uint8Array.from(
  buildBatch(
    Array.from({ length: 50 }, (_, index) => ({
      key: null,
      value: new TextEncoder().encode(`value ${index % 3}`),
      headers: [],
      timestampMs: 1_000 + index,
    })),
    { producer: { id: 7, epoch: 1, baseSequence: 3 } },
  ),
);

function valuesOf(bytes: Uint8Array): string[] {
  const reader = openRecords(bytes, 0, limits);
  if (reader instanceof RecordError) throw reader;
  const values: string[] = [];
  for (;;) {
    const record = reader.next();
    if (record === null) return values;
    if (record instanceof RecordError) throw record;
    values.push(new TextDecoder().decode(record.value ?? undefined));
  }
}

function recompressed(bytes: Uint8Array, name: CompressionName): Uint8Array {
  const result = recompress(bytes, name, limits);
  if (result instanceof RecordError) throw result;
  return result;
}

describe.each(names)("to %s", (to) => {
  test.each(names)(
    "from %s the records and the header's facts stay",
    (from) => {
      const bytes = recompressed(recompressed(batch, from), to);
      expect(compressionOf(bytes, 0)).toBe(Compression[to]);
      expect(batchSizeBytesOf(bytes, 0)).toBe(bytes.length);
      expect(crcHolds(bytes, 0)).toBe(true);
      expect(lastOffsetDeltaOf(bytes, 0)).toBe(49);
      expect(maxTimestampOf(bytes, 0)).toBe(1_049);
      expect(producerIdOf(bytes, 0)).toBe(7);
      expect(valuesOf(bytes)).toEqual(valuesOf(batch));
    },
  );
});

test("what is compressed that way already is not touched", () => {
  expect(recompress(batch, "none", limits)).toBe(batch);
});

test("records that inflate beyond the limit are refused", () => {
  const bytes = recompressed(batch, "gzip");
  const result = recompress(bytes, "zstd", { level: null, sizeBytesMax: 100 });
  expect(result).toMatchObject({ code: "records-too-large" });
});
