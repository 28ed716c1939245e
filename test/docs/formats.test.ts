/** The bytes in `docs/formats` are what the pages say that they are. */
import { readdir } from "node:fs/promises";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { createCatalogCodec } from "../../broker/catalog/catalog-codec.ts";
import { groupRecordCodec } from "../../broker/group/group-record-codec.ts";
import {
  inspectOffsetIndex,
  inspectTimeIndex,
} from "../../broker/inspect/index.ts";
import { VerifyContext } from "../../broker/inspect/verify-context.ts";
import { TransactionCheck } from "../../broker/inspect/verify-transaction-index.ts";
import { buildBatch } from "../../broker/record/batch-builder.ts";
import {
  KeptRecords,
  rebuildBatch,
} from "../../broker/record/rebuild-batch.ts";
import { openRecords } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import {
  parsePartitionOffsets,
  readSmallFile,
} from "../../broker/storage/checkpoint.ts";
import { parseLeaderEpochs } from "../../broker/storage/leader-epochs.ts";
import {
  formatMetaProperties,
  parseMetaProperties,
} from "../../broker/storage/meta-properties.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import {
  readPartitionMetadata,
  writePartitionMetadata,
} from "../../broker/storage/partition-metadata.ts";
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from "../../broker/storage/producer-snapshot.ts";
import { collect, fileOf } from "../broker/inspect/support.ts";
import { golden } from "../broker/wire/compact/golden.ts";
import { blocksOf, bytesIn, placedBytesIn } from "./format-pages.ts";

const timestampMs = 1_700_000_000_000;
const topicId = "oACH-_dHTLit_nR9I2c_Jw";
const folder = path.join(import.meta.dirname, "../../docs/formats");

async function only(page: string, word: string): Promise<string> {
  const blocks = await blocksOf(page, word);
  expect(blocks).toHaveLength(1);
  return blocks[0] ?? "";
}

test("segment.md: one record at offset 5", async () => {
  const record = {
    key: null,
    value: Buffer.from("a"),
    headers: [],
    timestampMs,
  };
  const batch = buildBatch([record], {
    baseOffset: 5,
    partitionLeaderEpoch: 2,
  });
  expect(bytesIn(await only("segment.md", "hex"))).toEqual(Buffer.from(batch));
});

test("segment.md: a batch that was compacted, with its delete horizon", async () => {
  const header = { headers: [], timestampMs };
  const bytes = buildBatch(
    [
      { key: Buffer.from("a"), value: Buffer.from("1"), ...header },
      { key: Buffer.from("b"), value: null, ...header },
    ],
    { baseOffset: 5, partitionLeaderEpoch: 2 },
  );
  const reader = openRecords(bytes, 0, { sizeBytesMax: 1_000 });
  if (reader instanceof RecordError) throw reader;
  const kept = new KeptRecords();
  reader.next();
  const tombstone = reader.next();
  if (tombstone === null || tombstone instanceof RecordError) {
    throw new Error("no second record");
  }
  kept.add(reader, tombstone);
  const rebuilt = rebuildBatch({ bytes, at: 0 }, reader.bytes, kept, {
    compression: "none",
    level: null,
    deleteHorizonMs: timestampMs + 86_400_000,
  });
  const page = bytesIn(await only("segment.md", "hex-compacted"));
  expect(page).toEqual(Buffer.from(rebuilt as Uint8Array));
});

test("offset-index.md: an entry of each index", async () => {
  const [index = "", timeIndex = ""] = await blocksOf("offset-index.md", "hex");
  const place = { baseOffset: 1_000, log: null };
  const entries = await collect(
    inspectOffsetIndex(fileOf(bytesIn(index)), place),
  );
  expect(entries).toMatchObject([{ offset: 1_009, position: 4_200 }]);
  const times = await collect(
    inspectTimeIndex(fileOf(bytesIn(timeIndex)), place),
  );
  expect(times).toMatchObject([{ offset: 1_009, timestampMs }]);
});

test("producer-snapshot.md: one producer", async () => {
  const bytes = bytesIn(await only("producer-snapshot.md", "hex"));
  const entries = decodeProducerSnapshot(bytes);
  expect(entries).toEqual([
    {
      producerId: 4_000,
      epoch: 1,
      batches: [
        { lastSequence: 11, lastOffset: 1_199, offsetDelta: 2, timestampMs },
      ],
      seenMs: timestampMs,
      timestampMs,
      coordinatorEpoch: -1,
      transactionFirstOffset: null,
    },
  ]);
  const again = encodeProducerSnapshot(entries ?? [], 1);
  expect(Buffer.from(again)).toEqual(bytes);
});

test("transaction-index.md: one aborted transaction", async () => {
  const bytes = bytesIn(await only("transaction-index.md", "hex"));
  const found = async (entry: Uint8Array) => {
    const disk = new MemoryDisk();
    await disk.createDirectory("/data/p-0");
    const name = "/data/p-0/00000000000000000000.txnindex";
    const file = await disk.open(name, "create");
    await file.append([entry]);
    await file.close();
    const details: string[] = [];
    const context = new VerifyContext(
      disk,
      "/data",
      { records: false },
      {
        finding: ({ detail }) => void details.push(detail),
        progress: () => {},
      },
    );
    const check = new TransactionCheck();
    // The page shows an index without its log.
    check.hole();
    await check.endSegment(context, {
      partition: "p-0",
      baseOffset: 0,
      endOffset: 44,
      logStartOffset: 0,
      hasIndex: true,
      isTrusted: true,
      mayBeSparse: false,
    });
    return details;
  };
  expect(await found(bytes)).toEqual([]);
  const newer = Uint8Array.from(bytes);
  newer[1] = 1;
  expect(await found(newer)).toEqual(["version 1"]);
});

describe("checkpoint.md", () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);

  test("leader epochs", async () => {
    const text = await only("checkpoint.md", "leader-epochs");
    const epochs = parseLeaderEpochs(utf8(text), "");
    expect(epochs.starts()).toEqual([
      { epoch: 2, startOffset: 0 },
      { epoch: 5, startOffset: 120 },
    ]);
    expect(epochs.encode()).toEqual(utf8(text));
  });

  test("an offset of each partition", async () => {
    const text = await only("checkpoint.md", "partition-offsets");
    expect(parsePartitionOffsets(utf8(text), "")).toEqual([
      { topic: "orders", partition: 3, offset: 1_200 },
    ]);
  });

  test("whose a directory is", async () => {
    const text = await only("checkpoint.md", "meta-properties");
    const meta = parseMetaProperties(utf8(text), "", "");
    expect(meta).toEqual({
      clusterId: "bWlsbHJhY2UtdGVzdHMtMQ",
      nodeId: 1,
      directoryId: topicId,
    });
    expect(formatMetaProperties(meta)).toEqual(utf8(text));
  });

  test("whose a partition is", async () => {
    const disk = new MemoryDisk();
    await disk.createDirectory("/p");
    await writePartitionMetadata(disk, "/p", topicId);
    const written = await readSmallFile(disk, "/p/partition.metadata");
    const text = await only("checkpoint.md", "partition-metadata");
    expect(written).toEqual(utf8(text.trimEnd()));
    expect(await readPartitionMetadata(disk, "/p")).toBe(topicId);
  });
});

describe("machine-log.md", () => {
  test("a topic with two partitions and a configuration, as one batch", async () => {
    const codec = createCatalogCodec(1);
    const topic = "orders";
    const records = [
      { type: "topic", name: topic, topicId },
      { type: "config", topic, name: "retention.ms", value: "1000" },
      { type: "partition", topicId, partition: 0, leaderEpoch: 0 },
      { type: "partition", topicId, partition: 1, leaderEpoch: 0 },
    ] as const;
    const batch = buildBatch(
      records.map((record) => ({
        ...codec.encode(record),
        headers: [],
        timestampMs,
      })),
    );
    expect(batch).toHaveLength(242);
    const places = placedBytesIn(await only("machine-log.md", "hex-at"));
    let next = 0;
    for (const { position, bytes } of places) {
      expect(position).toBe(next);
      next += bytes.length;
      const there = batch.subarray(position, position + bytes.length);
      expect([position, Buffer.from(there).toString("hex")]).toEqual([
        position,
        Buffer.from(bytes).toString("hex"),
      ]);
    }
    // The records for the partitions are left out.
    expect(next).toBe(136);
  });

  test("a committed offset", async () => {
    const [key = "", value = ""] = await blocksOf("machine-log.md", "hex");
    expect(groupRecordCodec.decode(bytesIn(key), bytesIn(value))).toMatchObject(
      {
        kind: "offset",
        groupId: "readers",
        topic: "orders",
        partition: 2,
        value: {
          offset: 17,
          leaderEpoch: 1,
          metadata: "half way",
          commitTimestampMs: timestampMs,
        },
      },
    );
  });
});

test("compact-protocol.md: the frames that a test holds the protocol to", async () => {
  const text = await readFile(path.join(folder, "compact-protocol.md"), "utf8");
  for (const frame of Object.values(golden)) expect(text).toContain(frame);
});

test("every page says what a crash can leave, where it can leave anything, and how it evolves", async () => {
  for (const page of await readdir(folder)) {
    const text = await readFile(path.join(folder, page), "utf8");
    expect([page, text.includes("## How it evolves")]).toEqual([page, true]);
    const isOnDisk = page !== "compact-protocol.md";
    const saysIt = /## What a crash can leave|A crash leaves/.test(text);
    expect([page, saysIt || !isOnDisk]).toEqual([page, true]);
  }
});
