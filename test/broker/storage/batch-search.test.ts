import { describe, expect, test } from "vitest";
import { concatBytes, writeInt32 } from "../../../broker/lib/bytes.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { BatchSearch } from "../../../broker/storage/batch-search.ts";
import { FileWindow } from "../../../broker/storage/file-window.ts";
import type { ReadableFile } from "../../../broker/storage/file-window.ts";
import { scanSegment } from "../../../broker/storage/segment-recovery.ts";
import { TestStorage, append, logPath, readAll } from "./support.ts";

function batch(baseOffset: number, value: Uint8Array): Uint8Array {
  const record = { key: null, value, headers: [], timestampMs: 1 };
  return new Uint8Array(buildBatch([record], { baseOffset }));
}

const small = (baseOffset: number) => batch(baseOffset, new Uint8Array(10));
const smallSizeBytes = small(0).length;

/** The same with a CRC that does not hold. */
function damaged(bytes: Uint8Array): Uint8Array {
  const flipped = bytes.slice();
  flipped[flipped.length - 1] = 0x77;
  return flipped;
}

/** Headers that each claim a batch of this size, over a file that has room for all of them. */
function claims(count: number, sizeBytes: number, baseOffset = 8): Uint8Array {
  const header = small(baseOffset).subarray(0, 61);
  writeInt32(header, 8, sizeBytes - 12);
  const bytes = new Uint8Array(61 * count);
  for (let at = 0; at < bytes.length; at += 61) bytes.set(header, at);
  return bytes;
}

class CountingFile implements ReadableFile {
  readonly #bytes: Uint8Array;
  readSizeBytes = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const found = this.#bytes.subarray(position, position + target.length);
    target.set(found);
    this.readSizeBytes += found.length;
    return found.length;
  }
}

/** `position+size` of each stretch from a position on, and `+` where it is one batch. */
async function search(
  file: ReadableFile,
  { position = 0, startOffset = 5, endOffset = 900 } = {},
): Promise<string[]> {
  const bounds = { baseOffset: 5, endOffset };
  const found = new BatchSearch(new FileWindow(file), bounds);
  const stretches = await found.damageFrom(position, "bad", startOffset);
  return stretches.map(
    (one) => `${one.position}+${one.sizeBytes}${one.batch ? " batch" : ""}`,
  );
}

const searchIn = (parts: readonly Uint8Array[], at = {}) =>
  search(new CountingFile(concatBytes(parts)), at);

describe("the next batch that holds", () => {
  test("is found by the lengths of those that do not, each a stretch of its own", async () => {
    const parts = [damaged(small(5)), damaged(small(6)), small(7)];
    expect(await searchIn(parts)).toEqual([
      `0+${smallSizeBytes} batch`,
      `${smallSizeBytes}+${smallSizeBytes} batch`,
    ]);
  });

  test("is not one that a damaged batch has as its value, where lengths lead past it", async () => {
    const outer = damaged(batch(5, concatBytes([small(6), small(7)])));
    const parts = [outer, damaged(small(6)), small(7)];
    expect(await searchIn(parts)).toEqual([
      `0+${outer.length} batch`,
      `${outer.length}+${smallSizeBytes} batch`,
    ]);
  });

  test("is looked for byte by byte where lengths lead to nothing, or offsets go back", async () => {
    const junk = new Uint8Array(20);
    expect(await searchIn([damaged(small(6)), junk, small(7)])).toEqual([
      `0+${smallSizeBytes + 20}`,
    ]);
    expect(await searchIn([damaged(small(8)), damaged(small(6))])).toEqual([
      `0+${2 * smallSizeBytes}`,
    ]);
  });

  test("has offsets that can follow and that the segment can hold", async () => {
    const junk = new Uint8Array(9);
    const parts = [junk, small(5), small(900), small(7)];
    expect(await searchIn(parts, { startOffset: 6 })).toEqual([
      `0+${9 + 2 * smallSizeBytes}`,
    ]);
  });

  test("is none to the end of the file where nothing holds", async () => {
    expect(await searchIn([damaged(small(5)), damaged(small(6))])).toEqual([
      `0+${smallSizeBytes} batch`,
      `${smallSizeBytes}+${smallSizeBytes} batch`,
    ]);
    expect(await searchIn([new Uint8Array(300)])).toEqual(["0+300"]);
    expect(await searchIn([small(5).subarray(0, -1)])).toEqual([
      `0+${smallSizeBytes - 1}`,
    ]);
  });

  test("may be larger than what is read at a time, and need not be followed by another", async () => {
    const large = batch(6, new Uint8Array(2_500_000).fill(7));
    const parts = [new Uint8Array(9), large, new Uint8Array(70)];
    expect(await searchIn(parts)).toEqual(["0+9"]);
    expect(await searchIn([damaged(small(5)), large])).toEqual([
      `0+${smallSizeBytes} batch`,
    ]);
  });

  test("is not waited for behind thousands of damaged batches in a row: the caller goes on from there", async () => {
    const parts: Uint8Array[] = [];
    for (let offset = 5; offset < 1_105; offset++) {
      parts.push(damaged(small(offset)));
    }
    const found = await searchIn(parts, { endOffset: 2_000 });
    expect(found).toHaveLength(1_024);
    // What their headers say of offsets, nothing has confirmed yet.
    expect(found.at(-1)).toBe(`${1_023 * smallSizeBytes}+${smallSizeBytes}`);
  });
});

describe("a file of headers that all claim a large batch", () => {
  const claimed = 1_100_000;

  /** Junk, the claims, room for the last of them, then what is given. */
  const fileOf = (behind: Uint8Array, count: number) => {
    const claiming = claims(count, claimed);
    const filler = new Uint8Array(claimed - claiming.length);
    return new CountingFile(
      concatBytes([new Uint8Array(1), claiming, filler, behind]),
    );
  };

  test("is read only so far, where other headers seem to follow them", async () => {
    const file = fileOf(claims(600, 61, 9), 600);
    expect(await search(file)).toEqual([`0+${file.sizeBytes}`]);
    // Each claim looked into would be 660 MB.
    expect(file.readSizeBytes).toBeGreaterThan(100_000_000);
    expect(file.readSizeBytes).toBeLessThan(160_000_000);
  });

  test("does not use up the search where nothing seems to follow them: what lies behind is found", async () => {
    const file = fileOf(
      concatBytes([new Uint8Array(61 * 200), small(20)]),
      200,
    );
    expect(await search(file)).toEqual([
      `0+${file.sizeBytes - smallSizeBytes}`,
    ]);
    expect(file.readSizeBytes).toBeLessThan(80_000_000);
  });
});

describe("scanning a segment", () => {
  test("goes on behind neighbours that are damaged, of which it is told as one", async () => {
    const disk = new MemoryDisk();
    const file = await disk.open("/log", "append");
    const outer = damaged(batch(6, concatBytes([small(7), small(9)])));
    await file.append([small(5), outer, damaged(small(7)), small(8)]);
    const offsets: number[] = [];
    const damages: unknown[] = [];
    const result = await scanSegment(file, {
      startPosition: 0,
      startOffset: 5,
      trustedEndOffset: 0,
      nextBaseOffset: null,
      canBeTorn: false,
      verifiesCrc: true,
      visit: ({ baseOffset }) => offsets.push(baseOffset),
      damaged: ({ position, sizeBytes, detail, batches }) =>
        damages.push({
          ...{ position, sizeBytes, detail },
          offsets: batches.map(({ baseOffset }) => baseOffset),
        }),
    });
    expect(offsets).toEqual([5, 8]);
    expect(damages).toEqual([
      {
        position: smallSizeBytes,
        sizeBytes: outer.length + smallSizeBytes,
        detail: "a wrong crc",
        offsets: [6, 7],
      },
    ]);
    expect(result).toMatchObject({ endOffset: 9, isEndDamaged: false });
  });

  // The CRC does not cover a batch's base offset.
  test("does not believe an offset that no index of the segment can hold", async () => {
    const storage = new TestStorage({ indexIntervalSizeBytes: 1 });
    const log = await storage.open();
    for (const value of ["a", "b", "c"]) await append(log, value);
    await storage.close(false);
    const third = (2 * (await storage.bytesOf(logPath)).length) / 3;
    await storage.changeFile(logPath, (bytes) => {
      bytes[third + 3] = 1;
      return bytes;
    });
    expect(await readAll(await storage.open())).toEqual(["0:a", "1:b"]);
    expect(storage.report?.cuts).toMatchObject([
      {
        position: third,
        detail: "offset 4294967298 is too far for its segment",
      },
    ]);
  });
});
