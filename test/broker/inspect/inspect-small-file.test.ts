import { describe, expect, test } from "vitest";
import {
  inspectCheckpoint,
  inspectedKindOf,
  inspectProducerSnapshot,
  inspectProperties,
  inspectTransactionIndex,
} from "../../../broker/inspect/index.ts";
import { writeInt64 } from "../../../broker/lib/bytes.ts";
import { encodeProducerSnapshot } from "../../../broker/storage/producer-snapshot.ts";
import { fileOf } from "./support.ts";

const text = (content: string) => fileOf(new TextEncoder().encode(content));

describe("small files", () => {
  test("a checkpoint's lines come under their columns", async () => {
    expect(
      await inspectCheckpoint(text("0\n2\n0 0\n3 120\n"), [
        "epoch",
        "startOffset",
      ]),
    ).toEqual({
      error: null,
      rows: [
        { epoch: 0, startOffset: 0 },
        { epoch: 3, startOffset: 120 },
      ],
    });
  });

  test("a checkpoint that lacks a line is refused with a reason", async () => {
    const found = await inspectCheckpoint(text("0\n2\n0 0\n"), ["epoch"]);
    expect(found.error).toContain("expected 2");
  });

  test("a producer snapshot lists its producers, and a changed one is refused", async () => {
    const bytes = encodeProducerSnapshot(
      [
        {
          producerId: 4,
          epoch: 1,
          batches: [
            { lastSequence: 9, lastOffset: 99, offsetDelta: 3, timestampMs: 8 },
          ],
          seenMs: 8,
          timestampMs: 8,
          coordinatorEpoch: -1,
          transactionFirstOffset: null,
        },
      ],
      1,
    );
    expect(await inspectProducerSnapshot(fileOf(bytes))).toMatchObject({
      error: null,
      rows: [{ producerId: 4, lastSequence: 9, lastOffset: 99 }],
    });
    bytes[20] = 0xff;
    const changed = await inspectProducerSnapshot(fileOf(bytes));
    expect(changed.error).toContain("CRC");
  });

  test("a transaction index lists what was aborted, and half an entry is refused", async () => {
    const bytes = new Uint8Array(34);
    writeInt64(bytes, 2, 7);
    writeInt64(bytes, 10, 100);
    writeInt64(bytes, 18, 120);
    writeInt64(bytes, 26, 110);
    expect(await inspectTransactionIndex(fileOf(bytes))).toEqual({
      error: null,
      rows: [
        {
          version: 0,
          producerId: 7,
          firstOffset: 100,
          lastOffset: 120,
          lastStableOffset: 110,
        },
      ],
    });
    const torn = new Uint8Array([...bytes, 0, 0, 0]);
    const found = await inspectTransactionIndex(fileOf(torn));
    expect(found.error).toContain("34");
  });

  test("properties are read in both of Kafka's spellings", async () => {
    expect(
      await inspectProperties(text("#note\nversion: 0\nnode.id=1\n")),
    ).toEqual({
      error: null,
      rows: [
        { name: "version", value: "0" },
        { name: "node.id", value: "1" },
      ],
    });
  });
});

describe("inspectedKindOf", () => {
  test.each([
    ["00000000000000000120.log", { kind: "segment", baseOffset: 120 }],
    [
      "00000000000000000120.index",
      { kind: "offset-index", logName: "00000000000000000120.log" },
    ],
    ["00000000000000000120.timeindex", { kind: "time-index", baseOffset: 120 }],
    ["00000000000000000120.snapshot", { kind: "producer-snapshot" }],
    ["00000000000000000120.txnindex", { kind: "transaction-index" }],
    ["leader-epoch-checkpoint", { kind: "checkpoint" }],
    ["recovery-point-offset-checkpoint", { kind: "checkpoint" }],
    ["cleaner-offset-checkpoint", { kind: "checkpoint" }],
    [
      "00000000000000000012-0000000000.checkpoint",
      { kind: "segment", baseOffset: 0 },
    ],
    ["meta.properties", { kind: "properties" }],
  ])("%s", (name, kind) => {
    expect(inspectedKindOf(name)).toMatchObject(kind);
  });

  test.each(["120.log", "notes.txt", "", "00000000000000000120.log.swap"])(
    "knows nothing of %j",
    (name) => {
      expect(inspectedKindOf(name)).toBeNull();
    },
  );
});
