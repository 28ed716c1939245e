import { describe, expect, it } from "vitest";
import { parseTopicConfig } from "../../../broker/catalog/topic-config.ts";
import type { Topic } from "../../../broker/catalog/topic.ts";
import { GroupCoordinator } from "../../../broker/group/group-coordinator.ts";
import { groupRecordCodec } from "../../../broker/group/group-record-codec.ts";
import { standardGroupSettings } from "../../../broker/group/group-settings.ts";
import { MachineRuntime } from "../../../broker/machine/machine-runtime.ts";
import { createSnapshotFiles } from "../../../broker/machine/snapshot-file.ts";
import { createCompaction } from "../../../broker/operation/compact-logs.ts";
import { parseSettings } from "../../../broker/options.ts";
import type { Settings } from "../../../broker/options.ts";
import { SeededRandom } from "../../support/seeded-random.ts";
import { partition, partitionPath } from "../storage/support.ts";
import { TestLog } from "../storage/compaction/support.ts";

function topicOf(cleanupPolicy: string): Topic {
  return {
    id: partition.topicId,
    name: partition.topic,
    isInternal: false,
    partitionCount: 4,
    overrides: new Map(),
    config: parseTopicConfig(new Map([["cleanup.policy", cleanupPolicy]])),
    epochRuns: [],
  };
}

class TestCompaction {
  readonly test: TestLog;
  readonly lines: string[] = [];
  readonly stop = new AbortController();
  saveSnapshot: () => Promise<boolean> = async () => true;

  constructor(test: TestLog) {
    this.test = test;
  }

  get job() {
    const { directory } = this.test.storage;
    if (directory === null) throw new Error("the directory is closed");
    const settings: Settings = parseSettings({
      compactionKeyMapSizeBytesMax: 1024 * 1024,
    });
    const note = (level: string) => (_fields: object, message: string) =>
      void this.lines.push(`${level} ${message}`);
    return createCompaction({
      directory,
      settings,
      random: new SeededRandom(3),
      saveSnapshot: () => this.saveSnapshot(),
      logger: {
        debug: note("debug"),
        info: note("info"),
        warn: note("warn"),
        error: note("error"),
      },
    });
  }

  async run(times = 1): Promise<void> {
    const { job } = this;
    for (let time = 0; time < times; time++) {
      await job.run({
        topic: topicOf("compact"),
        partition: partition.partition,
        log: this.test.log,
        stopped: this.stop.signal,
      });
    }
  }
}

describe("the compaction job", () => {
  it("concerns topics whose cleanup.policy has compact", async () => {
    const compaction = new TestCompaction(await TestLog.open());
    const concerns = (policy: string) =>
      compaction.job.concerns(topicOf(policy));
    expect(concerns("compact")).toBe(true);
    expect(concerns("compact,delete")).toBe(true);
    expect(concerns("delete")).toBe(false);
  });

  it("compacts a log when a pass is due, says so, and remembers how far", async () => {
    const test = await TestLog.open();
    const compaction = new TestCompaction(test);
    await test.add("a=1", "a=2", "b=1");
    await compaction.run(2);
    expect(await test.records()).toEqual(["1:a=2", "2:b=1"]);
    expect(test.storage.directory?.cleanedOffset(partition)).toBe(2);
    const path = "/data/cleaner-offset-checkpoint";
    const bytes = await test.storage.bytesOf(path);
    expect(Buffer.from(bytes).toString()).toBe("0\n1\norders 3 2\n");
    expect(compaction.lines).toEqual([
      "info compacted up to offset 2: 140 bytes became 70, with 1 keys in the part that was new",
    ]);
  });

  it("says once what it cannot do, and again after it could", async () => {
    const test = await TestLog.open();
    const compaction = new TestCompaction(test);
    await test.add("a=1", "a=2", "b=1");
    test.storage.disk.rule = ({ path }) =>
      path.endsWith(".cleaned") ? { code: "ENOSPC" } : null;
    await compaction.run(3);
    expect(compaction.lines).toHaveLength(1);
    expect(compaction.lines[0]).toContain(
      "compaction failed, it is tried again",
    );
    expect(compaction.lines[0]).toContain("ENOSPC");
    expect(test.log.fault).toBe(null);
    expect(await test.records()).toHaveLength(3);

    test.storage.watchSyncs();
    await compaction.run();
    expect(await test.records()).toEqual(["1:a=2", "2:b=1"]);
  });

  it("leaves a damaged log alone, after one line", async () => {
    const test = await TestLog.open();
    const compaction = new TestCompaction(test);
    await test.add("a=1", "a=2", "b=1");
    await test.log.sync();
    const path = `${partitionPath}/00000000000000000001.log`;
    await test.storage.changeFile(path, (bytes) => bytes.fill(1, 65));
    await compaction.run(3);
    expect(compaction.lines).toHaveLength(1);
    expect(compaction.lines[0]).toContain(
      "the log is not compacted until it is repaired",
    );
    expect(compaction.lines[0]).toContain(`${path}:0: a wrong crc`);
  });

  it("ends with the broker", async () => {
    const test = await TestLog.open();
    const compaction = new TestCompaction(test);
    await test.add("a=1", "a=2", "b=1");
    compaction.stop.abort();
    await compaction.run();
    expect(compaction.lines).toEqual([]);
  });
});

describe("the log of a machine", () => {
  /** A coordinator on the log as it is now. */
  async function startGroups(test: TestLog) {
    const { clock, disk } = test.storage;
    const random = new SeededRandom(1);
    const settings = standardGroupSettings;
    const machine = new GroupCoordinator({ settings, clock, random });
    const runtime = new MachineRuntime(
      {
        machine,
        codec: groupRecordCodec,
        log: test.log,
        snapshots: createSnapshotFiles(disk, partitionPath),
        clock,
      },
      {
        snapshotIntervalSizeBytes: 1e9,
        reloadDelayMs: 1_000,
        stateChanged: () => {},
        warn: (detail) => {
          throw new Error(detail);
        },
        crashed: (error) => {
          throw error;
        },
      },
    );
    await runtime.start();
    const commit = (groupId: string, topic: string, offset: number) =>
      runtime.run(
        machine.commitOffsets({
          groupId,
          memberId: null,
          instanceId: null,
          generation: null,
          retentionMs: null,
          topics: [
            {
              topic,
              partitions: [
                { partition: 0, offset, leaderEpoch: null, metadata: null },
              ],
            },
          ],
        }),
      );
    const offsetsOf = async (groupId: string) => {
      const fetched = await runtime.run(
        machine.fetchOffsets({ groupId, topics: null }),
      );
      if (fetched.error !== null) throw new Error(fetched.error);
      return fetched.answer.topics
        .flatMap(({ topic, partitions }) =>
          partitions.map(({ offset }) => `${topic} ${offset}`),
        )
        .sort();
    };
    return { machine, runtime, commit, offsetsOf };
  }

  it("is loaded as it was, although most of it is gone", async () => {
    const test = await TestLog.open();
    const groups = await startGroups(test);
    for (let offset = 0; offset < 20; offset++) {
      await groups.commit("g", offset % 2 === 0 ? "even" : "odd", offset);
      test.storage.clock.advance(10);
    }
    const compaction = new TestCompaction(test);
    await compaction.run();
    expect((await test.batches()).length).toBeLessThan(5);
    await test.reopen(false);
    const again = await startGroups(test);
    expect(await again.offsetsOf("g")).toEqual(await groups.offsetsOf("g"));
  });

  it("gets a snapshot first: what was deleted since an older one must not come back", async () => {
    const test = await TestLog.open({ deleteRetentionMs: 0 });
    const groups = await startGroups(test);
    await groups.commit("g", "orders", 5);
    await groups.runtime.saveSnapshot();
    const step = () => test.storage.clock.advance(10);
    step();
    await groups.runtime.run(groups.machine.deleteTopicOffsets(["orders"]));
    const compaction = new TestCompaction(test);
    compaction.saveSnapshot = () => groups.runtime.saveSnapshot();
    // The tombstone gets its horizon, and then goes.
    for (let pass = 0; pass < 3; pass++) {
      step();
      await groups.commit("h", "other", pass);
      await compaction.run();
    }
    expect((await test.batches())[0]).not.toBe("0-0:1");
    expect((await test.batches())[0]).not.toBe("1-1:1");
    await test.reopen(false);
    const again = await startGroups(test);
    expect(await again.offsetsOf("g")).toEqual([]);
    expect(await again.offsetsOf("h")).toEqual(["other 2"]);
  });

  it("is left alone while it cannot have one", async () => {
    const test = await TestLog.open();
    const compaction = new TestCompaction(test);
    await test.add("a=1", "a=2", "b=1");
    compaction.saveSnapshot = async () => false;
    await compaction.run();
    expect(await test.records()).toHaveLength(3);
  });
});
