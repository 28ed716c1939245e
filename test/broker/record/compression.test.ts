import * as zlib from "node:zlib";
import { compressFrameSync } from "lz4-napi";
import { lz4Compress, snappyCompress } from "@platformatic/wasm-utils";
import { compressSync as snappyRaw } from "snappy";
import { describe, expect, test } from "vitest";
import type { CompressionName } from "../../../broker/record/batch-format.ts";
import { compress, decompress } from "../../../broker/record/compression.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import { compressionNames } from "./arbitraries.ts";

const limits = { sizeBytesMax: 1024 * 1024 };

/** Compressible, but not only zeros; larger than a block of any codec here. */
const sample = Buffer.from(
  Array.from({ length: 9_000 }, (_, index) => `record ${index * 7919}`).join(),
);

function packed(name: CompressionName, bytes: Uint8Array): Uint8Array {
  const output = compress(name, bytes);
  if (output instanceof RecordError) throw output;
  return output;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const xerialHeader = Buffer.from("82534e41505059000000000100000001", "hex");

describe("each codec", () => {
  test.each(compressionNames)("%s gives back what it took", (name) => {
    for (const bytes of [sample, new Uint8Array(0), Uint8Array.of(7)]) {
      const output = decompress(name, packed(name, bytes), limits);
      if (output instanceof RecordError) throw output;
      expect(Buffer.compare(output, bytes)).toBe(0);
    }
  });

  test.each(compressionNames)("%s inflates up to the limit", (name) => {
    const input = packed(name, sample);
    const exact = decompress(name, input, { sizeBytesMax: sample.length });
    expect(exact).not.toBeInstanceOf(RecordError);
    const less = decompress(name, input, { sizeBytesMax: sample.length - 1 });
    expect(less).toMatchObject({ code: "records-too-large" });
  });

  test.each(compressionNames)("%s stops a bomb at the limit", (name) => {
    const bomb = packed(name, new Uint8Array(64 * 1024 * 1024));
    const before = process.memoryUsage();
    const output = decompress(name, bomb, { sizeBytesMax: 10_000 });
    const after = process.memoryUsage();
    expect(output).toMatchObject({ code: "records-too-large" });
    const grown = after.arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(8 * 1024 * 1024);
  });

  test.each(compressionNames.filter((name) => name !== "none"))(
    "%s cut anywhere is refused",
    (name) => {
      const input = packed(name, sample.subarray(0, 2_000));
      for (let end = 0; end < input.length; end += 13) {
        const output = decompress(name, input.subarray(0, end), limits);
        expect(output).toMatchObject({ code: "corrupt-records" });
      }
    },
  );
});

describe("snappy", () => {
  test("is written in the framing that Java's clients read", () => {
    const output = Buffer.from(packed("snappy", sample));
    expect(output.subarray(0, 16).toString("hex")).toBe(
      xerialHeader.toString("hex"),
    );
    // A block inflates to 32 KB, but for the last.
    let position = 16;
    let blocksCount = 0;
    while (position < output.length) {
      position += 4 + output.readInt32BE(position);
      blocksCount++;
    }
    expect(position).toBe(output.length);
    expect(blocksCount).toBe(Math.ceil(sample.length / 32_768));
  });

  test("is read as one raw block too", () => {
    for (const raw of [snappyRaw(sample), snappyCompress(sample)]) {
      expect(decompress("snappy", raw, limits)).toEqual(sample);
    }
  });

  test("is read in blocks of any size", () => {
    const blocks = [sample.subarray(0, 100), sample.subarray(100)].map((part) =>
      snappyRaw(part),
    );
    const framed = Buffer.concat([
      xerialHeader,
      ...blocks.flatMap((block) => [int32(block.length), block]),
    ]);
    const output = decompress("snappy", framed, limits);
    if (output instanceof RecordError) throw output;
    expect(Buffer.compare(output, sample)).toBe(0);
  });

  test.each([
    ["a negative block size", int32(-1)],
    ["a block beyond the bytes", int32(2 ** 31 - 1)],
    ["an empty block", int32(0)],
    [
      "a block that claims what it cannot give",
      Buffer.concat([int32(3), Buffer.of(0xff, 0xff, 0x01)]),
    ],
    [
      "a block that is no snappy",
      Buffer.concat([int32(4), Buffer.of(0x05, 0x01, 0x02, 0x03)]),
    ],
  ])("refuses %s", (_, rest) => {
    const framed = Buffer.concat([xerialHeader, rest]);
    const output = decompress("snappy", framed, limits);
    expect(output).toMatchObject({ code: "corrupt-records" });
  });
});

describe("lz4", () => {
  test.each([
    ["plain", compressFrameSync(sample)],
    ["with a checksum", compressFrameSync(sample, { contentChecksum: true })],
    [
      "with block checksums",
      compressFrameSync(sample, { blockChecksums: true }),
    ],
    ["by another library", lz4Compress(sample)],
    ["empty", compressFrameSync(Buffer.alloc(0))],
  ])("frames of others are read: %s", (name, frame) => {
    const output = decompress("lz4", frame, limits);
    if (output instanceof RecordError) throw output;
    const expected = name === "empty" ? Buffer.alloc(0) : sample;
    expect(Buffer.compare(output, expected)).toBe(0);
  });

  test("a content size in the header is skipped", () => {
    const frame = Buffer.from(packed("lz4", sample));
    const sized = Buffer.concat([
      Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x68, 0x40),
      Buffer.alloc(8),
      frame.subarray(6),
    ]);
    expect(decompress("lz4", sized, limits)).toEqual(
      decompress("lz4", frame, limits),
    );
  });

  test("what does not shrink is stored as it is", () => {
    const random = Buffer.from(zlib.gzipSync(sample)).subarray(20, 220);
    const frame = packed("lz4", random);
    expect(frame).toHaveLength(7 + 4 + random.length + 4);
    expect(decompress("lz4", frame, limits)).toEqual(Uint8Array.from(random));
  });

  const header = "04224d18604082";
  test.each([
    ["no frame", "00224d1860408200000000"],
    ["another version", "04224d18a0408200000000"],
    ["blocks that depend on each other", "04224d1840408200000000"],
    ["a dictionary", "04224d1861408200000000"],
    ["a reserved flag", "04224d1862408200000000"],
    ["a block size of no meaning", "04224d1860308200000000"],
    ["no end", header],
    ["a block beyond the bytes", header + "ffffff7f"],
    ["a block beyond its size", header + "01000100" + "00".repeat(65_537)],
    ["a block that is no lz4", header + "03000000f1020300000000"],
    ["bytes behind the end", header + "0000000001"],
    ["no checksum where one was said", "04224d1864408200000000"],
  ])("refuses %s", (_, frameHex) => {
    const output = decompress("lz4", Buffer.from(frameHex, "hex"), limits);
    expect(output).toMatchObject({ code: "corrupt-records" });
  });

  test("many tiny blocks of a large block size cost no large buffers", () => {
    // Each gives one byte, and might have said that it gives 4 MB.
    const block = Buffer.from("020000001041", "hex");
    const frame = Buffer.concat([
      Buffer.from("04224d18607000", "hex"),
      ...Array.from({ length: 2_000 }, () => block),
      Buffer.alloc(4),
    ]);
    const output = decompress("lz4", frame, limits);
    expect(output).toEqual(new Uint8Array(2_000).fill(0x41));
  });
});

describe("zstd", () => {
  test("a frame with a window of 128 MB is refused where the limit is small", () => {
    const params = { [zlib.constants.ZSTD_c_windowLog]: 27 };
    // A stream, as a frame that knows its content's size has no larger window.
    const large = zlib.zstdCompressSync(Buffer.alloc(256 * 1024 * 1024), {
      params,
    });
    const output = decompress("zstd", large, limits);
    expect(output).toBeInstanceOf(RecordError);
  });

  test("a frame with the usual window is read, whatever the limit", () => {
    const params = { [zlib.constants.ZSTD_c_windowLog]: 23 };
    const input = zlib.zstdCompressSync(sample.subarray(0, 50), { params });
    const output = decompress("zstd", input, { sizeBytesMax: 50 });
    expect(output).not.toBeInstanceOf(RecordError);
  });
});
