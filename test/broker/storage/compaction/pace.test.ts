import { describe, expect, it } from "vitest";
import {
  CompactionStopped,
  Pace,
} from "../../../../broker/storage/compaction/pace.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

function paceWith(options: {
  readonly sizeBytesPerSecondMax?: number;
  readonly isWanted?: () => boolean;
}) {
  const clock = new ManualClock();
  const pace = new Pace(clock, {
    sizeBytesPerSecondMax: 1e12,
    isWanted: () => true,
    ...options,
  });
  return { clock, pace };
}

/** How long the pause takes by the clock, to the millisecond. */
async function pauseMs(clock: ManualClock, pace: Pace): Promise<number> {
  let isOver = false;
  void pace.pause().then(() => (isOver = true));
  for (let ms = 0; ; ms++) {
    await clock.settle(2);
    if (isOver) return ms;
    clock.advance(1);
  }
}

describe("the pace of compaction", () => {
  it("gives others a turn after a fraction of a millisecond", async () => {
    const { clock, pace } = paceWith({});
    expect(pace.isDue).toBe(false);
    clock.advance(0.2);
    expect(pace.isDue).toBe(true);
    expect(await pauseMs(clock, pace)).toBe(0);
    expect(pace.isDue).toBe(false);
  });

  it("rests now and then, whoever else wants the event loop", async () => {
    const { clock, pace } = paceWith({});
    const pauses: number[] = [];
    for (let count = 0; count < 32; count++) {
      pauses.push(await pauseMs(clock, pace));
    }
    expect(pauses.filter((ms) => ms > 0)).toEqual([5, 5]);
  });

  it("reads and writes no more in a second than it may", async () => {
    const { clock, pace } = paceWith({ sizeBytesPerSecondMax: 1_000 });
    pace.note(3);
    // Less than a timer is worth.
    expect(pace.isDue).toBe(false);
    pace.note(497);
    expect(pace.isDue).toBe(true);
    expect(await pauseMs(clock, pace)).toBe(500);
    // What was not used does not add up.
    clock.advance(10_000);
    await pauseMs(clock, pace);
    pace.note(250);
    expect(await pauseMs(clock, pace)).toBe(250);
  });

  it("ends what nobody wants any more, before or after a pause", async () => {
    let isWanted = true;
    const { clock, pace } = paceWith({
      sizeBytesPerSecondMax: 1_000,
      isWanted: () => isWanted,
    });
    pace.note(100);
    const pause = pace.pause();
    isWanted = false;
    clock.advance(100);
    await expect(pause).rejects.toThrow(CompactionStopped);
    await expect(pace.pause()).rejects.toThrow(CompactionStopped);
  });
});
