/** The checker itself: it must see what is missing. */
import { expect, test } from "vitest";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { openBroker } from "../../broker/index.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { batchOf } from "./crash-batch.ts";
import { CrashRecord } from "./crash-record.ts";
import { crashTopic } from "./crash-task.ts";

const cases: readonly (readonly [string, string, RegExp])[] = [
  ["a batch", "sent 1 0 7 0\nack 1 0 0\n", /batch 0 was acknowledged at 0/],
  ["a topic", "created extra-1\n", /topic extra-1 is gone/],
  ["a committed offset", "committed 5\n", /committed 5, found -1/],
];

test.for(cases)("%s that is not there is missed", async ([, output, why]) => {
  const directory = await createTemporaryDirectory();
  try {
    const record = new CrashRecord();
    record.take(output);
    await expect(record.check(directory.path, "new")).rejects.toThrow(why);
  } finally {
    await directory.remove();
  }
});

test("an answer that must not be is told, a line that was cut is not", () => {
  const record = new CrashRecord();
  expect(() => record.take("fail commit: 3\n")).toThrow("fail commit: 3");
  record.take("sent 0 0 7 0\nack 0 0");
  expect(record.acknowledgedCount).toBe(0);
  expect(record.taskFor("/d", 1).partitions[0]).toEqual({
    nextNumber: 1,
    unanswered: [{ number: 0, producerId: 7, sequence: 0 }],
  });
});

/** A directory whose partition 1 holds these batches. */
async function writeBatches(dir: string, numbers: readonly number[]) {
  await using broker = await openBroker({ dir });
  const connection = new KafkaConnection(broker.connect());
  await connection.request(19, 7, {
    topics: [
      {
        name: crashTopic,
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      },
    ],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  for (const number of numbers) {
    const batch = { number, producerId: -1, sequence: -1 };
    const { responses } = await connection.request(0, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [
        {
          name: crashTopic,
          partitionData: [{ index: 1, records: batchOf(batch) }],
        },
      ],
    });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  }
}

test("what is gone since it was checked is missed by the next whole check", async () => {
  const directory = await createTemporaryDirectory();
  try {
    const [good, bad] = [`${directory.path}/good`, `${directory.path}/bad`];
    await writeBatches(good, [3, 4]);
    await writeBatches(bad, [2, 4]);
    const record = new CrashRecord();
    record.take("ack 1 3 0\nack 1 4 20\n");
    await record.check(good, "all");
    // The canary: what was checked before is not read.
    await record.check(bad, "new");
    await expect(record.check(bad, "all")).rejects.toThrow(
      "batch 3 was acknowledged at 0, where 2 is",
    );
  } finally {
    await directory.remove();
  }
});
