import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countRemovable } from "../../../broker/storage/retention.ts";
import type {
  RetentionLimits,
  SegmentFacts,
} from "../../../broker/storage/retention.ts";

/** `end size timestamp` of each segment; `?` for a timestamp nobody has read. */
function segmentsOf(text: string): SegmentFacts[] {
  return text.split(", ").map((one) => {
    const [end, size, timestamp] = one.split(" ");
    return {
      endOffset: Number(end),
      sizeBytes: Number(size),
      greatestTimestampMs: timestamp === "?" ? null : Number(timestamp),
    };
  });
}

const none: RetentionLimits = { retentionMs: null, retentionSizeBytes: null };
const marks = { nowMs: 1_000, startOffset: 0, highWatermark: 30 };
const three = "10 100 100, 20 100 200, 30 100 300";

describe("which segments may go", () => {
  it.each([
    ["none without a limit", three, {}, {}, 0],
    ["those below the start", three, {}, { startOffset: 20 }, 2],
    [
      "not one that the start lies in",
      three,
      {},
      { startOffset: 19, highWatermark: 30 },
      1,
    ],
    [
      "not the last for its being below the start",
      three,
      {},
      { startOffset: 30 },
      2,
    ],
    ["those older than the limit", three, { retentionMs: 750 }, {}, 2],
    ["not one of exactly that age", three, { retentionMs: 900 }, {}, 0],
    ["all when all are old", three, { retentionMs: 0 }, {}, 3],
    [
      "none behind one that is young",
      "10 100 100, 20 100 5000, 30 100 300",
      { retentionMs: 100 },
      {},
      1,
    ],
    [
      "none behind one that nobody has looked at",
      "10 100 100, 20 100 ?, 30 100 300",
      { retentionMs: 100 },
      {},
      1,
    ],
    ["as many as leave the size", three, { retentionSizeBytes: 150 }, {}, 1],
    ["to the exact size", three, { retentionSizeBytes: 200 }, {}, 1],
    ["none that the size needs", three, { retentionSizeBytes: 201 }, {}, 0],
    ["all for a size of nothing", three, { retentionSizeBytes: 0 }, {}, 3],
    [
      "by the size first, then by time from there",
      three,
      { retentionSizeBytes: 200, retentionMs: 750 },
      {},
      2,
    ],
    [
      "by the size of what is left above the start",
      three,
      { retentionSizeBytes: 200 },
      { startOffset: 10 },
      1,
    ],
    [
      "not what consumers do not see yet",
      three,
      { retentionMs: 0 },
      { highWatermark: 29 },
      2,
    ],
    [
      "not the last when it is empty",
      "10 100 100, 10 0 -1",
      { retentionMs: 0, retentionSizeBytes: 0 },
      {},
      1,
    ],
  ])("%s", (_name, segments, limits, at, count) => {
    expect(
      countRemovable(
        segmentsOf(segments),
        { ...none, ...limits },
        {
          ...marks,
          ...at,
        },
      ),
    ).toBe(count);
  });

  const anySegment = fc.record({
    recordCount: fc.integer({ min: 1, max: 9 }),
    sizeBytes: fc.integer({ min: 0, max: 100 }),
    greatestTimestampMs: fc.option(fc.integer({ min: -50, max: 200 })),
  });
  const anyLimit = fc.option(fc.integer({ min: 0, max: 150 }));

  it("keeps the size and everything young, whatever the log", () => {
    fc.assert(
      fc.property(
        fc.array(anySegment, { minLength: 1, maxLength: 8 }),
        fc.record({ retentionMs: anyLimit, retentionSizeBytes: anyLimit }),
        fc.record({ start: fc.nat(60), highWatermark: fc.nat(60) }),
        (given, limits, { start, highWatermark }) => {
          let endOffset = 0;
          const segments = given.map(({ recordCount, ...rest }) => {
            endOffset += recordCount;
            return { ...rest, endOffset };
          });
          const nowMs = 100;
          const startOffset = Math.min(start, highWatermark, endOffset);
          const at = { nowMs, startOffset, highWatermark };
          const count = countRemovable(segments, limits, at);
          const { retentionMs, retentionSizeBytes } = limits;
          const isOld = ({ greatestTimestampMs }: SegmentFacts) =>
            retentionMs !== null &&
            greatestTimestampMs !== null &&
            nowMs - greatestTimestampMs > retentionMs;
          const sizeFrom = (slot: number) =>
            segments
              .slice(slot)
              .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          for (const [slot, segment] of segments.entries()) {
            const isGone = slot < count;
            const isLast = slot === segments.length - 1;
            const isBelow = segment.endOffset <= startOffset && !isLast;
            const isTooMuch =
              retentionSizeBytes !== null &&
              sizeFrom(slot + 1) >= retentionSizeBytes;
            // Every one that went has a reason of its own.
            if (isGone) {
              expect(isBelow || isTooMuch || isOld(segment)).toBe(true);
              expect(segment.endOffset).toBeLessThanOrEqual(highWatermark);
            }
            // The first that stays has none.
            if (slot === count && segment.endOffset <= highWatermark) {
              if (isLast && segment.sizeBytes === 0) continue;
              expect(isBelow || isOld(segment)).toBe(false);
              if (slot === 0) expect(isTooMuch).toBe(false);
            }
          }
        },
      ),
    );
  });
});
