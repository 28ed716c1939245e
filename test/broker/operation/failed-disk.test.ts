/**
 * A whole broker on a disk that fails for good in one place: that partition is
 * offline, says why, and comes back by itself; the others go on.
 */
import { describe, expect, it, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { FailingDisk, type FaultRule } from "../../support/failing-disk.ts";
import type { KafkaConnection } from "../../support/kafka-connection.ts";
import {
  batchOf,
  commitOffset,
  fetch,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

const KAFKA_STORAGE_ERROR = 56;
const LEADER_NOT_AVAILABLE = 5;

async function openBroker(rule: FaultRule = () => null) {
  const disk = new FailingDisk(new MemoryDisk(), rule);
  const host = await TestBroker.open({}, disk);
  await host.createTopic("orders", 2);
  const connection = await host.connect();
  for (const partition of [0, 1]) {
    const batch = batchOf([`kept ${partition}`]);
    await produce(connection, "orders", batch, { partition, acks: -1 });
  }
  return { disk, host, connection };
}

/** Calls of these kinds on partition 0 fail. */
const failing =
  (...operations: string[]): FaultRule =>
  ({ operation, path }) =>
    path.includes("/orders-0") && operations.includes(operation)
      ? { code: "EIO" }
      : null;

async function metadataOf(connection: KafkaConnection) {
  const { topics } = await connection.request(3, 9, {
    topics: [{ name: "orders", topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  return topics[0]?.partitions ?? [];
}

async function valuesOf(connection: KafkaConnection, partition: number) {
  const answer = await fetch(connection, "orders", 0, { partition });
  return answer.errorCode === 0 ? valuesIn(answer.records) : answer.errorCode;
}

/** What makes the disk's fault known. */
const faults: Readonly<
  Record<string, { rule: FaultRule; provoke: (c: KafkaConnection) => unknown }>
> = {
  "a write": {
    rule: failing("append"),
    provoke: (connection) => produce(connection, "orders", batchOf(["lost"])),
  },
  "a sync": {
    rule: failing("sync"),
    provoke: (connection) =>
      produce(connection, "orders", batchOf(["lost"]), { acks: -1 }),
  },
  "a read": {
    // Nothing is read from a file that is still in the tail's memory.
    rule: failing("read", "warm", "map"),
    provoke: async (connection) => {
      await connection.request(2, 7, {
        replicaId: -1,
        isolationLevel: 0,
        topics: [
          {
            name: "orders",
            partitions: [{ partitionIndex: 0, timestamp: 1 }],
          },
        ],
      });
    },
  },
};

describe.each(Object.entries(faults))("%s that fails", (kind, fault) => {
  it("takes its partition offline, and no other", async () => {
    const { disk, host, connection } = await openBroker();
    await using _ = host;
    disk.rule = fault.rule;
    await fault.provoke(connection);
    expect(await produce(connection, "orders", batchOf(["x"]))).toMatchObject({
      errorCode: KAFKA_STORAGE_ERROR,
    });
    expect(await valuesOf(connection, 0)).toBe(KAFKA_STORAGE_ERROR);
    expect(
      await produce(connection, "orders", batchOf(["x"]), { partition: 1 }),
    ).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(await valuesOf(connection, 1)).toEqual(["kept 1", "x"]);
    // One line, whatever is asked of it.
    expect(host.warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining("partition goes offline: storage-offline at"),
    ]);
  });

  it("is told by Metadata as Kafka tells of a directory that is offline", async () => {
    const { disk, host, connection } = await openBroker();
    await using _ = host;
    disk.rule = fault.rule;
    await fault.provoke(connection);
    expect(await metadataOf(connection)).toMatchObject([
      {
        errorCode: LEADER_NOT_AVAILABLE,
        leaderId: -1,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [1],
      },
      { errorCode: 0, leaderId: 1, offlineReplicas: [] },
    ]);
  });

  it("is over when the disk works again: by itself, with all that was acknowledged", async () => {
    const { disk, host, connection } = await openBroker();
    await using _ = host;
    disk.rule = fault.rule;
    await fault.provoke(connection);
    disk.rule = () => null;
    await host.clock.advanceAndSettle(1_000);
    await host.clock.settle(30);
    expect(await metadataOf(connection)).toMatchObject([
      { errorCode: 0, leaderId: 1, offlineReplicas: [] },
      { errorCode: 0 },
    ]);
    const answer = await produce(connection, "orders", batchOf(["new"]), {
      acks: -1,
    });
    expect(answer.errorCode).toBe(0);
    const values = await valuesOf(connection, 0);
    // What failed was not answered for: after a failed sync it may stand.
    expect(values).toEqual(
      kind === "a sync" ? ["kept 0", "lost", "new"] : ["kept 0", "new"],
    );
    expect(host.lines.at(-1)?.message).toBe("partition is online again");
  });
});

test("a partition stays offline as long as the disk does, and is tried less and less", async () => {
  const { disk, host, connection } = await openBroker();
  await using _ = host;
  disk.rule = failing("append", "sync");
  await produce(connection, "orders", batchOf(["lost"]));
  let openCount = 0;
  disk.rule = (call) => {
    if (call.operation === "list" && call.path.endsWith("/orders-0")) {
      openCount++;
    }
    return failing("list")(call);
  };
  await host.clock.advanceAndSettle(100_000);
  await host.clock.settle(30);
  expect(openCount).toBe(6);
  expect(await metadataOf(connection)).toMatchObject([
    { errorCode: LEADER_NOT_AVAILABLE },
    { errorCode: 0 },
  ]);
  disk.rule = () => null;
  await host.clock.advanceAndSettle(128_000);
  await host.clock.settle(30);
  expect(await valuesOf(connection, 0)).toEqual(["kept 0"]);
});

test("a partition that cannot be opened is offline too, and opened when it can be", async () => {
  const memory = new MemoryDisk();
  const first = await TestBroker.open({}, memory);
  await first.createTopic("orders", 2);
  const before = await first.connect();
  await produce(before, "orders", batchOf(["kept 0"]), { acks: -1 });
  await first.broker.close();
  const disk = new FailingDisk(memory, failing("list"));
  await using host = await TestBroker.open({}, disk);
  const connection = await host.connect();
  for (let asked = 0; asked < 3; asked++) {
    expect(await valuesOf(connection, 0)).toBe(KAFKA_STORAGE_ERROR);
  }
  expect(host.warnings.length).toBe(1);
  expect((await metadataOf(connection))[0]).toMatchObject({ leaderId: -1 });
  disk.rule = () => null;
  await host.clock.advanceAndSettle(1_000);
  await host.clock.settle(30);
  expect(await valuesOf(connection, 0)).toEqual(["kept 0"]);
});

/** Looks into the partition's directory only when it is released. */
class HeldDisk extends FailingDisk {
  readonly #released = Promise.withResolvers<void>();

  release(): void {
    this.#released.resolve();
  }

  override async list(directory: string) {
    if (directory.endsWith("/orders-0")) await this.#released.promise;
    return super.list(directory);
  }
}

test("a partition that cannot be opened is told of once, however many wait for it", async () => {
  const memory = new MemoryDisk();
  const first = await TestBroker.open({}, memory);
  await first.createTopic("orders", 1);
  await produce(await first.connect(), "orders", batchOf(["kept"]));
  await first.broker.close();
  const disk = new HeldDisk(memory, failing("list"));
  await using host = await TestBroker.open({}, disk);
  const waiting = [1, 2, 3].map(async () => valuesOf(await host.connect(), 0));
  await host.clock.settle(30);
  disk.release();
  expect(await Promise.all(waiting)).toEqual(
    Array(3).fill(KAFKA_STORAGE_ERROR),
  );
  expect(host.warnings.map(({ message }) => message)).toEqual([
    expect.stringContaining("partition cannot be opened: storage-offline at"),
  ]);
});

test("a topic whose partition is offline can be deleted and made anew", async () => {
  const { disk, host, connection } = await openBroker();
  await using _ = host;
  disk.rule = failing("append");
  await produce(connection, "orders", batchOf(["lost"]));
  disk.rule = () => null;
  await connection.request(20, 5, {
    topics: [],
    topicNames: ["orders"],
    timeoutMs: 1_000,
  });
  await host.createTopic("orders", 2);
  expect(await metadataOf(connection)).toMatchObject([
    { errorCode: 0, leaderId: 1 },
    { errorCode: 0 },
  ]);
  await produce(connection, "orders", batchOf(["new"]));
  await host.clock.advanceAndSettle(600_000 / 2);
  expect(await valuesOf(await host.connect(), 0)).toEqual(["new"]);
});

test("the catalog's own log comes back as well, and topics can be created again", async () => {
  const { disk, host } = await openBroker();
  await using _ = host;
  disk.rule = ({ operation, path }) =>
    operation === "sync" && path.includes("__cluster_metadata")
      ? { code: "EIO" }
      : null;
  await expect(host.createTopic("late")).rejects.toThrow();
  disk.rule = () => null;
  await host.clock.advanceAndSettle(5_000);
  await host.clock.settle(30);
  await host.createTopic("later");
  expect(await valuesOf(await host.connect(), 0)).toEqual(["kept 0"]);
});

test("groups commit again after their log's disk has failed and come back", async () => {
  const { disk, host, connection } = await openBroker();
  await using _ = host;
  const commit = () => commitOffset(connection, "g", "orders", 1);
  expect(await commit()).toBe(0);
  disk.rule = ({ operation, path }) =>
    operation === "append" && path.includes("__consumer_offsets")
      ? { code: "EIO" }
      : null;
  expect(await commit()).not.toBe(0);
  disk.rule = () => null;
  await host.clock.advanceAndSettle(5_000);
  await host.clock.settle(30);
  expect(await commit()).toBe(0);
});

test("records that readers saw and a failed disk took raise the leader epoch", async () => {
  const { disk, host, connection } = await openBroker();
  await using _ = host;
  disk.rule = failing("sync");
  const seen = await produce(connection, "orders", batchOf(["seen"]), {
    acks: -1,
  });
  expect(seen.errorCode).toBe(KAFKA_STORAGE_ERROR);
  const before = (await metadataOf(connection))[0]?.leaderEpoch ?? -1;
  // What was never on the disk is gone when the file is read again.
  const log = "/data/orders-0/00000000000000000000.log";
  disk.rule = () => null;
  const file = await disk.open(log, "append");
  await file.truncate(file.sizeBytes - 10);
  await file.close();
  await host.clock.advanceAndSettle(1_000);
  await host.clock.settle(30);
  const after = (await metadataOf(connection))[0];
  expect(after).toMatchObject({ errorCode: 0, leaderEpoch: before + 1 });
  expect(await valuesOf(connection, 0)).toEqual(["kept 0"]);
});
