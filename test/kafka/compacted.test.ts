/** A log that Millrace compacted: read by Kafka's dump tool and by clients, it says what a map of its keys says. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, MessagesStreamModes } from "@platformatic/kafka";
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBroker, type Broker } from "../../broker/index.ts";
import { decompress } from "../../broker/record/compression.ts";
import type { NewRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import { registerCodecs } from "../compatibility/codecs.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { needs } from "../support/needs.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { built, codecs, produce, producerId } from "./feed.ts";
import { complaintsIn, dumpLogSegments } from "./kafka-broker.ts";

const topic = "table";
const keyCount = 400;
const batchCount = 160;
const batchRecordCount = 50;

const options = {
  compactionCheckIntervalMs: 50,
  listen: { port: 0 },
};

interface Seen {
  readonly offset: number;
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: string | null;
}

describe("a log that Millrace compacted", needs("kafka").options, () => {
  let temporary: TemporaryDirectory;
  let broker: Broker;
  let port = 0;
  /** By key, what was written last. */
  const model = new Map<string, string | null>();

  beforeAll(async () => {
    registerKafkajsCodecs();
    temporary = await createTemporaryDirectory();
    const dir = join(temporary.path, "data");
    broker = await openBroker({ ...options, dir });
    port = broker.addresses[0]?.port ?? 0;
    await feedTable(port, model);
    await compacted(dir);
    // What a crash would find is what a restart finds.
    await broker.close();
    broker = await openBroker({ ...options, dir });
    port = broker.addresses[0]?.port ?? 0;
  }, 60_000);
  afterAll(async () => {
    await broker?.close();
    await temporary?.remove();
  });

  function expectModel(seen: readonly Seen[]): void {
    const offsets = seen.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(seen.length).toBeLessThan((batchCount * batchRecordCount) / 2);
    const last = new Map(seen.map(({ key, value }) => [key, value]));
    for (const [key, value] of model) {
      // A tombstone may be gone, and its key with it.
      expect(last.get(key) ?? null, key).toBe(value);
    }
  }

  test("is read by kafkajs as a map of its keys", async () => {
    expectModel(await readWithKafkajs(port));
  });

  test("is read by @platformatic/kafka as a map of its keys", async () => {
    expectModel(await readWithPlatformatic(port));
  });

  test("has batches and indexes that Kafka's tool finds in order", async () => {
    const directory = join(temporary.path, "data", `${topic}-0`);
    const names = (await readdir(directory)).sort();
    expect(names.filter((name) => /cleaned|swap|deleted/.test(name))).toEqual(
      [],
    );
    const filesOf = (suffix: string) =>
      names
        .filter((name) => name.endsWith(suffix))
        .map((name) => join(directory, name));
    const logs = filesOf(".log");
    const dump = await dumpLogSegments(logs);
    // Offsets have gaps now, which the tool points out.
    const complaints = complaintsIn(dump).filter(
      (line) => !line.startsWith("Non-consecutive offsets in "),
    );
    expect(complaints).toEqual([]);
    expect(dump).toMatch(/deleteHorizonMs: OptionalLong\[\d+\]/);
    for (const codec of codecs) {
      expect(dump).toContain(`compresscodec: ${codec}`);
    }
    const dumped = dump.match(/^\| offset: /gm)?.length;
    expect(dumped).toBe((await readWithKafkajs(port)).length);

    const indexes = [...filesOf(".index"), ...filesOf(".timeindex")];
    expect(
      complaintsIn(await dumpLogSegments(indexes, ["--deep-iteration"])),
    ).toEqual([]);
    const verified = await dumpLogSegments(filesOf(".index"), [
      "--verify-index-only",
    ]);
    expect(complaintsIn(verified)).toEqual([]);
  });

  test("has Kafka's checkpoint of how far it was compacted", async () => {
    const path = join(temporary.path, "data", "cleaner-offset-checkpoint");
    expect(await readFile(path, "utf8")).toMatch(
      /^0\n\d+\n(.*\n)*table 0 \d+\n/,
    );
  });
});

/** About six segments of the least size Kafka allows, in all codecs. */
async function feedTable(
  port: number,
  model: Map<string, string | null>,
): Promise<void> {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const configs = {
      "cleanup.policy": "compact",
      "segment.bytes": String(1024 * 1024),
      "min.cleanable.dirty.ratio": "0.01",
    };
    const { topics } = await connection.request(19, 7, {
      topics: [
        {
          name: topic,
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([name, value]) => ({
            name,
            value,
          })),
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    expect(topics[0]?.errorCode).toBe(0);
    const random = new SeededRandom(11);
    const number = () =>
      (random.bytes(1)[0] ?? 0) * 256 + (random.bytes(1)[0] ?? 0);
    const id = await producerId(connection);
    const startMs = Date.now() - 100_000;
    for (let at = 0; at < batchCount; at++) {
      const records: NewRecord[] = [];
      for (let count = 0; count < batchRecordCount; count++) {
        const key = `key ${number() % keyCount}`;
        const isTombstone = number() % 8 === 0;
        const filler = Buffer.from(random.bytes(400)).toString("hex");
        const value = isTombstone ? null : `${at}:${count} ${filler}`;
        model.set(key, value);
        records.push({
          key: Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers: [],
          timestampMs: startMs + at * 100 + count,
        });
      }
      const producer = {
        id,
        epoch: 0,
        baseSequence: at * batchRecordCount,
      };
      const codec = codecs[at % codecs.length] ?? "none";
      await produce(connection, topic, 0, built(records, producer, codec));
    }
  } finally {
    connection.close();
  }
}

/** Resolves when everything before the active segment is compacted. */
async function compacted(dir: string): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    await sleep(50);
    const names = await readdir(join(dir, `${topic}-0`));
    const bases = names
      .filter((name) => name.endsWith(".log"))
      .map((name) => Number(name.slice(0, 20)));
    const checkpoint = await readFile(
      join(dir, "cleaner-offset-checkpoint"),
      "utf8",
    ).catch(() => "");
    const cleaned = Number(/^table 0 (\d+)$/m.exec(checkpoint)?.[1]);
    if (bases.length > 1 && cleaned === Math.max(...bases)) return;
  }
  throw new Error("the log was not compacted in time");
}

/** With snappy as Java's clients frame it, which is how it was produced here. */
function registerKafkajsCodecs(): void {
  registerCodecs();
  CompressionCodecs[CompressionTypes.Snappy] = () => ({
    compress: () => {
      throw new Error("nothing is produced with it");
    },
    decompress: async (bytes: Buffer) => {
      const inflated = decompress("snappy", bytes, { sizeBytesMax: 1e6 });
      if (inflated instanceof RecordError) throw inflated;
      return Buffer.from(inflated);
    },
  });
}

let readCount = 0;

async function readWithKafkajs(port: number): Promise<Seen[]> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
  });
  const consumer = client.consumer({ groupId: `kafkajs-${readCount++}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: Seen[] = [];
    await new Promise<void>((resolve) => {
      void consumer.run({
        eachMessage: async ({ message }) => {
          seen.push({
            offset: Number(message.offset),
            key: String(message.key),
            value: message.value === null ? null : String(message.value),
          });
          if (isLast(Number(message.offset))) resolve();
        },
      });
    });
    return seen;
  } finally {
    await consumer.disconnect();
  }
}

async function readWithPlatformatic(port: number): Promise<Seen[]> {
  const consumer = new Consumer({
    groupId: "platformatic",
    clientId: "test",
    bootstrapBrokers: [`127.0.0.1:${port}`],
  });
  try {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
    });
    const seen: Seen[] = [];
    for await (const message of stream) {
      seen.push({
        offset: Number(message.offset),
        key: message.key.toString(),
        // A null comes as it is, whatever the types say.
        value: (message.value as Buffer | null)?.toString() ?? null,
      });
      if (isLast(Number(message.offset))) break;
    }
    await stream.close();
    return seen;
  } finally {
    await consumer.close(true);
  }
}

/** The active segment is never compacted, so the last record is there. */
function isLast(offset: number): boolean {
  return offset === batchCount * batchRecordCount - 1;
}
