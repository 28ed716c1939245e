/**
 * What the killed children were promised, from what they printed; and the
 * check of a directory against it. Knows nothing of how the broker works.
 */
import { openBroker } from "../../broker/index.ts";
import { wholeBatchSizeBytes } from "../../broker/record/batch.ts";
import { openRecords } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import {
  crashTopic,
  partitionAcks,
  recordCount,
  type ChildTask,
  type SentBatch,
} from "./crash-task.ts";

interface PartitionPromises {
  nextNumber: number;
  /** Base offset by the batch's number. */
  readonly acknowledged: Map<number, number>;
  unanswered: SentBatch[];
  /** By offset, as the last check found it. */
  numbers: readonly number[];
  /** Behind the last batch that was acknowledged before the last check. */
  checkedEndOffset: number;
}

/** `new` reads what was not acknowledged yet when the check before was done, `all` everything. */
export type CheckScope = "new" | "all";

export class CrashRecord {
  readonly #partitions: readonly PartitionPromises[] = partitionAcks.map(
    () => ({
      nextNumber: 0,
      acknowledged: new Map(),
      unanswered: [],
      numbers: [],
      checkedEndOffset: 0,
    }),
  );
  readonly #topics: string[] = [];
  #committed = -1;

  get acknowledgedCount(): number {
    return this.#partitions.reduce(
      (sum, { acknowledged }) => sum + acknowledged.size,
      0,
    );
  }

  taskFor(directory: string, cycle: number): ChildTask {
    const partitions = this.#partitions.map(({ nextNumber, unanswered }) => ({
      nextNumber,
      unanswered,
    }));
    const nextCommit = this.#committed + 1;
    return { directory, cycle, partitions, nextCommit };
  }

  /** Throws for a line that tells of a failure. The last line may be cut. */
  take(output: string): void {
    for (const line of output.split("\n").slice(0, -1)) {
      const [word, first = "", ...rest] = line.split(" ");
      const [second = 0, third = 0, fourth = 0] = rest.map(Number);
      const partition = this.#partitions[Number(first)];
      if (word === "committed") this.#committed = Number(first);
      else if (word === "created") this.#topics.push(first);
      else if (word === "sent" && partition !== undefined) {
        const batch = { number: second, producerId: third, sequence: fourth };
        sent(partition, batch);
      } else if (word === "ack" && partition !== undefined) {
        answered(partition, second, third);
      } else throw new Error(`the child says: ${line}`);
    }
  }

  /** Opens the directory as the next process would. Throws for the first promise that does not hold. */
  async check(directory: string, scope: CheckScope): Promise<void> {
    const complaints: string[] = [];
    const complain = (_fields: object, message: string) => {
      complaints.push(message);
    };
    const broker = await openBroker({
      dir: directory,
      logger: { debug() {}, info() {}, warn() {}, error: complain },
    });
    try {
      const connection = new KafkaConnection(broker.connect());
      await this.#checkTopics(connection);
      for (const [partition, promises] of this.#partitions.entries()) {
        const known =
          scope === "all"
            ? []
            : promises.numbers.slice(0, promises.checkedEndOffset);
        promises.numbers = await numbersIn(connection, partition, known);
        checkPartition(partition, promises);
        promises.checkedEndOffset = acknowledgedEndOffset(promises);
      }
      await this.#checkCommit(connection);
      if (complaints[0] !== undefined) throw new Error(complaints[0]);
    } finally {
      await broker.close();
    }
  }

  async #checkTopics(connection: KafkaConnection): Promise<void> {
    const { topics } = await connection.request(3, 12, {
      topics: null,
      allowAutoTopicCreation: false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    const names = new Set(topics.map(({ name }) => name));
    const lost = this.#topics.find((name) => !names.has(name));
    if (lost !== undefined) throw new Error(`topic ${lost} is gone`);
  }

  async #checkCommit(connection: KafkaConnection): Promise<void> {
    if (this.#committed < 0) return;
    for (;;) {
      const { groups } = await connection.request(9, 8, {
        groups: [{ groupId: "crash", topics: null }],
        requireStable: true,
        groupId: "",
        topics: null,
      });
      const group = groups[0];
      // The coordinator is still being loaded.
      if (group?.errorCode === 14) continue;
      const offset = group?.topics[0]?.partitions[0]?.committedOffset ?? -1;
      if (offset >= this.#committed) return;
      throw new Error(`committed ${this.#committed}, found ${offset}`);
    }
  }
}

function sent(partition: PartitionPromises, batch: SentBatch): void {
  partition.nextNumber = Math.max(partition.nextNumber, batch.number + 1);
  const isAgain = partition.unanswered.some(
    ({ number }) => number === batch.number,
  );
  if (!isAgain) partition.unanswered.push(batch);
}

function answered(
  partition: PartitionPromises,
  number: number,
  baseOffset: number,
): void {
  partition.acknowledged.set(number, baseOffset);
  partition.unanswered = partition.unanswered.filter(
    (batch) => batch.number !== number,
  );
}

function acknowledgedEndOffset({ acknowledged }: PartitionPromises): number {
  let endOffset = 0;
  for (const offset of acknowledged.values()) {
    endOffset = Math.max(endOffset, offset + recordCount);
  }
  return endOffset;
}

/** By offset: the number of the batch, for all records of a partition. What is `known` is not read. */
async function numbersIn(
  connection: KafkaConnection,
  partition: number,
  known: readonly number[],
): Promise<readonly number[]> {
  const numbers = [...known];
  for (;;) {
    const { responses } = await connection.request(1, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 8_000_000,
      topics: [
        {
          topic: crashTopic,
          topicId: "AAAAAAAAAAAAAAAAAAAAAA",
          partitions: [
            {
              partition,
              fetchOffset: numbers.length,
              partitionMaxBytes: 8_000_000,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
    });
    const answer = responses[0]?.partitions[0];
    // 3: a child was killed before it had created the topic.
    if (answer?.errorCode === 3 && numbers.length === 0) return numbers;
    if (answer?.errorCode !== 0) {
      const at = `partition ${partition} at ${numbers.length}`;
      throw new Error(`${at}: error ${answer?.errorCode}`);
    }
    const before = numbers.length;
    readBatches(answer.records ?? new Uint8Array(), numbers);
    if (numbers.length === before) {
      if (answer.highWatermark === before) return numbers;
      throw new Error(`partition ${partition} has nothing at ${before}`);
    }
  }
}

function readBatches(bytes: Uint8Array, numbers: number[]): void {
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) return;
    const reader = openRecords(bytes, at, { sizeBytesMax: 1_000_000 });
    if (reader instanceof RecordError) throw reader;
    for (let index = 0; index < recordCount; index++) {
      const record = reader.next();
      if (record === null || record instanceof RecordError) {
        throw new Error(`a batch of ${index} records`);
      }
      if (record.offset !== numbers.length) {
        throw new Error(`offset ${record.offset} behind ${numbers.length - 1}`);
      }
      const [number, place] = Buffer.from(record.key ?? "")
        .toString()
        .split(".");
      if (Number(place) !== index) {
        throw new Error(`record ${place} in place ${index}`);
      }
      numbers.push(Number(number));
    }
    at += sizeBytes;
  }
}

function checkPartition(
  partition: number,
  { acknowledged, numbers }: PartitionPromises,
): void {
  for (
    let offset = recordCount;
    offset < numbers.length;
    offset += recordCount
  ) {
    const [before = -1, number = -1] = [numbers[offset - 1], numbers[offset]];
    if (number <= before) {
      throw new Error(
        `partition ${partition}: batch ${number} behind batch ${before}`,
      );
    }
  }
  for (const [number, offset] of acknowledged) {
    if (numbers[offset] !== number) {
      throw new Error(
        `partition ${partition}: batch ${number} was acknowledged at ${offset}, where ${numbers[offset]} is, of ${numbers.length}`,
      );
    }
  }
}
