/**
 * Directories that a real Kafka wrote, with what Millrace does not write
 * itself: transactions, committed, aborted and left open, with their control
 * batches and transaction indexes; logs that its cleaner compacted; hundreds of
 * partitions, most of them empty.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Kafka, logLevel } from "kafkajs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { needs } from "../support/needs.ts";
import {
  createTemporaryDirectory,
  type TemporaryDirectory,
} from "../support/temporary-directory.ts";
import { Asker, batchOf, timeMs } from "./answers/asker.ts";
import { contentOf } from "./feed.ts";
import { findingsIn } from "./findings.ts";
import {
  copyDirectory,
  type Left,
  leaveDirectories,
  serveDirectory,
} from "./left-directories.ts";

const widePartitionCount = 300;
const counts = { payments: 2, latest: 1, wide: widePartitionCount };
const keyCount = 5;

type Written = Left<{
  readonly content: Awaited<ReturnType<typeof contentOf>>;
}>;

describe(
  "a directory of Kafka's with transactions",
  needs("kafka").options,
  () => {
    let temporary: TemporaryDirectory;
    let clean: Written;
    let killed: Written;

    beforeAll(async () => {
      temporary = await createTemporaryDirectory();
      const properties = {
        "log.cleaner.backoff.ms": "100",
        "log.initial.task.delay.ms": "100",
      };
      const seenBy = async (port: number) => {
        await untilCompacted(port);
        return { content: await contentOf(port, counts) };
      };
      ({ clean, killed } = await leaveDirectories(temporary.path, properties, {
        clean: async (port) => {
          await createTopics(port);
          await feedTransactions(port);
          await feedLatest(port);
          await feedWide(port);
          return seenBy(port);
        },
        killed: async (port) => {
          await feedTransactions(port);
          return seenBy(port);
        },
      }));
    }, 240_000);
    afterAll(() => temporary?.remove());

    async function serve(
      { directory }: Written,
      use: (port: number) => Promise<void>,
    ): Promise<void> {
      const path = `${directory}-served-${Math.random()}`;
      await copyDirectory(directory, path);
      const { broker, port, warnings } = await serveDirectory(path);
      try {
        await use(port);
      } finally {
        await broker.close();
      }
      expect(warnings).toEqual([]);
    }

    test("has what it is to have: control batches, an aborted one, a log with gaps", async () => {
      const payments = await readdir(join(clean.directory, "payments-0"));
      const indexes = payments.filter((name) => name.endsWith(".txnindex"));
      const sizes = await Promise.all(
        indexes.map(async (name) => {
          const path = join(clean.directory, "payments-0", name);
          return (await stat(path)).size;
        }),
      );
      expect(Math.max(0, ...sizes)).toBeGreaterThan(0);
      const latest = clean.content["latest-0"] ?? [];
      const offsets = latest.map((line) => Number.parseInt(line, 10));
      expect((offsets.at(-1) ?? 0) + 1).toBeGreaterThan(latest.length + 50);
    });

    test("verifies clean, each entry of a transaction index with its transaction", async () => {
      for (const { directory } of [clean, killed]) {
        const found = await findingsIn(directory);
        // What its cleaner has replaced and not yet deleted.
        const isLeft = (one: string) => one.startsWith("leftover-file latest-");
        expect(found.filter((one) => !isLeft(one))).toEqual([]);
      }
    });

    test("is served record by record, after a clean stop and after a kill", async () => {
      for (const written of [clean, killed]) {
        await serve(written, async (port) => {
          expect(await contentOf(port, counts)).toEqual(written.content);
        });
      }
    });

    test("goes on being written behind transactions, gaps and empty partitions", async () => {
      for (const written of [clean, killed]) {
        await serve(written, async (port) => {
          const asker = new Asker(port);
          for (const partition of ["payments-1", "latest-0", "wide-299"]) {
            const [topic = "", number] = partition.split("-");
            await asker.produce(topic, Number(number), batchOf(["new"]));
          }
          asker.close();
          const content = await contentOf(port, counts);
          for (const partition of ["payments-1", "latest-0", "wide-299"]) {
            const before = written.content[partition] ?? [];
            const now = content[partition] ?? [];
            expect(now.slice(0, before.length)).toEqual(before);
            expect(now).toHaveLength(before.length + 1);
          }
        });
      }
    });
  },
);

async function createTopics(port: number): Promise<void> {
  const asker = new Asker(port);
  await asker.topics(
    { name: "payments", partitions: counts.payments },
    {
      name: "latest",
      configs: {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.01",
        "segment.ms": "100",
      },
    },
    { name: "wide", partitions: counts.wide },
  );
  asker.close();
}

/** One that commits, one that aborts, and one that nobody ends. */
async function feedTransactions(port: number): Promise<void> {
  const client = new Kafka({
    brokers: [`127.0.0.1:${port}`],
    logLevel: logLevel.NOTHING,
  });
  for (const end of ["commit", "abort", "leave"] as const) {
    const producer = client.producer({
      transactionalId: `payer-${end}-${port}`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (let round = 0; round < (end === "leave" ? 1 : 3); round++) {
      const transaction = await producer.transaction();
      for (const partition of [0, 1]) {
        await transaction.send({
          topic: "payments",
          messages: ["a", "b"].map((key) => ({
            key,
            value: `${end} ${round}`,
            partition,
          })),
        });
      }
      if (end === "commit") await transaction.commit();
      if (end === "abort") await transaction.abort();
    }
    await producer.disconnect();
  }
}

/** Few keys, written often; waits until the cleaner has thinned them out. */
async function feedLatest(port: number): Promise<void> {
  const asker = new Asker(port);
  const write = async (round: number) => {
    for (let key = 0; key < keyCount; key++) {
      // A segment ends by the records' own time.
      const firstTimestampMs = timeMs + round * 1_000;
      const options = { key: `k${key}`, firstTimestampMs };
      const batch = batchOf([`${round}`, `${round} again`], options);
      await asker.produce("latest", 0, batch);
    }
  };
  for (let round = 0; round < 10; round++) await write(round);
  for (let attempt = 0; attempt < 100; attempt++) {
    await sleep(150);
    await write(100 + attempt);
    const content = await contentOf(port, { latest: 1 });
    const count = content["latest-0"]?.length ?? 0;
    if (count < 50 + 2 * keyCount) break;
  }
  asker.close();
}

/** Waits until the cleaner, which looks every 100 ms, has found nothing more to do. */
async function untilCompacted(port: number): Promise<void> {
  let before: unknown = null;
  for (;;) {
    const content = await contentOf(port, { latest: 1 });
    if (isDeepStrictEqual(content, before)) return;
    before = content;
    await sleep(1_000);
  }
}

async function feedWide(port: number): Promise<void> {
  const connection = await KafkaConnection.overTcp(port);
  const { responses } = await connection.request(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [
      {
        name: "wide",
        partitionData: Array.from({ length: 60 }, (_, n) => ({
          index: n * 5,
          records: batchOf([`in ${n * 5}`]),
        })),
      },
    ],
  });
  connection.close();
  const errors = responses[0]?.partitionResponses.map((one) => one.errorCode);
  expect(new Set(errors)).toEqual(new Set([0]));
}
