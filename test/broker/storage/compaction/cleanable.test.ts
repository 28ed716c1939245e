import { describe, expect, it } from "vitest";
import { cleanableOf } from "../../../../broker/storage/compaction/cleanable.ts";
import type { LogFacts } from "../../../../broker/storage/compaction/cleanable.ts";
import { defaultLogConfig } from "../../../../broker/storage/log-config.ts";
import type { LogConfig } from "../../../../broker/storage/log-config.ts";

const nowMs = 1_000_000;

/**
 * Three sealed segments of 100 bytes, at 0, 10 and 20, written at -300, -200 and
 * -100 ms; the active one begins at 30 and ends at 35.
 */
const log: LogFacts = {
  sealed: [0, 10, 20].map((baseOffset, index) => ({
    baseOffset,
    sizeBytes: 100,
    greatestTimestampMs: nowMs - 300 + index * 100,
    firstTimestampMs: nowMs - 300 + index * 100,
  })),
  activeBaseOffset: 30,
  startOffset: 0,
  endOffset: 35,
  stableOffset: 35,
  cleanedOffset: null,
};

/** `from-to ratio`, and whether it is due. */
function cleanable(
  facts: Partial<LogFacts>,
  config: Partial<LogConfig> = {},
): string {
  const found = cleanableOf(
    { ...log, ...facts },
    { ...defaultLogConfig, ...config },
    nowMs,
  );
  const { firstDirtyOffset, endOffset, dirtyRatio, isDue } = found;
  return `${firstDirtyOffset}-${endOffset} ${dirtyRatio.toFixed(2)}${isDue ? " due" : ""}`;
}

describe("what may be compacted", () => {
  it("is all but the active segment", () => {
    expect(cleanable({})).toBe("0-30 1.00 due");
    expect(cleanable({ sealed: [], activeBaseOffset: 0 })).toBe("0-0 0.00");
  });

  it("is dirty from where the last pass ended", () => {
    expect(cleanable({ cleanedOffset: 10 })).toBe("10-30 0.67 due");
    expect(cleanable({ cleanedOffset: 20 })).toBe("20-30 0.33");
    expect(cleanable({ cleanedOffset: 30 })).toBe("30-30 0.00");
  });

  it("counts a segment for both that a full key map has cut", () => {
    expect(cleanable({ cleanedOffset: 15 })).toBe("15-30 0.50");
    expect(cleanable({ cleanedOffset: 25 })).toBe("25-30 0.25");
  });

  it("begins at the log's start, where the checkpoint lies outside the log", () => {
    expect(cleanable({ cleanedOffset: 5, startOffset: 10 })).toBe(
      "10-30 0.67 due",
    );
    expect(cleanable({ cleanedOffset: 36 })).toBe("0-30 1.00 due");
  });

  it("ends where a segment begins that reaches behind the last stable offset", () => {
    expect(cleanable({ stableOffset: 25 })).toBe("0-20 1.00 due");
    expect(cleanable({ stableOffset: 5 })).toBe("0-0 0.00");
  });

  it("ends before the first segment with a record younger than the least lag", () => {
    expect(cleanable({}, { minCompactionLagMs: 200 })).toBe("0-20 1.00 due");
    expect(cleanable({}, { minCompactionLagMs: 201 })).toBe("0-10 1.00 due");
    expect(cleanable({}, { minCompactionLagMs: 301 })).toBe("0-0 0.00");
  });
});

describe("a pass is due", () => {
  it("above the ratio", () => {
    const config = { minCleanableDirtyRatio: 1 / 3 };
    expect(cleanable({ cleanedOffset: 20 }, config)).toBe("20-30 0.33");
    expect(cleanable({ cleanedOffset: 10 }, config)).toBe("10-30 0.67 due");
  });

  it("when a dirty record is older than the greatest lag, whatever the ratio", () => {
    const facts = { cleanedOffset: 20 };
    expect(cleanable(facts, { maxCompactionLagMs: 100 })).toBe("20-30 0.33");
    expect(cleanable(facts, { maxCompactionLagMs: 99 })).toBe("20-30 0.33 due");
  });

  it("never without dirty bytes", () => {
    const config = { minCleanableDirtyRatio: 0, maxCompactionLagMs: 1 };
    expect(cleanable({ cleanedOffset: 30 }, config)).toBe("30-30 0.00");
  });
});
