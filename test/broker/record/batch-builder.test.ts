import { expect, test } from "vitest";
import { AssertionError } from "../../../broker/lib/assert.ts";
import {
  batchSizeBytesOf,
  compressionOf,
  crcHolds,
  maxTimestampOf,
} from "../../../broker/record/batch.ts";
import {
  BatchBuilder,
  buildBatch,
} from "../../../broker/record/batch-builder.ts";
import { Compression } from "../../../broker/record/batch-format.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { compressionNames, plain, readAll } from "./arbitraries.ts";

const record = {
  key: null,
  value: new Uint8Array(100).fill(120),
  headers: [{ key: "π", value: null }],
  timestampMs: 1_700_000_000_000,
};

test("the size so far is the size of the batch, and is known before a record is appended", () => {
  const builder = new BatchBuilder();
  expect(builder.sizeBytes).toBe(61);
  for (let index = 0; index < 200; index++) {
    const next = { ...record, timestampMs: record.timestampMs + index * 999 };
    const expected = builder.sizeBytesWith(next);
    builder.append(next);
    expect(builder.sizeBytes).toBe(expected);
  }
  expect(builder.recordsCount).toBe(200);
  const { sizeBytes } = builder;
  const bytes = builder.build();
  expect(bytes).toHaveLength(sizeBytes);
  expect(batchSizeBytesOf(bytes, 0)).toBe(sizeBytes);
});

test("a builder is empty after it has built, and what it built stays", () => {
  const builder = new BatchBuilder();
  builder.append(record);
  const first = builder.build();
  expect(builder.recordsCount).toBe(0);
  expect(builder.sizeBytes).toBe(61);
  builder.append({ ...record, value: null });
  builder.build();
  expect(readAll(first)).toMatchObject([{ offset: 0 }]);
  expect(crcHolds(first, 0)).toBe(true);
});

test("the maximum timestamp is the largest, wherever that record stands", () => {
  const times = [5, 9, 2];
  const batch = buildBatch(
    times.map((timestampMs) => ({ ...record, timestampMs })),
  );
  expect(maxTimestampOf(batch, 0)).toBe(9);
  const read = readAll(batch);
  expect(read).toMatchObject(times.map((timestampMs) => ({ timestampMs })));
});

test.each(compressionNames)("a batch says how it is compressed: %s", (name) => {
  const builder = new BatchBuilder();
  builder.append(record);
  const batch = builder.buildCompressed(name, { baseOffset: 10 });
  if (batch instanceof RecordError) throw batch;
  expect(compressionOf(batch, 0)).toBe(Compression[name]);
  expect(crcHolds(batch, 0)).toBe(true);
  const read = readAll(batch);
  if (read instanceof RecordError) throw read;
  expect(read.map(plain)).toEqual([plain(record)]);
  expect(read[0]?.offset).toBe(10);
});

test("a batch without records is a bug", () => {
  expect(() => buildBatch([])).toThrow(AssertionError);
});
