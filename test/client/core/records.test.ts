import { expect, test } from "vitest";
import {
  setBaseOffset,
  setLogAppendTime,
} from "../../../broker/record/batch.ts";
import {
  BatchBuilder,
  buildBatch,
} from "../../../broker/record/batch-builder.ts";
import { buildMarkerBatch } from "../../../broker/record/control-record.ts";
import { decodeRecords, nextOffsetOf } from "../../../client/core/records.ts";

const id = { topic: "t", partition: 3 };

function batchAt(
  baseOffset: number,
  values: readonly string[],
  producerId: number | null = null,
): Uint8Array {
  return buildBatch(
    values.map((value) => ({
      key: null,
      value: Buffer.from(value),
      headers: [],
      timestampMs: 1_000,
    })),
    producerId === null
      ? { baseOffset }
      : {
          baseOffset,
          isTransactional: true,
          producer: { id: producerId, epoch: 0, baseSequence: 0 },
        },
  );
}

function abortAt(baseOffset: number, producerId: number): Uint8Array {
  const marker = buildMarkerBatch(
    { type: "abort", coordinatorEpoch: 0 },
    { producerId, producerEpoch: 0, timestampMs: 0 },
  );
  setBaseOffset(marker, 0, baseOffset);
  return marker;
}

function decoded(
  bytes: Uint8Array,
  fetchOffset: number,
  abortedTransactions: { producerId: number; firstOffset: number }[] = [],
) {
  const result = decodeRecords(id, { bytes, fetchOffset, abortedTransactions });
  const values = result.records.map(
    ({ offset, value }) => `${offset}=${Buffer.from(value ?? []).toString()}`,
  );
  return { ...result, values: values.join(" ") };
}

test("records below the offset that was asked for are left out", () => {
  const bytes = Buffer.concat([batchAt(5, ["a", "b"]), batchAt(7, ["c"])]);
  const { values, nextOffset } = decoded(bytes, 6);
  expect(values).toBe("6=b 7=c");
  expect(nextOffset).toBe(8);
});

test("the beginning of a batch at the end is ignored", () => {
  const whole = batchAt(0, ["a"]);
  const cut = batchAt(1, ["b"]).subarray(0, 40);
  const bytes = Buffer.concat([whole, cut]);
  expect(decoded(bytes, 0).values).toBe("0=a");
  expect(nextOffsetOf(bytes, 0)).toBe(1);
});

test("control batches are passed over, and reading goes on behind them", () => {
  const bytes = Buffer.concat([batchAt(0, ["a"]), abortAt(1, 9)]);
  const { values, nextOffset } = decoded(bytes, 0);
  expect(values).toBe("0=a");
  expect(nextOffset).toBe(2);
});

test("records of a transaction that was rolled back are left out, later ones of its producer are not", () => {
  const bytes = Buffer.concat([
    batchAt(0, ["bad"], 9),
    batchAt(1, ["good"], 8),
    batchAt(2, ["plain"]),
    abortAt(3, 9),
    batchAt(4, ["next"], 9),
  ]);
  const aborted = [{ producerId: 9, firstOffset: 0 }];
  expect(decoded(bytes, 0, aborted).values).toBe("1=good 2=plain 4=next");
});

test("log append time stands for every record's own", () => {
  const bytes = batchAt(0, ["a"]);
  setLogAppendTime(bytes, 0, 77);
  expect(decoded(bytes, 0).records[0]).toMatchObject({
    timestamp: 77,
    timestampType: "LogAppendTime",
  });
});

test("a name that comes twice is in the list twice and in the map once", () => {
  const bytes = buildBatch([
    {
      key: null,
      value: null,
      headers: [
        { key: "a", value: Uint8Array.of(1) },
        { key: "a", value: null },
      ],
      timestampMs: 0,
    },
  ]);
  const [record] = decoded(bytes, 0).records;
  expect(record?.headerList).toHaveLength(2);
  expect([...(record?.headers ?? [])]).toEqual([["a", null]]);
});

test.each([
  ["a flipped bit", (bytes: Uint8Array) => (bytes[70] = 0xff)],
  ["a magic of another format", (bytes: Uint8Array) => (bytes[16] = 1)],
  ["a length that cannot be", (bytes: Uint8Array) => bytes.fill(0, 8, 12)],
])("%s is a corrupt batch", (_, damage) => {
  const bytes = batchAt(0, ["a", "b"]);
  damage(bytes);
  expect(() => decoded(bytes, 0)).toThrow(
    expect.objectContaining({ code: "corrupt-batch" }),
  );
});

test("compressed records are inflated", () => {
  const builder = new BatchBuilder();
  const value = Buffer.from("again ".repeat(100));
  builder.append({ key: null, value, headers: [], timestampMs: 0 });
  const bytes = builder.buildCompressed("gzip");
  if (bytes instanceof Error) throw bytes;
  expect(decoded(bytes, 0).records[0]?.value?.length).toBe(600);
});
