/**
 * A bit that flipped in the history of a machine: nothing is made up from what
 * is left of it. The catalog's refuses the directory, a coordinator's keeps its
 * groups away while everybody else is served; a snapshot that has what was
 * damaged does for it.
 */
import { expect, test } from "vitest";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { parseSnapshotFileName } from "../../../broker/machine/snapshot-file.ts";
import { flipBit } from "../../support/flip-bit.ts";
import type { KafkaConnection } from "../../support/kafka-connection.ts";
import {
  batchOf,
  commitOffset,
  fetch,
  produce,
  TestBroker,
  valuesIn,
} from "../server/kafka/support.ts";

const COORDINATOR_NOT_AVAILABLE = 15;
const CATALOG = "/data/__cluster_metadata-0";
const OFFSETS = "/data/__consumer_offsets-0";

async function committed(connection: KafkaConnection) {
  const { errorCode, topics } = await connection.request(9, 7, {
    groupId: "g",
    topics: [{ name: "orders", partitionIndexes: [0] }],
    requireStable: false,
    groups: [],
  });
  return { errorCode, offset: topics[0]?.partitions[0]?.committedOffset };
}

/** A stopped directory with a topic, a record and three commits. */
async function writtenDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await using host = await TestBroker.open({}, disk);
  await host.createTopic("orders");
  const connection = await host.connect();
  await produce(connection, "orders", batchOf(["kept"]), { acks: -1 });
  for (const offset of [1, 2, 3]) {
    expect(await commitOffset(connection, "g", "orders", offset)).toBe(0);
  }
  return disk;
}

/** In the records of the first batch: neither a tail nor a header. */
const damage = (disk: MemoryDisk, directory: string) =>
  flipBit(disk, `${directory}/00000000000000000000.log`, 70);

async function removeSnapshots(disk: MemoryDisk, directory: string) {
  for (const { name } of await disk.list(directory)) {
    if (parseSnapshotFileName(name) === null) continue;
    await disk.remove(`${directory}/${name}`);
  }
}

test("damage in the catalog's log refuses the directory, and names the place", async () => {
  const disk = await writtenDisk();
  await damage(disk, CATALOG);
  await removeSnapshots(disk, CATALOG);
  await expect(TestBroker.open({}, disk)).rejects.toMatchObject({
    code: "directory-unusable",
    message: expect.stringMatching(
      /the catalog in \/data cannot be read: .*0\.log/,
    ),
  });
  // Nothing was changed by trying.
  await expect(TestBroker.open({}, disk)).rejects.toMatchObject({
    code: "directory-unusable",
  });
});

test("damage in the offsets' log keeps the groups away, and nobody else", async () => {
  const disk = await writtenDisk();
  await damage(disk, OFFSETS);
  await removeSnapshots(disk, OFFSETS);
  await using host = await TestBroker.open({}, disk);
  await host.clock.advanceAndSettle(5_000);
  const connection = await host.connect();
  expect(await committed(connection)).toMatchObject({
    errorCode: COORDINATOR_NOT_AVAILABLE,
  });
  expect(await commitOffset(connection, "g", "orders", 4)).toBe(
    COORDINATOR_NOT_AVAILABLE,
  );
  expect(host.broker.isReady).toBe(false);
  expect(host.warnings.map(({ message }) => message)).toContainEqual(
    expect.stringContaining("damaged on the disk"),
  );
  const { records } = await fetch(connection, "orders", 0);
  expect(valuesIn(records)).toEqual(["kept"]);
  expect(
    await produce(connection, "orders", batchOf(["more"]), { acks: -1 }),
  ).toMatchObject({ errorCode: 0, baseOffset: 1 });
});

test.each([CATALOG, OFFSETS])(
  "a snapshot does for what is damaged below it in %s",
  async (directory) => {
    const disk = await writtenDisk();
    await damage(disk, directory);
    await using host = await TestBroker.open({}, disk);
    await host.clock.advanceAndSettle(0);
    const connection = await host.connect();
    expect(await committed(connection)).toEqual({ errorCode: 0, offset: 3 });
    expect(valuesIn((await fetch(connection, "orders", 0)).records)).toEqual([
      "kept",
    ]);
  },
);

test("after damage to its snapshot a machine is loaded from its log", async () => {
  const disk = await writtenDisk();
  for (const directory of [CATALOG, OFFSETS]) {
    for (const { name } of await disk.list(directory)) {
      if (parseSnapshotFileName(name) === null) continue;
      const file = await disk.open(`${directory}/${name}`, "create");
      await file.append([new Uint8Array(100)]);
      await file.close();
    }
  }
  await using host = await TestBroker.open({}, disk);
  await host.clock.advanceAndSettle(0);
  const connection = await host.connect();
  expect(await committed(connection)).toEqual({ errorCode: 0, offset: 3 });
});
