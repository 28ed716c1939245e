/**
 * A crash at each call to the disk while a topic is deleted, or while records
 * are: from that call on every call fails, the broker is dropped, and the next
 * one opens what is there.
 */
import { describe, expect, it } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import type { Disk } from "../../../broker/platform/disk.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import type { KafkaConnection } from "../../support/kafka-connection.ts";
import {
  batchOf,
  epochMs,
  fetch,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

const SEGMENTS = { "segment.ms": "1" };

/** Topic `orders`: two partitions of three segments, the first without its first record. */
async function filledDisk(): Promise<MemoryDisk> {
  const memory = new MemoryDisk();
  await using host = await TestBroker.open({}, memory);
  await host.createTopic("orders", 2, SEGMENTS);
  const connection = await host.connect();
  for (const partition of [0, 1]) {
    for (const [slot, value] of ["a", "b", "c"].entries()) {
      const batch = batchOf([value], null, epochMs + slot * 10);
      await produce(connection, "orders", batch, { partition, acks: -1 });
    }
  }
  await deleteRecords(connection, 1);
  return memory;
}

/** Another life of the broker draws other topic ids. */
function reopen(disk: Disk, seed: number): Promise<TestBroker> {
  return TestBroker.open({}, disk, new ManualClock(), seed);
}

async function deleteRecords(connection: KafkaConnection, offset: number) {
  const { topics } = await connection.request(21, 2, {
    topics: [{ name: "orders", partitions: [{ partitionIndex: 0, offset }] }],
    timeoutMs: 1_000,
  });
  return topics[0]?.partitions[0]?.errorCode;
}

async function deleteTopic(connection: KafkaConnection) {
  const { responses } = await connection.request(20, 5, {
    topics: [],
    topicNames: ["orders"],
    timeoutMs: 1_000,
  });
  return responses[0]?.errorCode;
}

async function valuesFrom(
  connection: KafkaConnection,
  offset: number,
  partition: number,
): Promise<string[]> {
  const values: string[] = [];
  for (;;) {
    const next = offset + values.length;
    const answer = await fetch(connection, "orders", next, { partition });
    if (answer.errorCode !== 0) throw new Error(`error ${answer.errorCode}`);
    const found = valuesIn(answer.records);
    if (found.length === 0) return values;
    values.push(...found);
  }
}

/**
 * Runs `act` with a crash at each call in turn, also at none, and hands what
 * is left to `check`.
 */
async function crashAtEachCall(
  act: (connection: KafkaConnection) => Promise<number | undefined>,
  check: (memory: MemoryDisk, isAnswered: boolean) => Promise<void>,
): Promise<number> {
  for (let crashAt = 0; ; crashAt++) {
    const memory = await filledDisk();
    const disk = new FailingDisk(memory);
    const host = await reopen(disk, 2);
    const connection = await host.connect();
    // So that the logs are open.
    await fetch(connection, "orders", 2);
    await fetch(connection, "orders", 2, { partition: 1 });
    let callCount = 0;
    disk.rule = () => (callCount++ >= crashAt ? { code: "EIO" } : null);
    const errorCode = await act(connection);
    await host.clock.settle(20);
    const isOver = callCount <= crashAt;
    // What a process that was killed would do no more.
    disk.rule = () => ({ code: "EIO" });
    await host.broker.close();
    await releaseLock(memory);
    await check(memory, errorCode === 0);
    if (isOver) return crashAt;
  }
}

/** As the system does when a process ends. */
async function releaseLock(memory: MemoryDisk): Promise<void> {
  const locked = await memory.lock("/data/.lock");
  if (locked.error === null) await locked.lock.release();
}

async function directoriesOf(memory: MemoryDisk): Promise<string[]> {
  const entries = await memory.list("/data");
  return entries
    .map(({ name }) => name)
    .filter((name) => name.startsWith("orders"))
    .sort();
}

describe("a crash while a topic is deleted", () => {
  it("leaves the topic whole or gone for good, and a new one of its name empty", async () => {
    let goneCount = 0;
    const callCount = await crashAtEachCall(
      deleteTopic,
      async (memory, isAnswered) => {
        await using host = await reopen(memory, 3);
        const connection = await host.connect();
        const { topics } = await connection.request(3, 9, {
          topics: [{ name: "orders", topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
          allowAutoTopicCreation: false,
          includeClusterAuthorizedOperations: false,
          includeTopicAuthorizedOperations: false,
        });
        if (topics[0]?.errorCode === 0) {
          expect(isAnswered).toBe(false);
          expect(await valuesFrom(connection, 1, 0)).toEqual(["b", "c"]);
          expect(await valuesFrom(connection, 0, 1)).toEqual(["a", "b", "c"]);
          return;
        }
        goneCount++;
        await host.clock.settle(20);
        expect(await directoriesOf(memory)).toEqual([]);
        await host.createTopic("orders", 2, SEGMENTS);
        expect(await valuesFrom(connection, 0, 0)).toEqual([]);
        expect(
          await produce(connection, "orders", batchOf(["new"])),
        ).toMatchObject({ errorCode: 0, baseOffset: 0 });
        expect(await valuesFrom(connection, 0, 0)).toEqual(["new"]);
        expect(await valuesFrom(connection, 0, 1)).toEqual([]);
      },
    );
    // Otherwise nothing was tried.
    expect(callCount).toBeGreaterThan(10);
    expect(goneCount).toBeGreaterThan(5);
  });

  it("leaves no more to a topic of its name that was made before the crash", async () => {
    for (let crashAt = 0; crashAt < 12; crashAt++) {
      const memory = await filledDisk();
      const disk = new FailingDisk(memory);
      const host = await reopen(disk, 2);
      const connection = await host.connect();
      await fetch(connection, "orders", 2);
      let callCount = 0;
      // Only what is about the old directories fails: the catalog goes on.
      disk.rule = ({ path }) =>
        path.includes("/orders-") && callCount++ >= crashAt
          ? { code: "EIO" }
          : null;
      expect(await deleteTopic(connection)).toBe(0);
      await host.createTopic("orders", 2, SEGMENTS);
      await host.clock.settle(20);
      disk.rule = () => ({ code: "EIO" });
      await host.broker.close();
      await releaseLock(memory);
      await using next = await reopen(memory, 3);
      const again = await next.connect();
      for (const partition of [0, 1]) {
        expect(await valuesFrom(again, 0, partition)).toEqual([]);
      }
      await produce(again, "orders", batchOf(["new"]));
      expect(await valuesFrom(again, 0, 0)).toEqual(["new"]);
    }
  });
});

describe("a crash while records are deleted", () => {
  it("leaves a log that begins where it did, where it was told to, or between", async () => {
    const starts = new Set<number>();
    const callCount = await crashAtEachCall(
      (connection) => deleteRecords(connection, 3),
      async (memory, isAnswered) => {
        await using host = await reopen(memory, 3);
        const connection = await host.connect();
        const { logStartOffset } = await fetch(connection, "orders", 3);
        starts.add(logStartOffset);
        if (isAnswered) expect(logStartOffset).toBe(3);
        expect(logStartOffset).toBeGreaterThanOrEqual(1);
        expect(await valuesFrom(connection, logStartOffset, 0)).toEqual(
          ["a", "b", "c"].slice(logStartOffset),
        );
        expect(
          await produce(connection, "orders", batchOf(["d"])),
        ).toMatchObject({ errorCode: 0, baseOffset: 3 });
      },
    );
    expect(callCount).toBeGreaterThan(5);
    expect(starts.has(1) && starts.has(3)).toBe(true);
  });
});
