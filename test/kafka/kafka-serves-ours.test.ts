/**
 * A real Kafka serves segments that Millrace wrote: its topics are created
 * there, it is stopped, the files of their partitions are replaced with ours,
 * all but `partition.metadata`, and it is started again.
 */
import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBroker } from "../../broker/index.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { needs } from "../support/needs.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { batchOf, produceBody } from "./answers/asker.ts";
import {
  codecs,
  contentOf,
  createTopics,
  feed,
  feedMore,
  partitionCounts,
} from "./feed.ts";
import { untilReady } from "../support/read-records.ts";
import { type KafkaBroker, runKafkaTool, startKafka } from "./kafka-broker.ts";

const METADATA_FILE = "partition.metadata";
/** Removed, Kafka reads everything anew, as after a crash. */
const CLEAN_FILE = ".kafka_cleanshutdown";
/** Of a producer that Kafka has never seen. */
const producer = { id: 77_777, epoch: 3 };

describe("segments that Millrace wrote", needs("kafka").options, () => {
  let temporary: TemporaryDirectory;
  let kafkas: string;
  let ours: string;
  let content: Awaited<ReturnType<typeof contentOf>>;

  beforeAll(async () => {
    temporary = await createTemporaryDirectory();
    ours = join(temporary.path, "ours");
    kafkas = join(temporary.path, "kafkas");
    const broker = await openBroker({ dir: ours, listen: { port: 0 } });
    const port = broker.addresses[0]?.port ?? 0;
    await feed(port);
    expect(await produceOrder(port, 0)).toBe(60);
    expect(await produceOrder(port, 1)).toBe(61);
    content = await contentOf(port);
    await broker.close();
    const empty = await startKafka({ dataDirectory: kafkas });
    try {
      await createTopics(empty.port);
      await empty.stop();
    } finally {
      await empty.remove();
    }
    for (const [topic, count] of Object.entries(partitionCounts)) {
      for (let partition = 0; partition < count; partition++) {
        await replace(ours, kafkas, `${topic}-${partition}`);
      }
    }
  });
  afterAll(() => temporary?.remove());

  async function serve(
    isClean: boolean,
    use: (kafka: KafkaBroker) => Promise<void>,
  ): Promise<void> {
    const dataDirectory = join(temporary.path, isClean ? "clean" : "unclean");
    await cp(kafkas, dataDirectory, { recursive: true });
    if (!isClean) await rm(join(dataDirectory, CLEAN_FILE));
    const kafka = await startKafka({ dataDirectory });
    try {
      await use(kafka);
      const complaints = kafka
        .output()
        .split("\n")
        .filter((line) => /corrupt|truncat|invalid|mismatch/i.test(line));
      expect(complaints).toEqual([]);
    } finally {
      await kafka.remove();
    }
  }

  test("are served by Kafka as they were here, and go on being written", async () => {
    await serve(true, async ({ port }) => {
      expect(await contentOf(port)).toEqual(content);
      await feedMore(port);
      const more = await contentOf(port);
      for (const [partition, records] of Object.entries(content)) {
        expect(more[partition]?.slice(0, records.length)).toEqual(records);
      }
      expect(more["orders-0"]?.length).toBe(
        (content["orders-0"]?.length ?? 0) + 60,
      );
    });
  });

  test("hold when Kafka reads them anew, every batch", async () => {
    await serve(false, async ({ port }) => {
      expect(await contentOf(port)).toEqual(content);
    });
  });

  test("tell Kafka what a producer wrote last: a duplicate is known, a gap refused", async () => {
    await serve(true, async ({ port }) => {
      expect(await produceOrder(port, 1)).toBe(61);
      expect(await produceOrder(port, 0)).toBe(60);
      await expect(produceOrder(port, 5)).rejects.toThrow("error 45");
      expect(await produceOrder(port, 2)).toBe(62);
    });
  });

  test("are read by Kafka's own consumer, in every codec", async () => {
    await serve(true, async ({ host, port }) => {
      const sent = codecs.flatMap(
        (_codec, partition) => content[`codecs-${partition}`] ?? [],
      );
      const text = await runKafkaTool(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        [
          "--bootstrap-server",
          `${host}:${port}`,
          "--topic",
          "codecs",
          "--from-beginning",
          "--max-messages",
          String(sent.length),
          ...["print.partition=true", "print.offset=true", "print.key=true"]
            .map((property) => ["--formatter-property", property])
            .flat(),
        ],
      );
      const lines = text.split("\n").filter((line) => line.includes("Offset:"));
      const read = lines.map((line) => {
        const [, partition = "", offset = "", key = "", value = ""] =
          /^Partition:(\d+)\tOffset:(\d+)\t(.*)\t(.*)$/.exec(line) ?? [];
        return `${partition} ${offset} ${key} ${value}`;
      });
      const expected = codecs.flatMap((_codec, partition) =>
        (content[`codecs-${partition}`] ?? []).map(
          (line) => `${partition} ${line.replace(/^(\d+) \d+ /, "$1 ")}`,
        ),
      );
      expect(read.sort()).toEqual(expected.sort());
    });
  });
});

/** One record of `producer` to `orders-2`; where it is. */
async function produceOrder(
  port: number,
  baseSequence: number,
): Promise<number> {
  const connection = await KafkaConnection.overTcp(port);
  try {
    const batch = batchOf([`once ${baseSequence}`], {
      producer: { ...producer, baseSequence },
    });
    const { responses } = await untilReady(
      () => connection.request(0, 9, produceBody("orders", 2, batch)),
      (given) => given.responses[0]?.partitionResponses[0]?.errorCode,
    );
    return responses[0]?.partitionResponses[0]?.baseOffset ?? -1;
  } finally {
    connection.close();
  }
}

/** All of a partition's files, but what says whose it is. */
async function replace(
  from: string,
  to: string,
  partition: string,
): Promise<void> {
  const target = join(to, partition);
  for (const name of await readdir(target)) {
    if (name !== METADATA_FILE) await rm(join(target, name));
  }
  for (const name of await readdir(join(from, partition))) {
    if (name === METADATA_FILE) continue;
    await cp(join(from, partition, name), join(target, name));
  }
}
