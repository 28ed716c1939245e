import { describe, expect, it } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FileCache } from "../../../broker/storage/file-cache.ts";
import { JobQueue } from "../../../broker/storage/job-queue.ts";
import { defaultLogConfig } from "../../../broker/storage/log-config.ts";
import type { LogConfig } from "../../../broker/storage/log-config.ts";
import { SegmentTail } from "../../../broker/storage/roll-rule.ts";
import { Segment, emptySegmentFiles } from "../../../broker/storage/segment.ts";
import { IndexBlockCache } from "../../../broker/storage/sparse-index.ts";
import { TailMemory } from "../../../broker/storage/tail-memory.ts";
import { WriteWay } from "../../../broker/storage/write-way.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A segment from offset 100 on, opened at 1,000 ms. */
function openTail(fraction = () => 0): SegmentTail {
  const clock = new ManualClock(1_000);
  const disk = new MemoryDisk();
  const syncs = new JobQueue(1);
  const context = {
    disk,
    clock,
    random: {
      bytes: (sizeBytes: number) => new Uint8Array(sizeBytes),
      fraction,
    },
    files: new FileCache(disk, 4),
    blocks: new IndexBlockCache(),
    syncs,
    writes: new WriteWay(clock, syncs),
    tails: new TailMemory(1_024, 1),
  };
  const at = { directory: "/d", baseOffset: 100 };
  return new SegmentTail(new Segment(at, context, emptySegmentFiles));
}

const config = (over: Partial<LogConfig>): LogConfig => ({
  ...defaultLogConfig,
  ...over,
});

const batch = (
  over: Partial<Parameters<SegmentTail["mustRollBefore"]>[0]> = {},
) => ({ sizeBytes: 100, lastOffset: 101, maxTimestampMs: 5_000, ...over });

describe("segment.bytes", () => {
  it.each([
    [300, false],
    [299, true],
  ])("of %i: a third batch of 100 begins a new segment: %s", (size, rolls) => {
    const tail = openTail();
    const over = config({ segmentSizeBytes: size });
    tail.add(batch(), over);
    tail.add(batch(), over);
    expect(tail.mustRollBefore(batch(), over, 1_000)).toBe(rolls);
  });

  it("does not roll before the first batch, however large", () => {
    const over = config({ segmentSizeBytes: 50 });
    expect(openTail().mustRollBefore(batch(), over, 1_000)).toBe(false);
  });
});

describe("segment.ms", () => {
  it.each([
    ["as old as the limit", 5_000, 6_000, 1_000, false],
    ["older than the limit", 5_000, 6_001, 1_000, true],
    ["whatever the clock says", 5_000, 5_000, 999_999, false],
    ["older timestamps count for nothing", 5_000, 1_000, 1_000, false],
    ["by the clock where the first has no timestamp", -1, 9_999, 2_000, false],
    ["and then past the limit", -1, 0, 2_001, true],
  ])("%s", (_name, firstMs, nextMs, nowMs, rolls) => {
    const tail = openTail();
    const over = config({ segmentMs: 1_000 });
    tail.add(batch({ maxTimestampMs: firstMs }), over);
    const next = batch({ maxTimestampMs: nextMs });
    expect(tail.mustRollBefore(next, over, nowMs)).toBe(rolls);
  });
});

describe("segment.jitter.ms", () => {
  it.each([
    ["takes a part of it off", 0.5, 400, 800],
    ["takes nothing off where none is set", 0.9, 0, 1_000],
    ["takes no more off than there is", 0.5, 60_000, 500],
    ["may take nothing off", 0, 400, 1_000],
  ])("%s", (_name, fraction, segmentJitterMs, limitMs) => {
    const tail = openTail(() => fraction);
    const over = config({ segmentMs: 1_000, segmentJitterMs });
    tail.add(batch({ maxTimestampMs: 0 }), over);
    const rollsAt = (maxTimestampMs: number) =>
      tail.mustRollBefore(batch({ maxTimestampMs }), over, 1_000);
    expect([rollsAt(limitMs), rollsAt(limitMs + 1)]).toEqual([false, true]);
  });

  it("is drawn once a segment, so that it does not wear off", () => {
    const drawn = [0.9, 0, 0];
    const tail = openTail(() => drawn.shift() ?? 0);
    const over = config({ segmentMs: 1_000, segmentJitterMs: 1_000 });
    tail.add(batch({ maxTimestampMs: 0 }), over);
    const next = batch({ maxTimestampMs: 101 });
    const rolls = () => tail.mustRollBefore(next, over, 1_000);
    expect([rolls(), rolls()]).toEqual([true, true]);
  });
});

describe("segment.index.bytes", () => {
  // Each batch but the first gets an entry; a time index keeps room for one more.
  it.each([
    ["the time index's 12 bytes an entry", 48, 4],
    ["rounded down", 59, 4],
    ["one entry more", 60, 5],
    ["the offset index's 8 bytes an entry", 17, 1],
  ])("%s", (_name, segmentIndexSizeBytes, batchCount) => {
    const tail = openTail();
    const over = config({ segmentIndexSizeBytes, indexIntervalSizeBytes: 1 });
    let count = 0;
    do {
      tail.add(batch(), over);
      count++;
    } while (!tail.mustRollBefore(batch(), over, 1_000));
    expect(count).toBe(batchCount);
  });
});

it("an offset that the index cannot hold begins a new segment", () => {
  const tail = openTail();
  const over = config({});
  tail.add(batch(), over);
  const lastFitting = 100 + 0x7fffffff;
  const rollsAt = (lastOffset: number) =>
    tail.mustRollBefore(batch({ lastOffset }), over, 1_000);
  expect([rollsAt(lastFitting), rollsAt(lastFitting + 1)]).toEqual([
    false,
    true,
  ]);
});
