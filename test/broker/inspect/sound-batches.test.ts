import { describe, expect, test } from "vitest";
import { findSoundBatches } from "../../../broker/inspect/sound-batches.ts";
import { concatBytes, writeInt32 } from "../../../broker/lib/bytes.ts";
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import { collect, fileOf } from "./support.ts";

function batch(baseOffset: number, value: Uint8Array): Uint8Array {
  const record = { key: null, value, headers: [], timestampMs: 1 };
  return new Uint8Array(
    buildBatch([record], { baseOffset, partitionLeaderEpoch: 0 }),
  );
}

const small = (baseOffset: number) => batch(baseOffset, new Uint8Array(10));

/** `batch 5` or `hole 71-142`, one a piece. */
async function piecesOf(bytes: Uint8Array, endOffset: number | null = null) {
  const bounds = { baseOffset: 5, endOffset };
  const found = await collect(findSoundBatches(fileOf(bytes), bounds));
  return found
    .flat()
    .map((piece) =>
      piece.kind === "batch"
        ? `batch ${piece.baseOffset}`
        : `hole ${piece.position}-${piece.position + piece.sizeBytes}`,
    );
}

describe("findSoundBatches", () => {
  test("believes batches that are larger than what is read at a time", async () => {
    const large = batch(6, new Uint8Array(2_500_000).fill(7));
    const bytes = concatBytes([small(5), large, small(7)]);
    expect(await piecesOf(bytes)).toEqual(["batch 5", "batch 6", "batch 7"]);
    bytes[2_000_000] = 8;
    const start = small(5).length;
    expect(await piecesOf(bytes)).toEqual([
      "batch 5",
      `hole ${start}-${start + large.length}`,
      "batch 7",
    ]);
  });

  test.each([
    ["zeros", 0],
    ["bytes that could each be a magic", 2],
    ["ones", 0xff],
  ])(
    "finds what lies behind much that is no batch: %s",
    async (_name, byte) => {
      const junk = new Uint8Array(200_000).fill(byte);
      const bytes = concatBytes([small(5), junk, small(7)]);
      const start = small(5).length;
      expect(await piecesOf(bytes)).toEqual([
        "batch 5",
        `hole ${start}-${start + junk.length}`,
        "batch 7",
      ]);
    },
  );

  test("does not take a batch for one of the log that a damaged one has as its value, if its offsets do not fit", async () => {
    const outer = batch(6, concatBytes([small(0), small(900)]));
    outer[11] = (outer[11] ?? 0) ^ 0x40;
    const bytes = concatBytes([small(5), outer, small(7)]);
    const start = small(5).length;
    expect(await piecesOf(bytes, 8)).toEqual([
      "batch 5",
      `hole ${start}-${start + outer.length}`,
      "batch 7",
    ]);
  });

  test("takes a large batch behind damage, whatever follows it", async () => {
    const large = batch(6, new Uint8Array(1_200_000));
    const bytes = concatBytes([new Uint8Array(9), large, small(7)]);
    expect(await piecesOf(bytes)).toEqual(["hole 0-9", "batch 6", "batch 7"]);
    const torn = concatBytes([new Uint8Array(9), large, new Uint8Array(70)]);
    expect(await piecesOf(torn)).toEqual([
      "hole 0-9",
      "batch 6",
      `hole ${torn.length - 70}-${torn.length}`,
    ]);
  });

  test("reads only so much for headers that all claim to be of large batches", async () => {
    const claimCount = 600;
    const claimed = 1_100_000;
    const header = small(8).subarray(0, 61);
    const claims = new Uint8Array(61 * claimCount);
    const followers = claims.slice();
    for (let at = 0; at < claims.length; at += 61) {
      claims.set(header, at);
      writeInt32(claims, at + 8, claimed - 12);
      followers.set(batch(9, new Uint8Array(0)).subarray(0, 61), at);
    }
    const filler = new Uint8Array(claimed - claims.length);
    const bytes = concatBytes([claims, filler, followers]);
    const file = fileOf(bytes);
    let readSizeBytes = 0;
    const counting = {
      ...file,
      read: (target: Uint8Array, position: number) => {
        readSizeBytes += target.length;
        return file.read(target, position);
      },
    };
    const bounds = { baseOffset: 5, endOffset: null };
    const found = await collect(findSoundBatches(counting, bounds));
    expect(found.flat()).toMatchObject([{ kind: "hole", position: 0 }]);
    // Each claim looked into would be 660 MB.
    expect(readSizeBytes).toBeGreaterThan(64_000_000);
    expect(readSizeBytes).toBeLessThan(160_000_000);
  });
});
