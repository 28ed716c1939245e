import { describe, expect, it } from "vitest";
import { groupSegments } from "../../../../broker/storage/compaction/segment-groups.ts";

/** Base offsets and sizes, as `0:100 50:30`; the groups as `0,50 | 90`. */
function grouped(
  text: string,
  options: {
    readonly segmentSizeBytes?: number;
    readonly segmentIndexSizeBytes?: number;
    readonly endOffset?: number;
    readonly entries?: number;
  } = {},
): string {
  const { entries = 1 } = options;
  const segments = text.split(" ").map((part) => {
    const [baseOffset = 0, sizeBytes = 0] = part.split(":").map(Number);
    return {
      baseOffset,
      sizeBytes,
      offsetEntryCount: entries,
      timeEntryCount: entries,
    };
  });
  const groups = groupSegments(segments, {
    segmentSizeBytes: options.segmentSizeBytes ?? 100,
    segmentIndexSizeBytes: options.segmentIndexSizeBytes ?? 1000,
    endOffset: options.endOffset ?? 1000,
  });
  return groups
    .map((group) => group.map(({ baseOffset }) => baseOffset).join())
    .join(" | ");
}

describe("segments are put together", () => {
  it("while they fit what a segment may hold", () => {
    expect(grouped("0:40 10:40 20:20 30:1 40:99 50:1")).toBe(
      "0,10,20 | 30,40 | 50",
    );
  });

  it("never divided, also where one alone is too large", () => {
    expect(grouped("0:500 10:10 20:500 30:5")).toBe("0 | 10 | 20 | 30");
  });

  it("while their indexes fit", () => {
    const options = { segmentIndexSizeBytes: 120, entries: 5 };
    // Two time indexes of five entries are 120 bytes.
    expect(grouped("0:1 10:1 20:1", options)).toBe("0,10 | 20");
  });

  it("while no offset is too far from the first, as an index has 31 bits for it", () => {
    const far = 2 ** 31;
    expect(grouped(`0:1 10:1 ${far}:1`, { endOffset: far + 5 })).toBe(
      `0,10 | ${far}`,
    );
    // The last segment may reach up to the end, whatever it holds.
    expect(grouped("0:1 10:1", { endOffset: far + 1 })).toBe("0 | 10");
    expect(grouped("0:1 10:1", { endOffset: far })).toBe("0,10");
  });

  it("also far away, if they are empty", () => {
    const far = 2 ** 32;
    expect(grouped(`0:1 ${far}:0`, { endOffset: far + 5 })).toBe(`0,${far}`);
  });
});
