import { describe, expect, it } from "vitest";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import {
  baseTimestampOf,
  batchSizeBytesOf,
  crcHolds,
  hasDeleteHorizon,
  lastOffsetOf,
  lastSequenceOf,
  maxTimestampOf,
  producerIdOf,
  recordsCountOf,
  setBaseOffset,
  setLogAppendTime,
} from "../../../broker/record/batch.ts";
import type { CompressionName } from "../../../broker/record/batch-format.ts";
import {
  emptyBatch,
  KeptRecords,
  rebuildBatch,
  type RebuildOptions,
} from "../../../broker/record/rebuild-batch.ts";
import {
  openRecords,
  type RecordReader,
  type StoredRecord,
} from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { recompress } from "../../../broker/record/recompress.ts";

const timestampMs = 1_700_000_000_000;
const text = new TextEncoder();

/** Offsets 100 to 103, a second apart, the third a tombstone. */
function batchOfFour(compression: CompressionName = "none"): Uint8Array {
  const built = buildBatch(
    ["a", "b", "c", "d"].map((key, index) => ({
      key: text.encode(key),
      value: index === 2 ? null : text.encode(`value of ${key}`),
      headers: [{ key: "h", value: text.encode(key) }],
      timestampMs: timestampMs + index * 1000,
    })),
    { producer: { id: 7, epoch: 1, baseSequence: 10 } },
  );
  setBaseOffset(built, 0, 100);
  const limits = { level: null, sizeBytesMax: 1_000_000 };
  const batch = recompress(built, compression, limits);
  if (batch instanceof RecordError) throw batch;
  return batch;
}

function read(batch: Uint8Array, at = 0): RecordReader {
  const reader = openRecords(batch, at, { sizeBytesMax: 1_000_000 });
  if (reader instanceof RecordError) throw reader;
  return reader;
}

function next(reader: RecordReader): StoredRecord | null {
  const record = reader.next();
  if (record instanceof RecordError) throw record;
  return record;
}

function lines(batch: Uint8Array): string[] {
  const reader = read(batch);
  const found: string[] = [];
  for (;;) {
    const record = next(reader);
    if (record === null) return found;
    const { offset, key, value, headers } = record;
    const secondsIn = (record.timestampMs - timestampMs) / 1000;
    found.push(
      `${offset} +${secondsIn}s ${String(key)} ${value === null ? "-" : "v"} ${headers.length}`,
    );
  }
}

function rebuild(
  batch: Uint8Array,
  offsets: readonly number[],
  options: Partial<RebuildOptions> = {},
  at = 0,
): Uint8Array {
  const kept = new KeptRecords();
  const reader = read(batch, at);
  for (;;) {
    const record = next(reader);
    if (record === null) break;
    if (offsets.includes(record.offset)) kept.add(reader, record);
  }
  const rebuilt = rebuildBatch({ bytes: batch, at }, reader.bytes, kept, {
    compression: "none",
    level: null,
    deleteHorizonMs: null,
    ...options,
  });
  if (rebuilt instanceof RecordError) throw rebuilt;
  expect(crcHolds(rebuilt, 0)).toBe(true);
  return rebuilt;
}

describe("a rebuilt batch", () => {
  it("has the records that stay, with their offsets and timestamps", () => {
    const rebuilt = rebuild(batchOfFour(), [101, 102]);
    expect(lines(rebuilt)).toEqual(["101 +1s b v 1", "102 +2s c - 1"]);
    expect(recordsCountOf(rebuilt, 0)).toBe(2);
    expect(maxTimestampOf(rebuilt, 0)).toBe(timestampMs + 2000);
  });

  it("keeps the last offset and the last sequence, whatever was taken out", () => {
    const rebuilt = rebuild(batchOfFour(), [100]);
    expect(lastOffsetOf(rebuilt, 0)).toBe(103);
    expect(lastSequenceOf(rebuilt, 0)).toBe(13);
    expect(producerIdOf(rebuilt, 0)).toBe(7);
    expect(batchSizeBytesOf(rebuilt, 0)).toBe(rebuilt.length);
  });

  it("has a delete horizon in the place of its base timestamp, and the records their timestamps", () => {
    const horizonMs = timestampMs + 86_400_000;
    const rebuilt = rebuild(batchOfFour(), [100, 102], {
      deleteHorizonMs: horizonMs,
    });
    expect(hasDeleteHorizon(rebuilt, 0)).toBe(true);
    expect(baseTimestampOf(rebuilt, 0)).toBe(horizonMs);
    expect(lines(rebuilt)).toEqual(["100 +0s a v 1", "102 +2s c - 1"]);
  });

  it("keeps the horizon it has, when more records go", () => {
    const horizonMs = timestampMs + 86_400_000;
    const once = rebuild(batchOfFour(), [100, 102], {
      deleteHorizonMs: horizonMs,
    });
    const twice = rebuild(once, [102]);
    expect(hasDeleteHorizon(twice, 0)).toBe(true);
    expect(baseTimestampOf(twice, 0)).toBe(horizonMs);
    expect(lines(twice)).toEqual(["102 +2s c - 1"]);
  });

  it("keeps the time at which the broker appended it", () => {
    const batch = batchOfFour();
    setLogAppendTime(batch, 0, timestampMs + 9000);
    const plain = rebuild(batch, [100]);
    const horizon = { deleteHorizonMs: timestampMs + 86_400_000 };
    const shifted = rebuild(batch, [100], horizon);
    for (const rebuilt of [plain, shifted]) {
      expect(maxTimestampOf(rebuilt, 0)).toBe(timestampMs + 9000);
      expect(lines(rebuilt)).toEqual(["100 +9s a v 1"]);
    }
  });

  it("is found among other bytes", () => {
    const batch = batchOfFour();
    const bytes = new Uint8Array([...batchOfFour(), ...batch]);
    expect(rebuild(bytes, [103], {}, batch.length)).toEqual(
      rebuild(batch, [103]),
    );
  });

  it.each(["none", "gzip", "snappy", "lz4", "zstd"] as const)(
    "comes from %s and goes to it",
    (compression) => {
      const rebuilt = rebuild(batchOfFour(compression), [101, 103], {
        compression,
      });
      expect(lines(rebuilt)).toEqual(["101 +1s b v 1", "103 +3s d v 1"]);
    },
  );
});

describe("an empty batch", () => {
  it("is a header with the batch's place and producer", () => {
    const empty = emptyBatch(batchOfFour("gzip"), 0);
    expect(crcHolds(empty, 0)).toBe(true);
    expect(empty.length).toBe(61);
    expect(lines(empty)).toEqual([]);
    expect(lastOffsetOf(empty, 0)).toBe(103);
    expect(lastSequenceOf(empty, 0)).toBe(13);
    expect(maxTimestampOf(empty, 0)).toBe(timestampMs + 3000);
  });

  it("has no delete horizon: it holds no tombstone", () => {
    const rebuilt = rebuild(batchOfFour(), [102], {
      deleteHorizonMs: timestampMs + 1,
    });
    expect(hasDeleteHorizon(emptyBatch(rebuilt, 0), 0)).toBe(false);
  });
});
