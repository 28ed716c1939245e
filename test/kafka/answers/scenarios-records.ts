/** Produce, Fetch, ListOffsets, DeleteRecords, OffsetForLeaderEpoch: all that is about one partition's log. */
import { writeInt32, writeInt8 } from "../../../broker/lib/bytes.ts";
import { computeCrc } from "../../../broker/record/batch.ts";
import {
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  MAGIC_AT,
} from "../../../broker/record/batch-format.ts";
import type { RequestBody } from "../../support/kafka-connection.ts";
import { codecs } from "../feed.ts";
import { untilGroupsWork } from "./scenarios-groups.ts";
import {
  type Asker,
  batchOf,
  noId,
  produceBody,
  type Scenario,
  timeMs,
  unknownId,
  versionsOf,
} from "./asker.ts";

const produce: Scenario = {
  name: "Produce",
  run: async (asker) => {
    await asker.topics(
      { name: "plain", partitions: 3 },
      { name: "small", configs: { "max.message.bytes": "200" } },
      { name: "compact", configs: { "cleanup.policy": "compact" } },
      {
        name: "appended",
        configs: { "message.timestamp.type": "LogAppendTime" },
      },
      {
        name: "punctual",
        configs: { "message.timestamp.before.max.ms": "1000" },
      },
    );
    const ask = (question: string, body: () => RequestBody<0>) =>
      asker.askAll(question, 0, body);
    await ask("a batch", () => produceBody("plain", 0, batchOf(["a", "b"])));
    await ask("acks 1", () => produceBody("plain", 0, batchOf(["a"]), 1));
    await ask("acks 2", () => produceBody("plain", 0, batchOf(["a"]), 2));
    await ask("acks -2", () => produceBody("plain", 0, batchOf(["a"]), -2));
    await ask("no topic", () => produceBody("nowhere", 0, batchOf(["a"])));
    await ask("an impossible topic", () =>
      produceBody("a b", 0, batchOf(["a"])),
    );
    await ask("no partition", () => produceBody("plain", 7, batchOf(["a"])));
    await ask("partition -1", () => produceBody("plain", -1, batchOf(["a"])));
    await asker.ask("null records", 0, 9, produceBody("plain", 1, null));
    await ask("no records", () => produceBody("plain", 1, new Uint8Array(0)));
    await ask("half a batch", () =>
      produceBody("plain", 1, batchOf(["a"]).subarray(0, 40)),
    );
    await ask("half a batch behind one", () =>
      produceBody("plain", 2, twice().subarray(0, 100)),
    );
    await ask("two batches", () => produceBody("plain", 1, twice()));
    await ask("magic 1", () => produceBody("plain", 1, withByte(MAGIC_AT, 1)));
    await ask("magic 3", () => produceBody("plain", 1, withByte(MAGIC_AT, 3)));
    await ask("a wrong CRC", () =>
      produceBody("plain", 1, withByte(CRC_AT, 0)),
    );
    await ask("a wrong record count", () =>
      produceBody("plain", 1, withLastOffsetDelta(5)),
    );
    await ask("too large", () =>
      produceBody("small", 0, batchOf(["x".repeat(300)])),
    );
    await ask("a compacted topic's keyless record", () =>
      produceBody("compact", 0, batchOf(["a"], { key: null })),
    );
    await ask("log append time", () =>
      produceBody("appended", 0, batchOf(["a"])),
    );
    await ask("too old", () => produceBody("punctual", 0, batchOf(["a"])));
    await ask("too far in the future", () =>
      produceBody("plain", 0, batchOf(["a"], { firstTimestampMs: 4e12 })),
    );
    await ask("a control batch", () =>
      produceBody("plain", 1, batchOf(["a"], { isControl: true })),
    );
    await untilGroupsWork(asker);
    await ask("the internal topic", () =>
      produceBody("__consumer_offsets", 0, batchOf(["a"])),
    );
    for (const codec of codecs) {
      await ask(codec, () =>
        produceBody("plain", 1, batchOf(["a"], { codec })),
      );
    }
    await ask("several, good and bad", () => ({
      ...produceBody("plain", 0, batchOf(["a"])),
      topicData: ["plain", "nowhere", "small"].map((name) => ({
        name,
        partitionData: [0, 9].map((index) => ({
          index,
          records: batchOf(["a"]),
        })),
      })),
    }));
    await ask("a transaction without its id", () =>
      produceBody(
        "plain",
        1,
        batchOf(["a"], {
          isTransactional: true,
          producer: { id: 900, epoch: 0, baseSequence: 0 },
        }),
      ),
    );
    await acksZero(asker);
  },
};

/** No answer, and the connection goes on, or ends where the batch is refused. */
async function acksZero(asker: Asker): Promise<void> {
  for (const version of versionsOf(0)) {
    const connection = await asker.connection();
    connection.sendRequest(
      0,
      version,
      produceBody("plain", 0, batchOf(["a"]), 0),
    );
    await asker.ask(`behind acks 0 in v${version}`, 60, 0, {
      includeClusterAuthorizedOperations: false,
    });
    connection.sendRequest(
      0,
      version,
      produceBody("nowhere", 0, batchOf(["a"]), 0),
    );
    await connection.closed;
    asker.note(`acks 0 to no topic in v${version}`, connection.isClosed);
  }
}

const idempotence: Scenario = {
  name: "idempotent producers",
  run: async (asker) => {
    await asker.topics({ name: "once", partitions: 2 });
    const step = async (
      question: string,
      id: number,
      epoch: number,
      baseSequence: number,
      { count = 2, partition = 0 } = {},
    ) => {
      const values = Array.from({ length: count }, (_, n) => String(n));
      const producer = { id, epoch, baseSequence };
      await asker.ask(
        question,
        0,
        9,
        produceBody("once", partition, batchOf(values, { producer })),
      );
    };
    await step("the first", 500, 0, 0);
    await step("the next", 500, 0, 2);
    await step("the same again", 500, 0, 2);
    await step("the one before again", 500, 0, 0);
    await step("a gap", 500, 0, 9);
    await step("other bounds", 500, 0, 2, { count: 1 });
    await step("a new epoch that starts late", 500, 1, 5);
    await step("a new epoch", 500, 1, 0);
    await step("the old epoch", 500, 0, 4);
    await step("one that nobody knows, not at its start", 501, 0, 7);
    await step("a negative epoch", 502, -1, 0, { partition: 1 });
    await step("a negative sequence", 503, 0, -1);
    await step("almost at the end of sequences", 504, 0, 2 ** 31 - 2);
    await step("wrapped around", 504, 0, 0);
    for (let n = 0; n < 6; n++)
      await step(`five are kept: ${n}`, 505, 0, 2 * n);
    await step("the oldest of six again", 505, 0, 0);
    await step("the second of six again", 505, 0, 2);
  },
};

const fetch: Scenario = {
  name: "Fetch",
  run: async (asker) => {
    const [id = noId, emptyId = noId] = await asker.topics(
      { name: "read", partitions: 2 },
      { name: "empty" },
      { name: "zstd", configs: { "compression.type": "zstd" } },
    );
    const ids: Readonly<Record<string, string>> = {
      read: id,
      empty: emptyId,
      nowhere: unknownId,
    };
    for (const value of ["a", "b", "c"]) {
      await asker.produce("read", 0, batchOf([value, value, value]));
    }
    await asker.produce("read", 1, batchOf(["x".repeat(2_000)]));
    await asker.produce("zstd", 0, batchOf(["z".repeat(100)]));
    const ask = (
      question: string,
      one: FetchOne,
      more: Partial<RequestBody<1>> = {},
      first = 0,
    ) =>
      asker.askAll(
        question,
        1,
        () => ({ ...fetchBody([one], ids), ...more }),
        first,
      );
    await ask("from the start", { offset: 0 });
    await ask("inside a batch", { offset: 4 });
    await ask("the last record", { offset: 8 });
    await ask("the end", { offset: 9 });
    await ask("beyond the end", { offset: 10 });
    await ask("offset -1", { offset: -1 });
    await ask("an empty log", { topic: "empty" });
    await ask("no topic", { topic: "nowhere" });
    await ask("no partition", { partition: 9 });
    await ask("partition -1", { partition: -1 });
    await ask("no bytes for the partition", { maxBytes: 0 });
    await ask("one byte for the partition", { maxBytes: 1 });
    await ask("a batch and a bit", { maxBytes: 100 });
    await ask("no bytes at all", {}, { maxBytes: 0 });
    await ask("negative bytes for the partition", { maxBytes: -1 });
    await ask("more than there is", {}, { minBytes: 1_000_000, maxWaitMs: 1 });
    await ask("read committed", {}, { isolationLevel: 1 });
    await ask("isolation 7", {}, { isolationLevel: 7 });
    await ask("the right epoch", { epoch: 0 }, {}, 9);
    await ask("an epoch too high", { epoch: 3 }, {}, 9);
    await ask("a zstd topic", { topic: "zstd" }, {}, 4);
    await ask("the right last epoch", { offset: 3, lastEpoch: 0 }, {}, 12);
    await ask("a last epoch too high", { offset: 3, lastEpoch: 2 }, {}, 12);
    await ask("as a replica", {}, { replicaId: 5 });
    await ask("as a debugging replica", {}, { replicaId: -2 });
    await asker.askAll("nothing", 1, () => fetchBody([], ids));
    await asker.askAll("two partitions and few bytes", 1, () => ({
      ...fetchBody([{ partition: 0 }, { partition: 1 }], ids),
      maxBytes: 10,
    }));
    await asker.askAll("a partition twice", 1, () =>
      fetchBody([{ offset: 0 }, { offset: 6 }], ids),
    );
    await sessions(asker, ids);
  },
};

/** A session is Kafka's right to give or not; an unknown one is refused. */
async function sessions(
  asker: Asker,
  ids: Readonly<Record<string, string>>,
): Promise<void> {
  const of = (sessionId: number, sessionEpoch: number) => () => ({
    ...fetchBody([{}], ids),
    sessionId,
    sessionEpoch,
  });
  await asker.askAll("a session that nobody has", 1, of(123, 5), 7);
  await asker.askAll("the end of a session nobody has", 1, of(123, -1), 7);
  await asker.askAll("no session but an epoch", 1, of(0, 5), 7);
  await asker.askAll("a session from its start", 1, of(0, 0), 7);
}

interface FetchOne {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly maxBytes?: number;
  readonly epoch?: number;
  readonly lastEpoch?: number;
}

function fetchBody(
  ones: readonly FetchOne[],
  ids: Readonly<Record<string, string>>,
): RequestBody<1> {
  const topics = new Set(ones.map(({ topic = "read" }) => topic));
  return {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    topics: [...topics].map((topic) => ({
      topic,
      topicId: ids[topic] ?? noId,
      partitions: ones
        .filter((one) => (one.topic ?? "read") === topic)
        .map((one) => ({
          partition: one.partition ?? 0,
          fetchOffset: one.offset ?? 0,
          partitionMaxBytes: one.maxBytes ?? 1_000_000,
          currentLeaderEpoch: one.epoch ?? -1,
          lastFetchedEpoch: one.lastEpoch ?? -1,
        })),
    })),
    forgottenTopicsData: [],
  };
}

const listOffsets: Scenario = {
  name: "ListOffsets",
  run: async (asker) => {
    await asker.topics({ name: "listed" }, { name: "empty" });
    await asker.produce("listed", 0, batchOf(["a", "b", "c"]));
    const later = { firstTimestampMs: timeMs + 100 };
    await asker.produce("listed", 0, batchOf(["d", "e"], later));
    // The newest timestamp is not the newest record's.
    await asker.produce(
      "listed",
      0,
      batchOf(["f"], { firstTimestampMs: timeMs + 50 }),
    );
    const ask = (
      question: string,
      timestamp: number,
      more: {
        topic?: string;
        partition?: number;
        epoch?: number;
        isolation?: number;
        replica?: number;
      } = {},
      first = 0,
    ) =>
      asker.askAll(
        question,
        2,
        () => ({
          replicaId: more.replica ?? -1,
          isolationLevel: more.isolation ?? 0,
          topics: [
            {
              name: more.topic ?? "listed",
              partitions: [
                {
                  partitionIndex: more.partition ?? 0,
                  currentLeaderEpoch: more.epoch ?? -1,
                  timestamp,
                },
              ],
            },
          ],
        }),
        first,
      );
    await ask("latest", -1);
    await ask("earliest", -2);
    await ask("the largest timestamp", -3);
    await ask("earliest local", -4);
    await ask("latest tiered", -5);
    await ask("timestamp -100", -100);
    await ask("timestamp 0", 0);
    await ask("the first record's time", timeMs);
    await ask("inside a batch", timeMs + 1);
    await ask("between batches", timeMs + 10);
    await ask("the newest time", timeMs + 101);
    await ask("later than all", timeMs + 102);
    for (const timestamp of [-1, -2, -3, 5]) {
      await ask(`${timestamp} of an empty log`, timestamp, { topic: "empty" });
    }
    await ask("read committed", -1, { isolation: 1 }, 2);
    await ask("no topic", -1, { topic: "nowhere" });
    await ask("no partition", -1, { partition: 4 });
    await ask("the right epoch", -1, { epoch: 0 }, 4);
    await ask("an epoch too high", -1, { epoch: 4 }, 4);
    await ask("as a debugging replica", -1, { replica: -2 });
    await asker.askAll("a partition twice", 2, () => ({
      replicaId: -1,
      isolationLevel: 0,
      topics: [
        {
          name: "listed",
          partitions: [-1, -2].map((timestamp) => ({
            partitionIndex: 0,
            currentLeaderEpoch: -1,
            timestamp,
          })),
        },
      ],
    }));
  },
};

const epochs: Scenario = {
  name: "OffsetForLeaderEpoch",
  run: async (asker) => {
    await asker.topics({ name: "epochs" }, { name: "empty" });
    await asker.produce("epochs", 0, batchOf(["a", "b", "c"]));
    const ask = (
      question: string,
      leaderEpoch: number,
      more: { topic?: string; partition?: number; current?: number } = {},
    ) =>
      asker.askAll(question, 23, () => ({
        replicaId: -1,
        topics: [
          {
            topic: more.topic ?? "epochs",
            partitions: [
              {
                partition: more.partition ?? 0,
                currentLeaderEpoch: more.current ?? -1,
                leaderEpoch,
              },
            ],
          },
        ],
      }));
    await ask("the epoch", 0);
    await ask("a later epoch", 5);
    await ask("epoch -1", -1);
    await ask("an empty log", 0, { topic: "empty" });
    await ask("no topic", 0, { topic: "nowhere" });
    await ask("no partition", 0, { partition: 4 });
    await ask("a current epoch too high", 0, { current: 4 });
    await ask("the right current epoch", 0, { current: 0 });
  },
};

const deleteRecords: Scenario = {
  name: "DeleteRecords",
  run: async (asker) => {
    await asker.topics(
      { name: "cut", partitions: 3 },
      { name: "compacted", configs: { "cleanup.policy": "compact" } },
    );
    for (const partition of [0, 1, 2]) {
      await asker.produce("cut", partition, batchOf(["a", "b", "c", "d"]));
      await asker.produce("cut", partition, batchOf(["e", "f"]));
    }
    await asker.produce("compacted", 0, batchOf(["a"]));
    const ask = (
      version: number,
      question: string,
      offset: number,
      more: { topic?: string; partition?: number } = {},
    ) =>
      asker.ask(question, 21, version, {
        topics: [
          {
            name: more.topic ?? "cut",
            partitions: [{ partitionIndex: more.partition ?? version, offset }],
          },
        ],
        timeoutMs: 10_000,
      });
    for (const version of versionsOf(21)) {
      await ask(version, "the start", 0);
      await ask(version, "inside a batch", 2);
      await ask(version, "below the start", 1);
      await ask(version, "beyond the end", 7);
      await ask(version, "offset -2", -2);
      await ask(version, "no topic", 0, { topic: "nowhere" });
      await ask(version, "no partition", 0, { partition: 9 });
      await ask(version, "a compacted topic", 1, { topic: "compacted" });
      await asker.ask(`what is left of ${version}`, 1, 12, {
        ...fetchBody([{ topic: "cut", partition: version, offset: 2 }], {}),
      });
      await asker.ask(`what is gone of ${version}`, 1, 12, {
        ...fetchBody([{ topic: "cut", partition: version, offset: 1 }], {}),
      });
      await ask(version, "all", -1);
      await ask(version, "all again", -1);
    }
  },
};

function twice(): Uint8Array {
  return Buffer.concat([batchOf(["a"]), batchOf(["b"])]);
}

/** A batch with one byte changed behind its CRC's back, or in it. */
function withByte(position: number, value: number): Uint8Array {
  const batch = batchOf(["a"]);
  writeInt8(batch, position, value);
  return batch;
}

function withLastOffsetDelta(delta: number): Uint8Array {
  const batch = batchOf(["a"]);
  writeInt32(batch, LAST_OFFSET_DELTA_AT, delta);
  writeInt32(batch, CRC_AT, computeCrc(batch, 0) | 0);
  return batch;
}

export const recordScenarios: readonly Scenario[] = [
  produce,
  idempotence,
  fetch,
  listOffsets,
  epochs,
  deleteRecords,
];
