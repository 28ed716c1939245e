/**
 * Batches against two implementations that share nothing with ours: kafkajs and
 * @platformatic/kafka write what we read, and read what we write.
 */
import { createRequire } from "node:module";
import {
  createRecordsBatch,
  Reader,
  readRecordsBatch,
} from "@platformatic/kafka";
import { describe, expect, test } from "vitest";
import { batchSizeBytesOf, crcHolds } from "../../../broker/record/batch.ts";
import {
  BatchBuilder,
  buildBatch,
} from "../../../broker/record/batch-builder.ts";
import { validateOneBatch } from "../../../broker/record/batch-validator.ts";
import type { NewRecord } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { compressionNames, plain, readAll } from "./arbitraries.ts";

const limits = {
  sizeBytesMax: 1024 * 1024,
  timestampMsMin: 0,
  timestampMsMax: Number.MAX_SAFE_INTEGER,
};

const records: readonly NewRecord[] = Array.from(
  { length: 300 },
  (_, index) => ({
    key: Buffer.from(`key-${index % 7}`),
    value: Buffer.from("value ".repeat(index % 50) + index),
    headers:
      index % 3 === 0
        ? [
            { key: "trace", value: Buffer.from(String(index)) },
            { key: "größe", value: Buffer.of(0xff, 0x00) },
          ]
        : [],
    // Some before the first, so that deltas are negative too.
    timestampMs: 1_700_000_000_000 + ((index * 7919) % 1000) - 500,
  }),
);

function build(name: (typeof compressionNames)[number]): Uint8Array {
  const builder = new BatchBuilder();
  for (const record of records) builder.append(record);
  const batch = builder.buildCompressed(name, { partitionLeaderEpoch: 0 });
  if (batch instanceof RecordError) throw batch;
  return batch;
}

describe("@platformatic/kafka", () => {
  const messages = () =>
    records.map(({ key, value, headers, timestampMs }) => ({
      topic: "t",
      partition: 0,
      key: Buffer.from(key ?? []),
      value: Buffer.from(value ?? []),
      headers: new Map(
        headers.map((header) => [
          Buffer.from(header.key),
          Buffer.from(header.value ?? []),
        ]),
      ),
      timestamp: BigInt(timestampMs),
    }));

  test.each(compressionNames)("its %s batches are read here", (name) => {
    const batch = createRecordsBatch(messages(), { compression: name }).buffer;
    expect(validateOneBatch(batch, limits)).toBe(null);
    const read = readAll(batch);
    if (read instanceof RecordError) throw read;
    expect(read.map(plain)).toEqual(records.map(plain));
  });

  test.each(compressionNames)("reads our %s batches", (name) => {
    const batch = readRecordsBatch(Reader.from(Buffer.from(build(name))));
    expect(batch.lastOffsetDelta).toBe(299);
    const read = batch.records.map((record) =>
      plain({
        key: record.key,
        value: record.value,
        headers: record.headers.map(([key, value]) => ({
          key: String(key),
          value,
        })),
        timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
      }),
    );
    expect(read).toEqual(records.map(plain));
  });

  test("writes the same bytes for the same records", () => {
    const producer = { id: 12, epoch: 3, baseSequence: 0 };
    const ours = buildBatch(records, {
      producer,
      partitionLeaderEpoch: 0,
      isTransactional: true,
    });
    const theirs = createRecordsBatch(messages(), {
      producerId: 12n,
      producerEpoch: 3,
      transactionalId: "t",
    }).buffer;
    expect(Buffer.compare(ours, theirs)).toBe(0);
  });
});

interface KafkajsRecord {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: { readonly [key: string]: Buffer };
  readonly timestamp: string;
}

describe("kafkajs", () => {
  const require = createRequire(import.meta.url);
  // No types are published for its inside; each is given the shape that is used here.
  const Record: (
    fields: object,
  ) => unknown = require("kafkajs/src/protocol/recordBatch/record/v0");
  const {
    RecordBatch,
  }: {
    RecordBatch: (fields: object) => Promise<{ buffer: Buffer }>;
  } = require("kafkajs/src/protocol/recordBatch/v0");
  const Decoder: new (
    bytes: Buffer,
  ) => object = require("kafkajs/src/protocol/decoder");
  const decode: (decoder: object) => Promise<{
    records: KafkajsRecord[];
  }> = require("kafkajs/src/protocol/recordBatch/v0/decoder");

  test.each([
    ["none", 0],
    ["gzip", 1],
  ] as const)("its %s batches are read here", async (_, compression) => {
    const firstTimestamp = records[0]?.timestampMs ?? 0;
    const { buffer } = await RecordBatch({
      compression,
      firstTimestamp,
      maxTimestamp: records.at(-1)?.timestampMs,
      lastOffsetDelta: records.length - 1,
      records: records.map((record, index) =>
        Record({
          offsetDelta: index,
          timestampDelta: record.timestampMs - firstTimestamp,
          key: record.key,
          value: record.value,
          headers: Object.fromEntries(
            record.headers.map(({ key, value }) => [key, value]),
          ),
        }),
      ),
    });
    expect(validateOneBatch(buffer, limits)).toBe(null);
    const read = readAll(buffer);
    if (read instanceof RecordError) throw read;
    expect(read.map(plain)).toEqual(records.map(plain));
  });

  test.each(["none", "gzip"] as const)("reads our %s batches", async (name) => {
    const batch = build(name);
    const { records: read } = await decode(new Decoder(Buffer.from(batch)));
    const plainRead = read.map((record) =>
      plain({
        key: record.key,
        value: record.value,
        headers: Object.entries(record.headers).map(([key, value]) => ({
          key,
          value,
        })),
        timestampMs: Number(record.timestamp),
      }),
    );
    expect(plainRead).toEqual(records.map(plain));
  });
});

test("a batch ends where its length says, with others behind it", () => {
  const one = buildBatch(records);
  const two = Buffer.concat([one, one]);
  const at = batchSizeBytesOf(two, 0);
  expect(at).toBe(one.length);
  expect(crcHolds(two, at)).toBe(true);
  expect(readAll(two, at)).toHaveLength(300);
});
