import { describe, expect, test } from "vitest";
import {
  inspectOffsetIndex,
  inspectTimeIndex,
} from "../../../broker/inspect/index.ts";
import {
  concatBytes,
  writeInt32,
  writeInt64,
} from "../../../broker/lib/bytes.ts";
import { collect, fileOf, makeLog } from "./support.ts";

const BASE_OFFSET = 0;

describe("inspectOffsetIndex", () => {
  test("shows for each entry the header it points to", async () => {
    const { bytes, positions } = makeLog(4);
    const index = offsetIndex([
      [5, positions[1] ?? -1],
      [11, positions[3] ?? -1],
    ]);
    const found = await collect(
      inspectOffsetIndex(fileOf(index), {
        baseOffset: BASE_OFFSET,
        log: fileOf(bytes),
      }),
    );
    expect(found).toMatchObject([
      { slot: 0, offset: 5, position: positions[1], problem: null },
      { slot: 1, offset: 11, position: positions[3], problem: null },
    ]);
    const [first] = found;
    if (first?.kind !== "offset-entry") throw new Error("expected an entry");
    const at = positions[1] ?? -1;
    expect(first.target?.batch?.header).toEqual(bytes.slice(at, at + 61));
  });

  test.each([
    ["a position between batches", 5, 10, "no batch starts"],
    ["an offset that is not the batch's last", 4, 0, "ends at offset 2"],
    ["a position behind the log", 5, 1_000_000, "no batch starts"],
  ])("finds fault with %s", async (_name, offset, position, problem) => {
    const { bytes } = makeLog(2);
    const [entry] = await collect(
      inspectOffsetIndex(fileOf(offsetIndex([[offset, position]])), {
        baseOffset: BASE_OFFSET,
        log: fileOf(bytes),
      }),
    );
    expect(entry).toMatchObject({ problem: expect.stringContaining(problem) });
  });

  test("finds fault with entries that go back", async () => {
    const index = offsetIndex([
      [5, 200],
      [4, 300],
    ]);
    const found = await collect(
      inspectOffsetIndex(fileOf(index), { baseOffset: 0, log: null }),
    );
    expect(found).toMatchObject([
      { problem: null, target: null },
      { problem: expect.stringContaining("not greater") },
    ]);
  });

  test("takes zeros behind the entries for room, and a torn entry for what it is", async () => {
    const padded = concatBytes([offsetIndex([[0, 0]]), new Uint8Array(64)]);
    const torn = concatBytes([offsetIndex([[0, 0]]), new Uint8Array(3)]);
    const options = { baseOffset: 0, log: null };
    expect(
      await collect(inspectOffsetIndex(fileOf(padded), options)),
    ).toMatchObject([
      { slot: 0, offset: 0 },
      { kind: "tail", position: 8, sizeBytes: 64, isPadding: true },
    ]);
    expect(
      await collect(inspectOffsetIndex(fileOf(torn), options)),
    ).toMatchObject([
      { slot: 0 },
      { kind: "tail", position: 8, sizeBytes: 3, isPadding: false },
    ]);
  });
});

describe("inspectTimeIndex", () => {
  test("finds the batch that has the timestamp", async () => {
    const { bytes, positions } = makeLog(4);
    const found = await collect(
      inspectTimeIndex(
        fileOf(
          timeIndex([
            [1010, 5],
            [1030, 11],
          ]),
        ),
        { baseOffset: BASE_OFFSET, log: fileOf(bytes) },
      ),
    );
    expect(found).toMatchObject([
      { timestampMs: 1010, offset: 5, problem: null },
      { timestampMs: 1030, offset: 11, problem: null },
    ]);
    const [, second] = found;
    if (second?.kind !== "time-entry") throw new Error("expected an entry");
    expect(second.target?.batch?.position).toBe(positions[3]);
  });

  test("finds fault with a timestamp that the batch does not have", async () => {
    const { bytes } = makeLog(2);
    const [entry] = await collect(
      inspectTimeIndex(fileOf(timeIndex([[999, 2]])), {
        baseOffset: BASE_OFFSET,
        log: fileOf(bytes),
      }),
    );
    expect(entry).toMatchObject({ problem: expect.stringContaining("1000") });
  });
});

function offsetIndex(entries: readonly [number, number][]): Uint8Array {
  const bytes = new Uint8Array(entries.length * 8);
  entries.forEach(([offset, position], slot) => {
    writeInt32(bytes, slot * 8, offset - BASE_OFFSET);
    writeInt32(bytes, slot * 8 + 4, position);
  });
  return bytes;
}

function timeIndex(entries: readonly [number, number][]): Uint8Array {
  const bytes = new Uint8Array(entries.length * 12);
  entries.forEach(([timestampMs, offset], slot) => {
    writeInt64(bytes, slot * 12, timestampMs);
    writeInt32(bytes, slot * 12 + 8, offset - BASE_OFFSET);
  });
  return bytes;
}
