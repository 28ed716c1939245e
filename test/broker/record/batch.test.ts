import { expect, test } from "vitest";
import * as batch from "../../../broker/record/batch.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { readAll } from "./arbitraries.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** One record, key "k", value "v", at 1,000 ms: written out by hand from the format. */
const golden = Buffer.from(
  "0000000000000007" + // baseOffset
    "0000003a" + // batchLength: 49 of the header + 9
    "00000003" + // partitionLeaderEpoch
    "02" + // magic
    "00000000" + // crc, put in below
    "0010" + // attributes: transactional
    "00000000" + // lastOffsetDelta
    "00000000000003e8" + // baseTimestamp
    "00000000000003e8" + // maxTimestamp
    "0000000000000009" + // producerId
    "0002" + // producerEpoch
    "7fffffff" + // baseSequence
    "00000001" + // recordsCount
    "10" + // size 8, zigzag
    "00" + // attributes
    "00" + // timestampDelta
    "00" + // offsetDelta
    "026b" + // key
    "0276" + // value
    "00", // headers
  "hex",
);
golden.writeUInt32BE(batch.computeCrc(golden, 0), 17);

function sample(): Uint8Array {
  return buildBatch(
    [{ key: text("k"), value: text("v"), headers: [], timestampMs: 1_000 }],
    {
      baseOffset: 7,
      partitionLeaderEpoch: 3,
      producer: { id: 9, epoch: 2, baseSequence: 0x7fffffff },
      isTransactional: true,
    },
  );
}

test("a batch is the bytes that the format says", () => {
  expect(Buffer.from(sample()).toString("hex")).toBe(golden.toString("hex"));
});

test("every field is read in place, wherever the batch lies", () => {
  const at = 5;
  const bytes = new Uint8Array(at + golden.length + 3);
  bytes.set(golden, at);
  expect(batch.wholeBatchSizeBytes(bytes, at)).toBe(golden.length);
  expect(batch.batchSizeBytesOf(bytes, at)).toBe(golden.length);
  expect(batch.baseOffsetOf(bytes, at)).toBe(7);
  expect(batch.lastOffsetOf(bytes, at)).toBe(7);
  expect(batch.partitionLeaderEpochOf(bytes, at)).toBe(3);
  expect(batch.magicOf(bytes, at)).toBe(2);
  expect(batch.compressionOf(bytes, at)).toBe(0);
  expect(batch.isTransactional(bytes, at)).toBe(true);
  expect(batch.isControl(bytes, at)).toBe(false);
  expect(batch.isLogAppendTime(bytes, at)).toBe(false);
  expect(batch.hasDeleteHorizon(bytes, at)).toBe(false);
  expect(batch.baseTimestampOf(bytes, at)).toBe(1_000);
  expect(batch.maxTimestampOf(bytes, at)).toBe(1_000);
  expect(batch.producerIdOf(bytes, at)).toBe(9);
  expect(batch.hasProducerId(bytes, at)).toBe(true);
  expect(batch.producerEpochOf(bytes, at)).toBe(2);
  expect(batch.baseSequenceOf(bytes, at)).toBe(0x7fffffff);
  expect(batch.recordsCountOf(bytes, at)).toBe(1);
  expect(batch.recordsOf(bytes, at)).toHaveLength(golden.length - 61);
  expect(batch.crcHolds(bytes, at)).toBe(true);
});

test("sequences go on at 0 after the largest", () => {
  expect(batch.addToSequence(0x7ffffffe, 1)).toBe(0x7fffffff);
  expect(batch.addToSequence(0x7fffffff, 1)).toBe(0);
  expect(batch.addToSequence(0x7ffffffe, 5)).toBe(3);
  const record = { key: null, value: null, headers: [], timestampMs: 0 };
  const two = buildBatch([record, record], {
    producer: { id: 1, epoch: 0, baseSequence: 0x7fffffff },
  });
  expect(batch.lastSequenceOf(two, 0)).toBe(0);
  expect(batch.lastSequenceOf(buildBatch([record]), 0)).toBe(-1);
});

test("what the broker sets on append leaves the CRC as it is", () => {
  const bytes = sample();
  const crc = batch.crcOf(bytes, 0);
  batch.setBaseOffset(bytes, 0, 2 ** 40 + 1);
  batch.setPartitionLeaderEpoch(bytes, 0, 77);
  expect(batch.baseOffsetOf(bytes, 0)).toBe(2 ** 40 + 1);
  expect(batch.partitionLeaderEpochOf(bytes, 0)).toBe(77);
  expect(batch.crcOf(bytes, 0)).toBe(crc);
  expect(batch.crcHolds(bytes, 0)).toBe(true);
});

test("with LogAppendTime every record has the broker's time, and the CRC holds", () => {
  const bytes = sample();
  batch.setLogAppendTime(bytes, 0, 5_000);
  expect(batch.isLogAppendTime(bytes, 0)).toBe(true);
  expect(batch.isTransactional(bytes, 0)).toBe(true);
  expect(batch.maxTimestampOf(bytes, 0)).toBe(5_000);
  expect(batch.baseTimestampOf(bytes, 0)).toBe(1_000);
  expect(batch.crcHolds(bytes, 0)).toBe(true);
  expect(readAll(bytes)).toMatchObject([{ timestampMs: 5_000 }]);
});

test("bytes that hold no whole batch are not taken for one", () => {
  const bytes = sample();
  expect(batch.wholeBatchSizeBytes(bytes, 0, bytes.length - 1)).toBe(null);
  expect(batch.wholeBatchSizeBytes(bytes.subarray(0, 60), 0)).toBe(null);
  for (const length of [-1, -(2 ** 31), 0, 48, 2 ** 31 - 1]) {
    const wrong = Buffer.from(bytes);
    wrong.writeInt32BE(length, 8);
    expect(batch.wholeBatchSizeBytes(wrong, 0)).toBe(null);
    expect(batch.crcHolds(wrong, 0)).toBe(false);
  }
});
