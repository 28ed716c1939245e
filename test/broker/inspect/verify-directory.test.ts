import { describe, expect, test } from "vitest";
import { writeInt32 } from "../../../broker/lib/bytes.ts";
import { computeCrc } from "../../../broker/record/batch.ts";
import { directory, firstLog, TestDirectory } from "./test-directory.ts";

const secondLog = "orders-0/00000000000000000008.log";
const lastLog = "orders-0/00000000000000000016.log";
const catalogLog = "__cluster_metadata-0/00000000000000000000.log";

/** All batches of `orders-0` have the same size. */
const batchSize = 79;

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

/** A byte of a file is another one. */
function flip(path: string, position: number) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => {
      const at = position < 0 ? bytes.length + position : position;
      bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      return bytes;
    });
}

function cut(path: string, sizeBytes: number) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => bytes.subarray(0, bytes.length - sizeBytes));
}

function add(path: string, added: Uint8Array) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => new Uint8Array([...bytes, ...added]));
}

function remove(path: string) {
  return (made: TestDirectory) => made.disk.remove(`${directory}/${path}`);
}

function write(path: string, content: string) {
  return (made: TestDirectory) => made.write(path, content);
}

/** Changes what the CRC covers, and the CRC with it. */
function sign(path: string, change: (bytes: Uint8Array) => void) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => {
      change(bytes);
      writeInt32(bytes, 17, computeCrc(bytes, 0));
      return bytes;
    });
}

async function catalogSnapshotOf(made: TestDirectory): Promise<string> {
  const name = "__cluster_metadata-0";
  const entries = await made.disk.list(`${directory}/${name}`);
  const found = entries.find((one) => one.name.endsWith(".checkpoint"));
  return `${name}/${found?.name ?? ""}`;
}

const foreignMetadata = "version: 0\ntopic_id: ABCDEFGHIJKLMNOPQRSTUV";

type Damage = (made: TestDirectory) => Promise<void>;

const bitsAtRest: readonly (readonly [string, Damage, readonly string[]])[] = [
  [
    "a record",
    flip(firstLog, batchSize + 70),
    [`damage damaged-batch ${firstLog}:79`],
  ],
  [
    "a length, which hides where the next batch begins",
    flip(firstLog, batchSize + 11),
    [`damage damaged-batch ${firstLog}:79`],
  ],
  [
    "a length that reaches far behind the file",
    flip(firstLog, 8),
    [`damage damaged-batch ${firstLog}:0`],
  ],
  [
    "the magic",
    flip(firstLog, batchSize + 16),
    [`damage damaged-batch ${firstLog}:79`],
  ],
  [
    "a base offset, within a segment",
    flip(firstLog, batchSize + 7),
    [`damage displaced-batch ${firstLog}:79`],
  ],
  [
    "a base offset, of the first batch",
    flip(secondLog, 7),
    [`damage displaced-batch ${secondLog}:0`],
  ],
  [
    "a base offset, of a segment's last batch",
    flip(firstLog, 3 * batchSize + 6),
    [`damage displaced-batch ${firstLog}:237`],
  ],
  [
    "a leader epoch",
    flip(firstLog, batchSize + 15),
    [`damage displaced-batch ${firstLog}:79`],
  ],
  [
    "the last batch of the log after a clean stop",
    flip(lastLog, -1),
    [
      `damage damaged-batch ${lastLog}:237`,
      "unfinished wrong-snapshot orders-0/00000000000000000024.snapshot",
    ],
  ],
  [
    "two batches side by side",
    async (made) => {
      await flip(firstLog, batchSize + 70)(made);
      await flip(firstLog, 2 * batchSize + 70)(made);
    },
    [`damage damaged-batch ${firstLog}:79`],
  ],
  [
    "an offset in an index",
    flip("orders-0/00000000000000000000.index", 3),
    ["damage wrong-index orders-0/00000000000000000000.index:0"],
  ],
  [
    "a position in an index",
    flip("orders-0/00000000000000000000.index", 15),
    ["damage wrong-index orders-0/00000000000000000000.index:8"],
  ],
  [
    "a timestamp in a time index",
    flip("orders-0/00000000000000000000.timeindex", 7),
    ["damage wrong-index orders-0/00000000000000000000.timeindex:0"],
  ],
  [
    "an offset in a time index",
    flip("orders-0/00000000000000000000.timeindex", 23),
    ["damage wrong-index orders-0/00000000000000000000.timeindex:12"],
  ],
  [
    "a producer snapshot",
    flip("orders-0/00000000000000000008.snapshot", 20),
    ["unfinished wrong-snapshot orders-0/00000000000000000008.snapshot"],
  ],
  [
    "the catalog's log, which then does not know its topics",
    flip(catalogLog, 200),
    [`damage damaged-batch ${catalogLog}:`],
  ],
  [
    "the catalog's snapshot",
    async (made) => {
      const path = await catalogSnapshotOf(made);
      await flip(path, 90)(made);
    },
    ["leftover wrong-machine-snapshot __cluster_metadata-0/"],
  ],
  [
    "partition.metadata, for which the next opening would remove the partition",
    write("orders-0/partition.metadata", foreignMetadata),
    ["damage wrong-topic-id orders-0/partition.metadata"],
  ],
  [
    "the catalog's partition.metadata",
    write("__cluster_metadata-0/partition.metadata", foreignMetadata),
    ["damage wrong-topic-id __cluster_metadata-0/partition.metadata"],
  ],
  [
    "meta.properties",
    flip("meta.properties", 10),
    ["damage wrong-properties meta.properties"],
  ],
  [
    "the format's version",
    write("millrace.properties", "format.version=x\n"),
    ["damage wrong-properties millrace.properties"],
  ],
  [
    "the leader epochs",
    write("orders-0/leader-epoch-checkpoint", "0\n1\n0 4\n"),
    ["damage wrong-epochs orders-0/leader-epoch-checkpoint"],
  ],
  [
    "leader epochs that are no checkpoint any more",
    write("orders-0/leader-epoch-checkpoint", "0\n1x\n0 0\n"),
    ["unfinished wrong-epochs orders-0/leader-epoch-checkpoint"],
  ],
  [
    "a checkpoint of starts",
    write("log-start-offset-checkpoint", "0\n2\norders 0 x\nothers 0 0\n"),
    ["damage wrong-checkpoint log-start-offset-checkpoint"],
  ],
  [
    "a start, which is behind the log's end then",
    write("log-start-offset-checkpoint", "0\n1\norders 0 25\n"),
    ["damage start-behind-end log-start-offset-checkpoint"],
  ],
];

describe("bits that flipped at rest", () => {
  test.each(bitsAtRest)("in %s", async (_name, damage, expected) => {
    const made = await TestDirectory.make();
    await damage(made);
    const found = await made.found();
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, at) => expect(found[at]).toContain(one));
  });
});

const whatCrashesLeave: readonly (readonly [
  string,
  Damage,
  readonly string[],
])[] = [
  [
    "a torn batch",
    add(lastLog, new Uint8Array(70).fill(2)),
    [`unfinished torn-tail ${lastLog}:316`],
  ],
  [
    "half of the last batch",
    cut(lastLog, 20),
    [
      `unfinished torn-tail ${lastLog}:237`,
      "unfinished wrong-snapshot orders-0/00000000000000000024.snapshot",
    ],
  ],
  [
    "a torn write with a whole batch behind it, which an opening would cut off",
    flip(lastLog, 80),
    [`damage damaged-batch ${lastLog}:79`],
  ],
  [
    "the room that Kafka reserves in an index",
    add("orders-0/00000000000000000016.index", new Uint8Array(8 * 9_000)),
    [],
  ],
  [
    "an index that lacks its newest entries",
    cut("orders-0/00000000000000000016.index", 10),
    ["unfinished wrong-index orders-0/00000000000000000016.index:8"],
  ],
  ["no index", remove("orders-0/00000000000000000016.index"), []],
  [
    "a file that was being replaced",
    write("orders-0/leader-epoch-checkpoint.tmp", "0"),
    ["leftover leftover-file orders-0/leader-epoch-checkpoint.tmp"],
  ],
  [
    "a compaction that did not end",
    write("orders-0/00000000000000000000.log.cleaned", "0"),
    ["leftover leftover-file orders-0/00000000000000000000.log.cleaned"],
  ],
  [
    "a compaction that did not put its segment in place",
    write("orders-0/00000000000000000000.log.swap", "0"),
    ["unfinished unfinished-compaction orders-0/"],
  ],
  [
    "an index whose log is gone",
    write("orders-0/00000000000000000004.index", ""),
    ["leftover leftover-file orders-0/00000000000000000004.index"],
  ],
  [
    "a deletion that did not end",
    (made) =>
      made.disk.createDirectory(
        `${directory}/orders-1.${"0".repeat(32)}-delete`,
      ),
    [`leftover deleted-partition orders-1.${"0".repeat(32)}-delete`],
  ],
  [
    "a partition that the catalog does not know",
    async (made) => {
      await made.disk.createDirectory(`${directory}/strange-0`);
      await made.disk.createDirectory(`${directory}/orders-2`);
    },
    [
      "leftover unknown-partition orders-2",
      "leftover unknown-partition strange-0",
    ],
  ],
  [
    "a partition without its topic's id",
    write("orders-0/partition.metadata", ""),
    ["unfinished missing-topic-id orders-0/partition.metadata"],
  ],
  [
    "records lost whose deletion was durable",
    write("log-start-offset-checkpoint", "0\n1\norders 0 25\n"),
    ["unfinished emptied-log log-start-offset-checkpoint"],
  ],
  [
    "a partition lost that had been synced",
    write("recovery-point-offset-checkpoint", "0\n1\nempty 1 7\n"),
    ["damage missing-partition empty-1"],
  ],
];

describe("what a crash leaves:", () => {
  test.each(whatCrashesLeave)("%s", async (_name, damage, expected) => {
    const made = await TestDirectory.make();
    await made.crash();
    await damage(made);
    const found = await made.found();
    expect(found).toHaveLength(expected.length);
    expected.forEach((one, at) => expect(found[at]).toContain(one));
  });

  test("below the recovery point damage is no torn tail, and indexes count", async () => {
    const made = await TestDirectory.make({ isClean: false });
    await made.write("recovery-point-offset-checkpoint", "0\n1\norders 0 24\n");
    await flip(lastLog, -1)(made);
    await cut("orders-0/00000000000000000000.index", 3)(made);
    expect(await made.found()).toEqual([
      "damage wrong-index orders-0/00000000000000000000.index:16",
      `damage damaged-batch ${lastLog}:237`,
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
  await made.createTopics();
  await made.disk.createDirectory(`${directory}/orders-1`);
  await made.write("orders-1/partition.metadata", older);
  expect(await made.found()).toEqual([
    "leftover deleted-partition orders-0",
    "leftover deleted-partition orders-1",
  ]);
});
