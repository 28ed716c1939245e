/**
 * What must hold of a damaged data directory: it is opened, or refused with a
 * reason; what is served is what was written; partitions whose files are as
 * they were are whole and take more; closing succeeds.
 */
import { BrokerError } from "../../broker/errors.ts";
import type { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";
import {
  baseOffsetOf,
  crcHolds,
  wholeBatchSizeBytes,
} from "../../broker/record/batch.ts";
import { batchOf, fetch, valuesIn } from "../broker/server/kafka/support.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { diskOf } from "./directory-image.ts";
import type { Damaged } from "./directory-mutations.ts";
import { FuzzHost } from "./fuzz-host.ts";
import type {
  WrittenDirectory,
  WrittenPartition,
} from "./written-directory.ts";

/** What an embedder may be told of a directory. */
const reasons = ["directory-unusable", "directory-too-new"];
const STILL_OPENING = [14, 15];
const PRODUCED = "after the damage";

export type Outcome = "opened" | "refused";

/** Opens it, looks at everything, closes it, and does so again. Throws what is wrong. */
export async function checkDamaged(
  written: WrittenDirectory,
  damaged: Damaged,
): Promise<Outcome> {
  const disk = await diskOf(damaged.image);
  for (let round = 0; round < 2; round += 1) {
    const host = await openOrRefuse(disk);
    if (host === null) {
      if (mayBeRefused(damaged)) return "refused";
      throw new Error("refused as a whole");
    }
    const check = new DirectoryCheck(host, written, damaged);
    await check.run(round);
  }
  return "opened";
}

async function openOrRefuse(disk: MemoryDisk): Promise<FuzzHost | null> {
  try {
    return await FuzzHost.openOn(disk);
  } catch (error) {
    if (error instanceof BrokerError && reasons.includes(error.code)) {
      return null;
    }
    throw error;
  }
}

/** Only for what stands for the whole directory: a partition's damage is the partition's. */
function mayBeRefused({ paths }: Damaged): boolean {
  return [...paths].some(
    (path) =>
      path.endsWith(".properties") ||
      path.startsWith("/data/__cluster_metadata-0/"),
  );
}

class DirectoryCheck {
  readonly #host: FuzzHost;
  readonly #written: WrittenDirectory;
  readonly #damaged: Damaged;
  readonly #connection: KafkaConnection;

  constructor(host: FuzzHost, written: WrittenDirectory, damaged: Damaged) {
    this.#host = host;
    this.#written = written;
    this.#damaged = damaged;
    this.#connection = new KafkaConnection(host.connect().connection);
  }

  async run(round: number): Promise<void> {
    for (const partition of this.#written.partitions) {
      const values = await this.#read(partition);
      this.#compare(partition, values);
      await this.#append(partition, round);
    }
    await this.#commit();
    await this.#close();
  }

  /** Everything that is served of it, by offset. */
  async #read({
    topic,
    partition,
    startOffset,
  }: WrittenPartition): Promise<ReadonlyMap<number, string>> {
    const values = new Map<number, string>();
    let offset = this.#isWhole(topic, partition) ? startOffset : 0;
    for (;;) {
      const more = { partition };
      const answer = await this.#within(
        fetch(this.#connection, topic, offset, more),
      );
      // Deleted below: goes on where the log begins.
      if (answer.errorCode === 1 && answer.logStartOffset > offset) {
        offset = answer.logStartOffset;
        continue;
      }
      if (answer.errorCode === -1) throw new Error("unknown server error");
      const next = addBatches(values, answer.records);
      if (next === null) return values;
      if (next <= offset) throw new Error(`offset ${next} after ${offset}`);
      offset = next;
    }
  }

  #compare(
    { topic, partition, values, startOffset }: WrittenPartition,
    served: ReadonlyMap<number, string>,
  ): void {
    const where = `${topic}-${partition}`;
    const areLogsWhole = ![...this.#damaged.paths].some((path) =>
      path.endsWith(".log"),
    );
    for (const [offset, value] of served) {
      if (value.startsWith(PRODUCED)) continue;
      // Neither base offset nor epoch is under a batch's checksum.
      const isKnown = areLogsWhole
        ? values[offset] === value
        : this.#isWritten(value);
      if (!isKnown) throw new Error(`${where} serves ${value} at ${offset}`);
    }
    if (!this.#isWhole(topic, partition)) return;
    for (let offset = startOffset; offset < values.length; offset += 1) {
      if (served.get(offset) !== values[offset]) {
        throw new Error(`${where} lost ${offset}: ${served.get(offset)}`);
      }
    }
  }

  async #append(
    { topic, partition }: WrittenPartition,
    round: number,
  ): Promise<void> {
    const batch = batchOf([`${PRODUCED} ${round}`]);
    const body = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1_000,
      topicData: [
        { name: topic, partitionData: [{ index: partition, records: batch }] },
      ],
    };
    const { responses } = await this.#within(
      this.#connection.request(0, 9, body),
    );
    const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
    const isCompacted = topic === "latest";
    const isRefused = isCompacted ? errorCode !== 87 : errorCode !== 0;
    if (errorCode === -1 || (isRefused && this.#isWhole(topic, partition))) {
      throw new Error(`produce to ${topic}-${partition}: error ${errorCode}`);
    }
  }

  /** Groups may have lost what they knew, but they must come to an answer. */
  async #commit(): Promise<void> {
    const partition = {
      partitionIndex: 0,
      committedOffset: 1,
      committedMetadata: null,
    };
    for (let attempt = 0; attempt < 20; attempt += 1) {
      const { topics } = await this.#within(
        this.#connection.request(8, 8, {
          groupId: "readers",
          generationIdOrMemberEpoch: -1,
          memberId: "",
          groupInstanceId: null,
          topics: [{ name: "orders", partitions: [partition] }],
        }),
      );
      const code = topics[0]?.partitions[0]?.errorCode ?? -1;
      if (code === -1) throw new Error("commit: unknown server error");
      if (!STILL_OPENING.includes(code)) return;
      await this.#host.clock.advanceAndSettle(1_000);
    }
    if (this.#isTouched("/__")) return;
    throw new Error("the groups are not opened");
  }

  async #close(): Promise<void> {
    if (this.#host.failure !== null) throw this.#host.failure;
    await this.#within(this.#host.broker.close());
    await this.#host.broker.closed;
    const faults = this.#host.lines.filter(({ message }) =>
      message.includes("internal failure"),
    );
    if (faults.length > 0) throw new Error(JSON.stringify(faults));
  }

  #isWritten(value: string): boolean {
    return this.#written.partitions.some(({ values }) =>
      values.includes(value),
    );
  }

  /** Its files are as they were, and so are those that it depends on. */
  #isWhole(topic: string, partition: number): boolean {
    return !(
      this.#isTouched(`/data/${topic}-${partition}/`) ||
      this.#isTouched("/data/__cluster_metadata-0/") ||
      this.#isTouched("/data/log-start-offset-checkpoint")
    );
  }

  #isTouched(part: string): boolean {
    return [...this.#damaged.paths].some((path) => path.includes(part));
  }

  /** What is awaited comes without time moving, or never. */
  async #within<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = promise.finally(() => {
      isDone = true;
    });
    done.catch(() => {});
    if (!(await this.#host.workUntil(() => isDone))) {
      await this.#host.clock.advanceAndSettle(5_000);
      if (!(await this.#host.workUntil(() => isDone))) {
        throw new Error("no answer");
      }
    }
    return done;
  }
}

/** The values of whole batches; answers the offset behind them, or null where there is none. */
function addBatches(
  values: Map<number, string>,
  records: Uint8Array | null,
): number | null {
  let next: number | null = null;
  let at = 0;
  for (;;) {
    const sizeBytes =
      records === null ? null : wholeBatchSizeBytes(records, at);
    if (records === null || sizeBytes === null) return next;
    if (!crcHolds(records, at)) throw new Error("a damaged batch is served");
    let offset = baseOffsetOf(records, at);
    if (next !== null && offset < next) throw new Error("offsets go back");
    const batch = records.subarray(at, at + sizeBytes);
    for (const value of valuesIn(batch)) values.set(offset++, value);
    next = offset;
    at += sizeBytes;
  }
}
