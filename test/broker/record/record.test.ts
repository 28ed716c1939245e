import { expect, test } from "vitest";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { openRecords } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { readAll } from "./arbitraries.ts";

const limits = { sizeBytesMax: 1024 };

/** A batch whose records are these bytes, with counts that fit `count` records. */
function batchOf(recordsHex: string, count = 1): Buffer {
  const record = { key: null, value: null, headers: [], timestampMs: 1_000 };
  const header = buildBatch([record]).subarray(0, 61);
  const bytes = Buffer.concat([header, Buffer.from(recordsHex, "hex")]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt32BE(count - 1, 23);
  bytes.writeInt32BE(count, 57);
  return bytes;
}

test("key and value are views of the batch where nothing is compressed", () => {
  const value = Uint8Array.of(1, 2, 3);
  const batch = buildBatch([
    { key: null, value, headers: [], timestampMs: 1_000 },
  ]);
  const records = readAll(batch);
  if (records instanceof RecordError) throw records;
  expect(records[0]?.value?.buffer).toBe(batch.buffer);
});

test("compaction's gaps between offsets are read", () => {
  // Offset deltas 1 and 5 of a range to 9.
  const batch = batchOf("0c000002010100" + "0c00000a010100", 2);
  batch.writeInt32BE(9, 23);
  expect(readAll(batch)).toMatchObject([{ offset: 1 }, { offset: 5 }]);
});

test.each([
  ["a size beyond the bytes", "7e000000010100", "its size"],
  ["a negative size", "01000000010100", "its size"],
  ["a size that no varint can be", "ffffffffff0f00", "its size"],
  ["a record too short for its timestamp", "0200000000000000", "its timestamp"],
  ["a key beyond its record", "0c000000100100", "its key"],
  ["a value beyond its record", "0c000000011000", "its value"],
  ["a value of 2 GB", "1400000001feffffff0f00", "its value"],
  ["more headers than bytes", "0c00000001017e", "its headers"],
  ["a negative count of headers", "0c000000010101", "its headers"],
  ["a header without key", "100000000101020101", "its headers"],
  ["a header cut short", "0e00000001010200", "its headers"],
  ["bytes behind the headers", "0e00000001010000", "its headers"],
  ["an offset beyond the batch's", "0c000002010100", "its offset"],
  ["a negative offset", "0c000001010100", "its offset"],
  ["bytes behind the last record", "0c00000001010000", "1 bytes behind"],
  [
    "a timestamp that no number holds",
    "1e00ffffffffffffffffff0100010100",
    "its timestamp",
  ],
])("refuse %s", (_, recordsHex, what) => {
  const result = readAll(batchOf(recordsHex));
  if (!(result instanceof RecordError)) throw new Error("it was read");
  expect(result.code).toBe("corrupt-records");
  expect(result.message).toContain(what);
});

test("offsets that do not rise are refused", () => {
  const result = readAll(batchOf("0c000000010100".repeat(2), 2));
  expect(result).toMatchObject({ code: "corrupt-records" });
});

test("fewer records than the header says are refused", () => {
  const one = batchOf("0c000000010100", 2);
  expect(readAll(one)).toMatchObject({ code: "corrupt-records" });
  const lying = batchOf("0c000000010100", 2 ** 31 - 1);
  expect(openRecords(lying, 0, limits)).toBeInstanceOf(RecordError);
});

test("an error is the last word of a reader", () => {
  const reader = openRecords(batchOf("7e000000010100"), 0, limits);
  if (reader instanceof RecordError) throw reader;
  const first = reader.next();
  expect(first).toBeInstanceOf(RecordError);
  expect(reader.next()).toBe(first);
});

test("batches of another magic, of no known codec, or cut short are refused", () => {
  const magic = batchOf("0c000000010100");
  magic[16] = 1;
  expect(openRecords(magic, 0, limits)).toMatchObject({
    code: "corrupt-records",
  });
  const codec = batchOf("0c000000010100");
  codec[22] = 6;
  expect(openRecords(codec, 0, limits)).toMatchObject({
    code: "unsupported-compression",
  });
  const cut = batchOf("0c000000010100").subarray(0, 65);
  expect(openRecords(cut, 0, limits)).toMatchObject({
    code: "corrupt-records",
  });
});
