import { expect, test } from "vitest";
import * as batch from "../../../broker/record/batch.ts";
import {
  buildMarkerBatch,
  parseMarker,
} from "../../../broker/record/control-record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { readAll } from "./arbitraries.ts";

const options = { producerId: 4_000, producerEpoch: 3, timestampMs: 1_000 };

test.each(["abort", "commit"] as const)("a marker says %s", (type) => {
  const bytes = buildMarkerBatch({ type, coordinatorEpoch: 12 }, options);
  expect(batch.isControl(bytes, 0)).toBe(true);
  expect(batch.isTransactional(bytes, 0)).toBe(true);
  expect(batch.producerIdOf(bytes, 0)).toBe(4_000);
  expect(batch.producerEpochOf(bytes, 0)).toBe(3);
  expect(batch.baseSequenceOf(bytes, 0)).toBe(-1);
  const records = readAll(bytes);
  if (records instanceof RecordError) throw records;
  expect(records).toHaveLength(1);
  expect(records.map(parseMarker)).toEqual([{ type, coordinatorEpoch: 12 }]);
});

test("a marker's bytes are Kafka's", () => {
  const bytes = buildMarkerBatch(
    { type: "commit", coordinatorEpoch: 258 },
    options,
  );
  const records = Buffer.from(batch.recordsOf(bytes, 0)).toString("hex");
  // Size, attributes, deltas; key of 4: version 0, type 1; value of 6; no headers.
  expect(records).toBe("20000000" + "0800000001" + "0c000000000102" + "00");
});

const stored = { offset: 5, headers: [], timestampMs: 0 };
const hex = (text: string) => Buffer.from(text, "hex");

test("types that are not of transactions are skipped, later versions are read", () => {
  const value = hex("000000000001");
  expect(parseMarker({ ...stored, key: hex("00000002"), value })).toBe(null);
  const later = { key: hex("00010001ff"), value: hex("000100000001ff") };
  expect(parseMarker({ ...stored, ...later })).toEqual({
    type: "commit",
    coordinatorEpoch: 1,
  });
});

test.each([
  [null, "000000000001"],
  ["000000", "000000000001"],
  ["ffff0001", "000000000001"],
  ["00000001", null],
  ["00000001", "0000000000"],
  ["00000001", "ffff00000001"],
])("a marker with key %s and value %s is refused", (key, value) => {
  const record = {
    ...stored,
    key: key === null ? null : hex(key),
    value: value === null ? null : hex(value),
  };
  expect(parseMarker(record)).toBeInstanceOf(RecordError);
});
