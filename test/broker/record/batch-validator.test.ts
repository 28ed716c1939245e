import { expect, test } from "vitest";
import { computeCrc } from "../../../broker/record/batch.ts";
import {
  BatchBuilder,
  buildBatch,
} from "../../../broker/record/batch-builder.ts";
import {
  validateBatches,
  validateOneBatch,
  validateRecords,
  type BatchLimits,
} from "../../../broker/record/batch-validator.ts";
import { RecordError } from "../../../broker/record/record-error.ts";

const limits: BatchLimits = {
  sizeBytesMax: 1_000,
  timestampMsMin: 0,
  timestampMsMax: 2_000_000_000_000,
};

const record = {
  key: null,
  value: new Uint8Array(20),
  headers: [],
  timestampMs: 1_700_000_000_000,
};
const producer = { id: 5, epoch: 0, baseSequence: 0 };

/** A good batch of two records, changed, with a CRC that holds. */
function changed(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(buildBatch([record, record], { producer }));
  change(bytes);
  bytes.writeUInt32BE(computeCrc(bytes, 0), 17);
  return bytes;
}

test("good batches are fit to store", () => {
  expect(
    validateOneBatch(
      changed(() => {}),
      limits,
    ),
  ).toBe(null);
  expect(validateOneBatch(buildBatch([record]), limits)).toBe(null);
  const transactional = buildBatch([record], {
    producer,
    isTransactional: true,
  });
  expect(validateOneBatch(transactional, limits)).toBe(null);
});

test("what clients in use do is let through", () => {
  // kafkajs: epoch and sequence 0 without a producer, leader epoch 0, the last timestamp as maximum.
  const kafkajs = changed((bytes) => {
    bytes.writeBigInt64BE(-1n, 43);
    bytes.writeInt32BE(0, 12);
    bytes.writeBigInt64BE(1_600_000_000_000n, 35);
  });
  expect(validateOneBatch(kafkajs, limits)).toBe(null);
  const noTimestamps = changed((bytes) => bytes.fill(0xff, 27, 43));
  expect(validateOneBatch(noTimestamps, limits)).toBe(null);
});

test.each([
  ["a base offset", "invalid-record", (b) => b.writeInt32BE(1, 4)],
  ["no records", "invalid-record", (b) => b.writeInt32BE(0, 57)],
  ["a negative count", "invalid-record", (b) => b.writeInt32BE(-2, 57)],
  [
    "a last offset delta that does not fit",
    "invalid-record",
    (b) => b.writeInt32BE(2, 23),
  ],
  [
    "more records than bytes",
    "invalid-record",
    (b) => (b.writeInt32BE(100, 57), b.writeInt32BE(99, 23)),
  ],
  ["codec 5", "unsupported-compression", (b) => b.writeInt16BE(5, 21)],
  ["codec 7", "unsupported-compression", (b) => b.writeInt16BE(7, 21)],
  ["the control bit", "invalid-record", (b) => b.writeInt16BE(0x20, 21)],
  ["LogAppendTime", "invalid-timestamp", (b) => b.writeInt16BE(0x08, 21)],
  ["a delete horizon", "invalid-record", (b) => b.writeInt16BE(0x40, 21)],
  [
    "a negative base timestamp",
    "invalid-timestamp",
    (b) => b.writeBigInt64BE(-2n, 27),
  ],
  [
    "a maximum timestamp too late",
    "invalid-timestamp",
    (b) => b.writeBigInt64BE(2_000_000_000_001n, 35),
  ],
  [
    "a timestamp that no number holds",
    "invalid-timestamp",
    (b) => b.writeBigInt64BE(2n ** 62n, 35),
  ],
  [
    "a negative producer id",
    "invalid-record",
    (b) => b.writeBigInt64BE(-2n, 43),
  ],
  [
    "a producer id that no number holds",
    "invalid-record",
    (b) => b.writeBigInt64BE(2n ** 53n, 43),
  ],
  ["a producer without epoch", "invalid-record", (b) => b.writeInt16BE(-1, 51)],
  [
    "a producer without sequence",
    "invalid-record",
    (b) => b.writeInt32BE(-1, 53),
  ],
  [
    "a transaction without producer",
    "invalid-record",
    (b) => (b.writeInt16BE(0x10, 21), b.fill(0xff, 43, 57)),
  ],
] as const satisfies [string, string, (bytes: Buffer) => unknown][])(
  "%s is refused as %s",
  (_, error, change) => {
    const bytes = changed((buffer) => void change(buffer));
    expect(validateOneBatch(bytes, limits)?.error).toBe(error);
  },
);

test("a timestamp too early is refused, but none at all is not", () => {
  const late = { ...limits, timestampMsMin: 1_700_000_000_001 };
  const bytes = changed(() => {});
  expect(validateOneBatch(bytes, late)?.error).toBe("invalid-timestamp");
  const none = changed((buffer) => buffer.fill(0xff, 27, 43));
  expect(validateOneBatch(none, late)).toBe(null);
});

test("older and newer formats have answers of their own", () => {
  for (const magic of [0, 1]) {
    // A message of an older format is smaller than a batch's header.
    const old = Buffer.alloc(34);
    old.writeInt32BE(22, 8);
    old[16] = magic;
    expect(validateOneBatch(old, limits)?.error).toBe("invalid-record");
  }
  const newer = changed((bytes) => (bytes[16] = 3));
  expect(validateOneBatch(newer, limits)?.error).toBe("corrupt-batch");
});

test("a batch at the size limit passes, one byte more does not", () => {
  const bytes = changed(() => {});
  const sizeBytesMax = bytes.length;
  expect(validateOneBatch(bytes, { ...limits, sizeBytesMax })).toBe(null);
  const less = { ...limits, sizeBytesMax: sizeBytesMax - 1 };
  expect(validateOneBatch(bytes, less)?.error).toBe("message-too-large");
});

test("any flipped bit behind the CRC is refused as corrupt, with both numbers", () => {
  const good = changed(() => {});
  for (let at = 17; at < good.length; at++) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 0x10;
    const refusal = validateOneBatch(bytes, limits);
    expect(refusal?.error).toBe("corrupt-batch");
    expect(refusal?.detail).toMatch(/^crc [0-9a-f]{8}, expected [0-9a-f]{8}$/);
  }
});

test("bytes cut anywhere hold no batch", () => {
  const good = changed(() => {});
  for (let end = 1; end < good.length; end++) {
    const refusal = validateOneBatch(good.subarray(0, end), limits);
    expect(refusal?.error).toBe("invalid-record");
  }
  const empty = validateOneBatch(new Uint8Array(0), limits);
  expect(empty?.error).toBe("invalid-record");
});

test("lengths that cannot be are refused as corrupt", () => {
  for (const length of [-1, -(2 ** 31), 0, 48]) {
    const bytes = Buffer.from(buildBatch([record]));
    bytes.writeInt32BE(length, 8);
    expect(validateOneBatch(bytes, limits)?.error).toBe("corrupt-batch");
  }
});

test("one batch a partition, or several where the caller wants them", () => {
  const one = changed(() => {});
  const two = Buffer.concat([one, one]);
  expect(validateOneBatch(two, limits)?.error).toBe("invalid-record");
  expect(validateBatches(two, limits)).toBe(2);
  expect(validateBatches(new Uint8Array(0), limits)).toBe(0);
  const cut = two.subarray(0, two.length - 1);
  expect(validateBatches(cut, limits)).toMatchObject({
    error: "invalid-record",
  });
});

test("records are walked only where asked: keys, sizes, codecs", () => {
  const options = { needsKeys: false, sizeBytesMax: 1_000 };
  const keyless = buildBatch([{ ...record, key: new Uint8Array(1) }, record]);
  expect(validateRecords(keyless, 0, options)).toBe(null);
  expect(validateRecords(keyless, 0, { ...options, needsKeys: true })).toEqual({
    error: "invalid-record",
    detail: "record 1 has no key",
    recordIndex: 1,
  });
  const broken = changed((bytes) => (bytes[61] = 0x7e));
  expect(validateOneBatch(broken, limits)).toBe(null);
  expect(validateRecords(broken, 0, options)?.error).toBe("invalid-record");

  const builder = new BatchBuilder();
  builder.append({ ...record, value: new Uint8Array(5_000) });
  const bomb = builder.buildCompressed("gzip");
  if (bomb instanceof RecordError) throw bomb;
  expect(validateRecords(bomb, 0, options)?.error).toBe("message-too-large");
  const codec = changed((bytes) => bytes.writeInt16BE(6, 21));
  expect(validateRecords(codec, 0, options)?.error).toBe(
    "unsupported-compression",
  );
});
