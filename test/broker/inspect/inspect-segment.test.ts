import { describe, expect, test } from "vitest";
import { inspectSegment } from "../../../broker/inspect/index.ts";
import { concatBytes } from "../../../broker/lib/bytes.ts";
import { buildMarkerBatch } from "../../../broker/record/control-record.ts";
import { collect, fileOf, makeLog } from "./support.ts";

describe("inspectSegment", () => {
  test("tells every batch of a log and reads its records", async () => {
    const { bytes, positions } = makeLog(3);
    const found = await collect(inspectSegment(fileOf(bytes)));
    expect(found.map((one) => one.position)).toEqual(positions);
    const [, second] = found;
    if (second?.kind !== "batch") throw new Error("expected a batch");
    expect(second).toMatchObject({
      baseOffset: 3,
      lastOffset: 5,
      recordCount: 3,
      leaderEpoch: 7,
      compression: "none",
      maxTimestampMs: 1010,
      producerId: -1,
      isControl: false,
    });
    expect(second.computedCrc).toBe(second.crc);
    const records = [...second.records()];
    expect(records).toMatchObject([
      { error: null, offset: 3, timestampMs: 1010, marker: null },
      { error: null, offset: 4, value: null },
      { error: null, offset: 5 },
    ]);
  });

  test("shows both checksums of a batch that was changed", async () => {
    const { bytes, positions } = makeLog(2);
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    const found = await collect(inspectSegment(fileOf(bytes)));
    const [first, second] = found;
    if (first?.kind !== "batch" || second?.kind !== "batch") {
      throw new Error("expected two batches");
    }
    expect(second.position).toBe(positions[1]);
    expect(first.computedCrc).toBe(first.crc);
    expect(second.computedCrc).not.toBe(second.crc);
  });

  test.each([
    ["a torn batch", (log: Uint8Array) => log.subarray(0, log.length - 5)],
    [
      "a length that reaches behind the file",
      (log: Uint8Array) => withByte(log, 8, 0x7f),
    ],
    ["a negative length", (log: Uint8Array) => withByte(log, 8, 0xff)],
    ["an old message format", (log: Uint8Array) => withByte(log, 16, 1)],
    ["zeros", (log: Uint8Array) => new Uint8Array(log.length)],
    ["a few bytes", () => new Uint8Array(9)],
  ])("ends at %s and says how much is left", async (_name, damage) => {
    const { bytes } = makeLog(1);
    const damaged = damage(bytes);
    const found = await collect(
      inspectSegment(fileOf(concatBytes([bytes, damaged]))),
    );
    expect(found).toHaveLength(2);
    expect(found[1]).toMatchObject({
      kind: "damage",
      position: bytes.length,
      sizeBytes: damaged.length,
    });
  });

  test("says of a record that does not hold what is wrong with it", async () => {
    const { bytes } = makeLog(1);
    // The first record's size.
    const damaged = withByte(bytes, 61, 0x7f);
    const [batch] = await collect(inspectSegment(fileOf(damaged)));
    if (batch?.kind !== "batch") throw new Error("expected a batch");
    const records = [...batch.records()];
    expect(records.at(-1)?.error).toContain("does not hold");
  });

  test("reads the marker of a control batch", async () => {
    const bytes = buildMarkerBatch(
      { type: "abort", coordinatorEpoch: 4 },
      { producerId: 9, producerEpoch: 1, timestampMs: 5 },
    );
    const [batch] = await collect(inspectSegment(fileOf(bytes)));
    if (batch?.kind !== "batch") throw new Error("expected a batch");
    expect(batch).toMatchObject({ isControl: true, producerId: 9 });
    expect([...batch.records()]).toMatchObject([{ marker: "abort" }]);
  });

  test("an empty file holds nothing", async () => {
    const found = await collect(inspectSegment(fileOf(new Uint8Array(0))));
    expect(found).toEqual([]);
  });

  test("a file that shrinks while it is read is said to have", async () => {
    const { bytes } = makeLog(1);
    const file = {
      sizeBytes: bytes.length,
      read: async (target: Uint8Array, position: number) => {
        // The header is still there, the records are not.
        const part = bytes.subarray(position, Math.min(70, target.length));
        target.set(part);
        return part.length;
      },
    };
    const found = await collect(inspectSegment(file));
    expect(found).toMatchObject([{ kind: "damage", position: 0 }]);
  });
});

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = value;
  return changed;
}
