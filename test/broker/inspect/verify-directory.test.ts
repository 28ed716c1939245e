import { describe, expect, test } from "vitest";
import { writeInt32 } from "../../../broker/lib/bytes.ts";
import {
  batchSize,
  bitsAtRest,
  cut,
  flip,
  lastLog,
  sign,
  whatCrashesLeave,
} from "./damages.ts";
import { TestLog } from "../storage/compaction/support.ts";
import {
  directory,
  firstLog,
  servedBy,
  TestDirectory,
} from "./test-directory.ts";

describe("a directory that nothing happened to", () => {
  test("verifies clean, and everything in it is looked at", async () => {
    const made = await TestDirectory.make();
    expect(await made.bytesOf(firstLog)).toHaveLength(4 * batchSize);
    const { findings, summary, catalog } = await made.verify({ records: true });
    expect(findings).toEqual([]);
    // The catalog, the groups, and two partitions that were written to.
    expect(summary).toMatchObject({ partitionCount: 4, isClean: true });
    expect(summary.batchCount).toBeGreaterThan(12);
    expect(catalog?.topicByName("orders")?.partitionCount).toBe(2);
    expect(await made.served()).toHaveLength(24);
    expect(await made.found()).toEqual([]);
  });

  test("verifies clean after a kill", async () => {
    const made = await TestDirectory.make({ isClean: false });
    expect(await made.found({ records: true })).toEqual([]);
  });
});

describe("bits that flipped at rest", () => {
  test.each(bitsAtRest)("in %s", async (_name, damage, expected) => {
    const made = await TestDirectory.make();
    await damage(made);
    const found = await made.found();
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, at) => expect(found[at]).toContain(one));
  });
});

describe("what a crash leaves:", () => {
  test.each(whatCrashesLeave)("%s", async (_name, damage, expected) => {
    const made = await TestDirectory.make();
    await made.crash();
    await damage(made);
    const found = await made.found();
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, at) => expect(found[at]).toContain(one));
  });

  test("what a reboot would make of a hole with whole batches behind it is said", async () => {
    const made = await TestDirectory.make();
    await made.crash();
    await flip(lastLog, 80)(made);
    const { findings } = await made.verify();
    const [hole] = findings.filter(({ kind }) => kind === "damaged-batch");
    expect(hole?.detail).toContain("after a reboot would cut the log here");
  });

  test("a log that was emptied at its start ends there, though no segment says so", async () => {
    const made = await TestDirectory.make();
    await made.crash();
    await made.write("log-start-offset-checkpoint", "0\n1\norders 0 25\n");
    const broker = await made.openBroker();
    expect(await servedBy(broker)).toEqual([]);
    const killed = await made.copy();
    await broker.close();
    expect(await killed.found()).toEqual([]);
    expect(await made.served()).toEqual([]);
  });

  test("a compacted segment that is damaged before it is put in place is told, and left to people", async () => {
    const made = await TestDirectory.make();
    await made.crash();
    await made.write(`${firstLog}.swap`, await made.bytesOf(firstLog));
    await flip(`${firstLog}.swap`, batchSize + 70)(made);
    const { findings } = await made.verify();
    expect(findings.map(({ kind, path, fix }) => [kind, path, fix])).toEqual([
      ["damaged-batch", `${firstLog}.swap`, null],
      ["unfinished-compaction", `${firstLog}.swap`, null],
    ]);
    expect((await made.repair()).plan.steps).toEqual([]);
  });

  test("below the recovery point damage is no torn tail, and indexes count", async () => {
    const made = await TestDirectory.make({ isClean: false });
    await made.write("recovery-point-offset-checkpoint", "0\n1\norders 0 24\n");
    await flip(lastLog, -1)(made);
    await cut("orders-0/00000000000000000000.index", 3)(made);
    expect(await made.found()).toEqual([
      "damage wrong-index orders-0/00000000000000000000.index:16",
      `damage damaged-batch ${lastLog}:237`,
      "damage missing-end orders-0",
    ]);
  });
});

describe("records", () => {
  test("are looked at where asked: junk that was produced is told", async () => {
    const made = await TestDirectory.make();
    // The first record's size.
    await sign(firstLog, (bytes) => {
      bytes[61] = 0x7f;
    })(made);
    expect(await made.found()).toEqual([]);
    expect(await made.found({ records: true })).toEqual([
      `damage unreadable-records ${firstLog}:0`,
    ]);
  });

  test("that a batch lacks are told, unless the topic was ever compacted", async () => {
    const made = await TestDirectory.make();
    const lacking = sign(firstLog, (bytes) => writeInt32(bytes, 57, 1));
    await lacking(made);
    expect(await made.found()).toEqual([
      `damage missing-records ${firstLog}:0`,
    ]);
    await made.write("cleaner-offset-checkpoint", "0\n1\norders 0 8\n");
    expect(await made.found()).toEqual([]);
  });

  test("of machines are decoded", async () => {
    const made = await TestDirectory.make();
    const path = "__consumer_offsets-0/00000000000000000000.log";
    // The first byte of the first record's value is a version.
    await sign(path, (bytes) => {
      const at = bytes.findIndex(
        (byte, at) => at > 61 && byte === 0 && bytes[at + 1] === 3,
      );
      bytes[at] = 0x7f;
    })(made);
    const found = await made.found();
    expect(found[0]).toBe(`damage unreadable-entry ${path}:0`);
  });
});

test("a format from the future ends the verification", async () => {
  const made = await TestDirectory.make();
  await made.write("millrace.properties", "format.version=99\n");
  await expect(made.verify()).rejects.toMatchObject({ code: "format-too-new" });
});

test("a topic that was deleted and made again: the older one's directory is a leftover", async () => {
  const made = await TestDirectory.make();
  const older = await made.bytesOf("orders-0/partition.metadata");
  const broker = await made.openBroker();
  await broker.operations.topics.delete(made.context, [
    { name: "orders", id: null },
  ]);
  await broker.close();
  await made.disk.createDirectory(`${directory}/orders-0`);
  await made.write("orders-0/partition.metadata", older);
  expect(await made.found()).toEqual(["leftover deleted-partition orders-0"]);
  const again = await made.openBroker();
  await made.createTopic(again, "orders");
  await again.close();
  await made.disk.createDirectory(`${directory}/orders-1`);
  await made.write("orders-1/partition.metadata", older);
  expect(await made.found()).toEqual([
    "leftover deleted-partition orders-0",
    "leftover deleted-partition orders-1",
  ]);
});

describe("a compacted log", () => {
  const lines = ["a=1 b=1", "a=2 b=2", "c=1 a=3", "b=- c=2", "d=1 e=1"];

  test.each([true, false])(
    "verifies clean (stopped cleanly: %s)",
    async (isClean) => {
      const log = await TestLog.open({ segmentSizeBytes: 300 });
      await log.add(...lines, ...lines);
      await log.compact();
      await log.add(...lines);
      await log.storage.close(isClean);
      const made = new TestDirectory(log.storage.memory);
      const { findings, summary } = await made.verify({ records: true });
      expect(findings).toEqual([]);
      expect(summary.recordCount).toBeLessThan(30);
    },
  );

  test("of damage in it, a repair takes that batch and no other", async () => {
    const log = await TestLog.open({ segmentSizeBytes: 300 });
    await log.add(...lines, ...lines);
    await log.compact();
    const before = await log.records();
    await log.storage.close();
    const made = new TestDirectory(log.storage.memory);
    let path = "";
    for (const name of (await log.storage.names()).reverse()) {
      const one = `orders-3/${name}`;
      const sizeBytes = await made.disk.sizeOf(`${directory}/${one}`);
      // Compaction may leave nothing of the first segments.
      if (name.endsWith(".log") && sizeBytes !== 0) path = one;
    }
    // In the records of its first batch.
    await flip(path, 65)(made);
    const [found] = (await made.verify()).findings;
    expect(found).toMatchObject({ kind: "damaged-batch", path, position: 0 });
    await made.repair();
    expect(await made.found()).toEqual([]);
    const reopened = new TestLog(log.storage, await log.storage.open());
    const after = await reopened.records();
    // That batch held two of them.
    expect(after).toEqual(before.slice(2));
    await log.storage.close();
  });
});
