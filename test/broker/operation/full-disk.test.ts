/**
 * A whole broker whose disk has no room, for each kind of write there is: it
 * stays up, refuses with what clients try again, and goes on by itself when
 * there is room.
 */
import { describe, expect, it, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FailingDisk, type FaultRule } from "../../support/failing-disk.ts";
import type { KafkaConnection } from "../../support/kafka-connection.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import {
  batchOf,
  commitOffset,
  createTopicBody,
  epochMs,
  fetch,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

const KAFKA_STORAGE_ERROR = 56;

/** Every batch begins a segment, and has index entries. */
const configs = { "segment.ms": "1", "index.interval.bytes": "0" };

class FullDisk {
  readonly memory: MemoryDisk;
  readonly disk: FailingDisk;
  host: TestBroker;
  connection: KafkaConnection;
  /** What was acknowledged, by partition. */
  readonly acknowledged: string[][] = [[], []];
  #sentCount = 0;

  constructor(
    memory: MemoryDisk,
    disk: FailingDisk,
    host: TestBroker,
    connection: KafkaConnection,
  ) {
    this.memory = memory;
    this.disk = disk;
    this.host = host;
    this.connection = connection;
  }

  static async open(): Promise<FullDisk> {
    const memory = new MemoryDisk();
    const disk = new FailingDisk(memory);
    const host = await TestBroker.open({}, disk);
    await host.createTopic("orders", 2, configs);
    const full = new FullDisk(memory, disk, host, await host.connect());
    for (let count = 0; count < 3; count++) {
      expect(await full.send(0)).toBe(0);
    }
    return full;
  }

  async send(partition: number): Promise<number> {
    const value = `${this.#sentCount}`;
    const timestampMs = epochMs + this.#sentCount++ * 10;
    const { errorCode } = await produce(
      this.connection,
      "orders",
      batchOf([value], null, timestampMs),
      { partition, acks: -1 },
    );
    if (errorCode === 0) this.acknowledged[partition]?.push(value);
    return errorCode;
  }

  commit(offset: number): Promise<number | undefined> {
    return commitOffset(this.connection, "g", "orders", offset);
  }

  async create(name: string): Promise<number | undefined> {
    const body = createTopicBody(name);
    const { topics } = await this.connection.request(19, 7, body);
    return topics[0]?.errorCode;
  }

  async valuesOf(partition: number): Promise<string[]> {
    const values: string[] = [];
    for (;;) {
      const more = { partition };
      const at = values.length;
      const answer = await fetch(this.connection, "orders", at, more);
      expect(answer.errorCode).toBe(0);
      const found = valuesIn(answer.records);
      if (found.length === 0) return values;
      values.push(...found);
    }
  }

  /** What was begun under another name. */
  async unfinishedFiles(): Promise<string[]> {
    const directories = ["/data", "/data/orders-0"];
    const lists = directories.map((path) => this.memory.list(path));
    const entries = (await Promise.all(lists)).flat();
    return entries
      .map(({ name }) => name)
      .filter((name) => name.endsWith(".tmp"));
  }

  async expectAcknowledged(): Promise<void> {
    for (const partition of [0, 1]) {
      expect(await this.valuesOf(partition)).toEqual(
        this.acknowledged[partition],
      );
    }
  }

  /** On the same disk, as it is now; a crash leaves no mark of a clean stop. */
  async restart(how: { readonly isClean: boolean }): Promise<void> {
    const { rule } = this.disk;
    if (!how.isClean) this.disk.rule = () => ({ code: "EIO" });
    await this.host.broker.close();
    this.disk.rule = rule;
    const locked = await this.memory.lock("/data/.lock");
    if (locked.error === null) await locked.lock.release();
    this.host = await TestBroker.open({}, this.disk, new ManualClock(), 2);
    this.connection = await this.host.connect();
  }
}

const noRoom =
  (operation: string, path: RegExp): FaultRule =>
  (call) =>
    call.operation === operation && path.test(call.path)
      ? { code: "ENOSPC", writtenSizeBytes: 7 }
      : null;

/** Every write that takes room. */
const nothingFits: FaultRule = ({ operation, path }) =>
  operation === "append" ||
  (operation === "createDirectory" && path.includes("orders-1"))
    ? { code: "ENOSPC" }
    : null;

const kinds: Readonly<Record<string, FaultRule>> = {
  "the log": noRoom("append", /orders-0\/.*\.log$/),
  "an index": noRoom("append", /orders-0\/.*index$/),
  "the leader epochs": noRoom("append", /orders-0\/leader-epoch/),
  "a producer snapshot": noRoom("append", /orders-0\/.*\.snapshot/),
  "a new segment": noRoom("open", /orders-0\/.*[3-9]\.log$/),
  "a checkpoint of the directory": noRoom("append", /data\/[^/]+checkpoint/),
  everything: nothingFits,
};

describe.each(Object.entries(kinds))("no room for %s", (_kind, rule) => {
  it("refuses what needs it with an error that clients retry, and nothing else", async () => {
    const full = await FullDisk.open();
    full.disk.rule = rule;
    for (let count = 0; count < 3; count++) {
      expect([0, KAFKA_STORAGE_ERROR]).toContain(await full.send(0));
    }
    await full.host.clock.settle(10);
    await full.expectAcknowledged();
    expect(await full.unfinishedFiles()).toEqual([]);
    const offline = full.host.warnings.filter(({ message }) =>
      message.includes("offline"),
    );
    expect(offline).toEqual([]);
    full.disk.rule = () => null;
    expect(await full.send(0)).toBe(0);
    await full.expectAcknowledged();
    await full.restart({ isClean: true });
    await full.expectAcknowledged();
    await full.host.broker.close();
  });

  it.each([
    ["a clean stop", true],
    ["a crash", false],
  ])(
    "opens after %s, serves, and takes more when there is room",
    async (_how, isClean) => {
      const full = await FullDisk.open();
      full.disk.rule = rule;
      await full.send(0);
      await full.restart({ isClean });
      await full.expectAcknowledged();
      expect([0, KAFKA_STORAGE_ERROR]).toContain(await full.send(0));
      full.disk.rule = () => null;
      // The broker looks again once a second.
      await full.host.clock.advanceAndSettle(3_000);
      await full.host.clock.settle(20);
      expect(await full.send(0)).toBe(0);
      expect(await full.send(1)).toBe(0);
      await full.expectAcknowledged();
      await full.restart({ isClean: true });
      await full.expectAcknowledged();
      await full.host.broker.close();
    },
  );
});

test("the log says that the disk is full, once a minute", async () => {
  const full = await FullDisk.open();
  const notices = () =>
    full.host.warnings.filter(({ message }) => message.includes("room")).length;
  full.disk.rule = nothingFits;
  for (let count = 0; count < 3; count++) await full.send(0);
  expect(notices()).toBe(1);
  await full.host.clock.advanceAndSettle(60_000);
  await full.send(0);
  expect(notices()).toBe(2);
  await full.host.broker.close();
});

test("no room for a new partition's directory: only that one is refused", async () => {
  const full = await FullDisk.open();
  full.disk.rule = noRoom("createDirectory", /orders-1/);
  expect(await full.send(1)).toBe(KAFKA_STORAGE_ERROR);
  expect(await full.send(0)).toBe(0);
  full.disk.rule = () => null;
  expect(await full.send(1)).toBe(0);
  await full.expectAcknowledged();
  await full.host.broker.close();
});

test("no room for the catalog: no topic is created until there is", async () => {
  const full = await FullDisk.open();
  full.disk.rule = noRoom("append", /__cluster_metadata.*\.log$/);
  expect(await full.create("late")).toBe(KAFKA_STORAGE_ERROR);
  expect(await full.send(0)).toBe(0);
  full.disk.rule = () => null;
  await full.host.clock.advanceAndSettle(2_000);
  expect(await full.create("late")).toBe(0);
  await full.expectAcknowledged();
  await full.host.broker.close();
});

test("no room for offsets: commits are refused until there is, and what was committed stays", async () => {
  const full = await FullDisk.open();
  expect(await full.commit(1)).toBe(0);
  full.disk.rule = noRoom("append", /__consumer_offsets.*\.log$/);
  expect(await full.commit(2)).not.toBe(0);
  full.disk.rule = () => null;
  await full.host.clock.advanceAndSettle(2_000);
  expect(await full.commit(3)).toBe(0);
  await full.restart({ isClean: false });
  await full.host.clock.advanceAndSettle(2_000);
  const { groups, topics } = await full.connection.request(9, 5, {
    groupId: "g",
    topics: [{ name: "orders", partitionIndexes: [0] }],
    groups: [],
    requireStable: false,
  });
  void groups;
  expect(topics[0]?.partitions[0]?.committedOffset).toBe(3);
  await full.host.broker.close();
});
