/** What can happen to the test directory, and what a verification says of it. */
import { writeInt32, writeInt64 } from "../../../broker/lib/bytes.ts";
import { computeCrc } from "../../../broker/record/batch.ts";
import { directory, firstLog, type TestDirectory } from "./test-directory.ts";

export const secondLog = "orders-0/00000000000000000008.log";
export const lastLog = "orders-0/00000000000000000016.log";
const catalogLog = "__cluster_metadata-0/00000000000000000000.log";

/** All batches of `orders-0` have the same size. */
export const batchSize = 79;

/** A byte of a file is another one. */
export function flip(path: string, position: number) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => {
      const at = position < 0 ? bytes.length + position : position;
      bytes[at] = (bytes[at] ?? 0) ^ 0x20;
      return bytes;
    });
}

export function cut(path: string, sizeBytes: number) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => bytes.subarray(0, bytes.length - sizeBytes));
}

export function add(path: string, added: Uint8Array) {
  return (made: TestDirectory) =>
    made.change(path, (bytes) => new Uint8Array([...bytes, ...added]));
}

export function remove(path: string) {
  return (made: TestDirectory) => made.disk.remove(`${directory}/${path}`);
}

export function write(path: string, content: string) {
  return (made: TestDirectory) => made.write(path, content);
}

/** Changes what the CRC covers, and the CRC with it. */
export function sign(path: string, change: (bytes: Uint8Array) => void) {
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

export type Damage = (made: TestDirectory) => Promise<void>;

export const bitsAtRest: readonly (readonly [
  string,
  Damage,
  readonly string[],
])[] = [
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
    [`damage damaged-batch ${lastLog}:237`, "damage missing-end orders-0"],
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
    "a transaction index",
    (made) => {
      const entry = new Uint8Array(34);
      // The marker lies behind the segment's end.
      writeInt64(entry, 18, 8);
      return made.write("orders-0/00000000000000000000.txnindex", entry);
    },
    ["damage wrong-transaction-index orders-0/00000000000000000000.txnindex:0"],
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

export const whatCrashesLeave: readonly (readonly [
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
    add("orders-0/00000000000000000016.index", new Uint8Array(8 * 99_000)),
    [],
  ],
  [
    "a reserved index with something behind the zeros",
    add(
      "orders-0/00000000000000000016.index",
      new Uint8Array(8 * 99_000).fill(1, 8 * 98_999),
    ),
    ["unfinished wrong-index orders-0/00000000000000000016.index:24"],
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
    async (made) => {
      const log = await made.bytesOf(firstLog);
      await made.write(`${firstLog}.swap`, log);
    },
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
