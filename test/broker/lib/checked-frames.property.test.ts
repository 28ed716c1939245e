import fc from "fast-check";
import { expect, test } from "vitest";
import { FrameWalk } from "../../../broker/lib/checked-frames.ts";
import type { BadFrame } from "../../../broker/lib/checked-frames.ts";
import { setBaseOffset } from "../../../broker/record/batch.ts";
import { batchFrames } from "../../../broker/record/batch-format.ts";
import { batchOf } from "../storage/support.ts";

interface Frames {
  readonly bytes: Uint8Array;
  /** Where each begins, and where the last one ends. */
  readonly borders: readonly number[];
}

function framesOf(sizes: readonly number[]): Frames {
  const borders = [0];
  const batches = sizes.map((size, offset) => {
    const batch = batchOf("x".repeat(size));
    setBaseOffset(batch, 0, offset);
    borders.push((borders.at(-1) ?? 0) + batch.length);
    return batch;
  });
  return { bytes: new Uint8Array(Buffer.concat(batches)), borders };
}

/** As much as is wanted, or less at a time. */
function walk(bytes: Uint8Array, numberCount: number): BadFrame | null {
  const frames = new FrameWalk(batchFrames, {
    position: 0,
    endPosition: bytes.length,
    startNumber: 0,
    endNumber: numberCount,
  });
  for (let wants = frames.wants; wants !== null; wants = frames.wants) {
    const { position, sizeBytes } = wants;
    frames.take(bytes.subarray(position, position + sizeBytes));
  }
  return frames.bad;
}

const sizes = fc.array(fc.nat(300), { minLength: 1, maxLength: 12 });

test("frames that are as they were written hold", () => {
  fc.assert(
    fc.property(sizes, (all) => {
      expect(walk(framesOf(all).bytes, all.length)).toBe(null);
    }),
  );
});

test("one flipped bit is found in the frame that has it, or by the one behind it", () => {
  const at = fc.double({ min: 0, max: 0.9999, noNaN: true });
  fc.assert(
    fc.property(sizes, at, fc.nat(7), (all, where, bit) => {
      const { bytes, borders } = framesOf(all);
      const position = Math.floor(where * bytes.length);
      const slot = borders.findLastIndex((border) => border <= position);
      const inFrame = position - (borders[slot] ?? 0);
      // The leader epoch means nothing here, and no checksum covers it.
      fc.pre(inFrame < 12 || inFrame >= 16);
      bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
      expect(walk(bytes, all.length)?.position).toBe(borders[slot]);
    }),
    { numRuns: 500 },
  );
});

test("a range that ends inside a frame, and a file that ends before its range", () => {
  const { bytes, borders } = framesOf([10, 20, 30]);
  const cut = bytes.subarray(0, -1);
  expect(walk(cut, 3)).toMatchObject({
    position: borders[2],
    endPosition: null,
  });
  const frames = new FrameWalk(batchFrames, {
    position: 0,
    endPosition: bytes.length,
    startNumber: 0,
    endNumber: 3,
  });
  frames.take(cut);
  expect(frames.bad).toBe(null);
  frames.take(cut.subarray(borders[2]));
  expect(frames.bad?.position).toBe(borders[2]);
});
