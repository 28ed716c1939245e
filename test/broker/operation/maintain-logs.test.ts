import { afterEach, describe, expect, it } from "vitest";
import { parseTopicConfig } from "../../../broker/catalog/topic-config.ts";
import type { Topic } from "../../../broker/catalog/topic.ts";
import { LogMaintenance } from "../../../broker/operation/maintain-logs.ts";
import type {
  LogJob,
  MaintainedLog,
} from "../../../broker/operation/maintain-logs.ts";
import { refuse } from "../../../broker/operation/operation-error.ts";
import type { SegmentFacts } from "../../../broker/storage/retention.ts";
import { StorageError } from "../../../broker/storage/storage-error.ts";
import { append, TestStorage } from "../storage/support.ts";

function topicOf(name: string, partitionCount = 1): Topic {
  return {
    id: name,
    name,
    isInternal: false,
    partitionCount,
    overrides: new Map(),
    config: parseTopicConfig(new Map()),
    epochRuns: [],
  };
}

/** The loop over one real log, which stands for every partition. */
class TestMaintenance {
  readonly storage = new TestStorage();
  readonly topics: Topic[] = [topicOf("orders")];
  readonly seen: string[] = [];
  readonly errors: string[] = [];
  readonly bugs: unknown[] = [];
  openedCount = 0;
  peeked: SegmentFacts | null = null;
  canWait: (segment: SegmentFacts) => boolean = () => false;
  hasFiles: (topic: string, partition: number) => boolean = () => true;
  job: (at: MaintainedLog) => Promise<void> = async () => {};
  concerns: LogJob["concerns"] = () => true;
  loop: LogMaintenance | null = null;

  async start(jobCount = 1): Promise<void> {
    const log = await this.storage.open();
    await append(log, "a");
    const job = {
      name: "a job",
      concerns: (topic: Topic) => this.concerns(topic),
      canWait: (_topic: Topic, segment: SegmentFacts) => this.canWait(segment),
      run: (at: MaintainedLog) => {
        this.seen.push(`${at.topic.name}-${at.partition}`);
        return this.job(at);
      },
    };
    this.loop = new LogMaintenance(
      {
        clock: this.storage.clock,
        logger: {
          debug() {},
          info() {},
          warn() {},
          error: (_fields, message) => this.errors.push(message),
        },
        partitions: {
          appendRefusal: null,
          find: (topic) => {
            this.openedCount++;
            return topic === "broken"
              ? refuse("storage-offline")
              : { error: null, log };
          },
        },
        topics: () => this.topics,
        directory: {
          peek: async () => this.peeked,
          hasDirectory: (at) => this.hasFiles(at.topic, at.partition),
        },
        crashed: (error) => this.bugs.push(error),
      },
      Array.from({ length: jobCount }, () => job),
      { firstDelayMs: 30_000, intervalMs: 300_000 },
    );
    this.loop.start();
  }

  pass(ms: number): Promise<void> {
    return this.storage.clock.advanceAndSettle(ms);
  }
}

let test = new TestMaintenance();
afterEach(async () => {
  await test.loop?.close();
  await test.storage.close();
  test = new TestMaintenance();
});

describe("the maintenance of logs", () => {
  it("begins after its delay, and goes round once an interval", async () => {
    await test.start();
    await test.pass(29_999);
    expect(test.seen).toEqual([]);
    await test.pass(1);
    expect(test.seen).toEqual(["orders-0"]);
    await test.pass(299_999);
    expect(test.seen.length).toBe(1);
    await test.pass(1);
    expect(test.seen.length).toBe(2);
  });

  it("gives each partition to all jobs before the next", async () => {
    test.topics.splice(0, 1, topicOf("orders", 2), topicOf("clicks"));
    await test.start(2);
    await test.pass(30_000);
    expect(test.seen).toEqual([
      "orders-0",
      "orders-0",
      "orders-1",
      "orders-1",
      "clicks-0",
      "clicks-0",
    ]);
  });

  it("opens nothing that has no files, or that no job concerns", async () => {
    test.topics.push(topicOf("clicks", 3), topicOf("kept"));
    test.hasFiles = (topic, partition) => topic === "kept" || partition === 2;
    test.concerns = ({ name }) => name !== "kept";
    await test.start();
    await test.pass(30_000);
    expect(test.seen).toEqual(["clicks-2"]);
    expect(test.openedCount).toBe(1);
  });

  it("leaves a partition closed that can wait, by what a look at its files says", async () => {
    test.peeked = { endOffset: 0, sizeBytes: 7, greatestTimestampMs: 5 };
    test.canWait = ({ sizeBytes }) => sizeBytes === 7;
    await test.start();
    await test.pass(30_000);
    expect(test.openedCount).toBe(0);
    test.peeked = { ...test.peeked, sizeBytes: 8 };
    await test.pass(300_000);
    expect(test.seen).toEqual(["orders-0"]);
  });

  it("tells what failed on one log and goes on with the rest", async () => {
    test.topics.unshift(topicOf("broken"), topicOf("failing"));
    test.job = async ({ topic }) => {
      if (topic.name === "orders") return;
      throw new StorageError("storage-full", "/data/failing-0", "no room");
    };
    await test.start();
    await test.pass(30_000);
    expect(test.seen).toEqual(["failing-0", "orders-0"]);
    expect(test.errors).toEqual([
      "a job failed: storage-full at /data/failing-0: no room",
    ]);
    await test.pass(300_000);
    expect(test.seen.length).toBe(4);
  });

  it("says nothing of a log that was deleted under a job's hands", async () => {
    test.job = async () => {
      throw new StorageError("log-closed", "/data/orders-0", "closed");
    };
    await test.start();
    await test.pass(30_000);
    expect(test.errors).toEqual([]);
    expect(test.bugs).toEqual([]);
  });

  it("hands on a bug and does not go round again", async () => {
    test.job = async () => {
      throw new TypeError("a bug");
    };
    await test.start();
    await test.pass(30_000);
    expect(test.bugs).toEqual([new TypeError("a bug")]);
    await test.pass(300_000);
    expect(test.seen.length).toBe(1);
  });

  it("lets others have the event loop between many partitions", async () => {
    test.topics.splice(0, 1, topicOf("wide", 5_000));
    test.hasFiles = () => false;
    await test.start();
    let turnCount = 0;
    let isRunning = true;
    const count = (): void => {
      turnCount++;
      if (isRunning) setImmediate(count);
    };
    setImmediate(count);
    await test.storage.clock.settle();
    const before = turnCount;
    let endCount = 0;
    test.hasFiles = (_topic, partition) => {
      if (partition === 4_999) endCount = turnCount;
      return false;
    };
    await test.pass(30_000);
    await test.storage.clock.settle(20);
    isRunning = false;
    expect(endCount - before).toBeGreaterThanOrEqual(9);
  });

  it("waits at its close for the job under way, and begins no other", async () => {
    test.topics.push(topicOf("clicks"));
    const wait = Promise.withResolvers<void>();
    let wasStopped = false;
    test.job = async ({ stopped }) => {
      stopped.addEventListener("abort", () => (wasStopped = true));
      await wait.promise;
    };
    await test.start();
    await test.pass(30_000);
    let isClosed = false;
    const closing = test.loop?.close().then(() => (isClosed = true));
    await test.storage.clock.settle();
    expect([isClosed, wasStopped]).toEqual([false, true]);
    wait.resolve();
    await closing;
    expect(test.seen).toEqual(["orders-0"]);
    await test.pass(600_000);
    expect(test.seen).toEqual(["orders-0"]);
  });
});
