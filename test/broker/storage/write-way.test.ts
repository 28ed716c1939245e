import { describe, expect, it } from "vitest";
import type { DiskFile } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { createDeferred } from "../../../broker/storage/deferred.ts";
import { JobQueue } from "../../../broker/storage/job-queue.ts";
import { WriteWay } from "../../../broker/storage/write-way.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** A file whose writes take the time that the test says, and that notes how each came. */
async function timedFile(clock: ManualClock) {
  const file = await new MemoryDisk().open("/log", "append");
  const ways: string[] = [];
  const state = { takesMs: 0 };
  const timed: DiskFile = Object.assign(Object.create(file), {
    appendSync: () => {
      ways.push("sync");
      clock.advance(state.takesMs);
    },
    append: async () => {
      ways.push("async");
      clock.advance(state.takesMs);
    },
  });
  return { timed, ways, state };
}

describe("the way of a write", () => {
  it("is synchronous on a quick disk, and not for a while after a slow write", async () => {
    const clock = new ManualClock();
    const { timed, ways, state } = await timedFile(clock);
    const way = new WriteWay(clock, new JobQueue(2));
    const append = () => way.append(timed, () => []);
    await append();
    state.takesMs = 1000;
    await append();
    state.takesMs = 0;
    await append();
    clock.advance(29_999);
    await append();
    clock.advance(1);
    await append();
    expect(ways).toEqual(["sync", "sync", "async", "async", "sync"]);
  });

  it("is asynchronous while a sync runs, one at a time, and takes along what has gathered", async () => {
    const clock = new ManualClock();
    const { timed, ways } = await timedFile(clock);
    const syncs = new JobQueue(2);
    const way = new WriteWay(clock, syncs);
    const held = createDeferred();
    const sync = syncs.run(() => held.promise);
    const taken: string[] = [];
    const appends = ["a", "b"].map((name) =>
      way.append(timed, () => {
        taken.push(name);
        return [];
      }),
    );
    expect(taken).toEqual(["a"]);
    await Promise.all(appends);
    expect(taken).toEqual(["a", "b"]);
    held.resolve();
    await sync;
    await way.append(timed, () => []);
    expect(ways).toEqual(["async", "async", "sync"]);
  });
});
