/**
 * Brokers that are broken on purpose, each in one way: what a checker is for
 * must be seen by it, or it sees nothing.
 *
 * They are broken where client and broker meet (an answer that is not true) or
 * where broker and disk meet (a disk that does not do what it says).
 */
import type { Disk, DiskFile } from "../../broker/platform/disk.ts";
import { wholeBatchSizeBytes } from "../../broker/record/batch.ts";
import {
  decodeAssignment,
  encodeAssignment,
} from "../../broker/wire/kafka/consumer-protocol.ts";
import type { ApiKey } from "../../broker/wire/kafka/apis.ts";
import type { RequestBody, ResponseBody } from "../support/kafka-connection.ts";
import { readIds } from "../support/sim-records.ts";
import type { Tamper } from "../support/sim-kafka-client.ts";
import type { FaultRates } from "./faults.ts";
import { PARTITION_COUNT, topics } from "./world.ts";
import type { Canary } from "./world.ts";

export interface CanaryCase {
  /** The checker that must see it. */
  readonly checker: string;
  /** What the broker does wrong. */
  readonly fault: string;
  readonly rates: Partial<FaultRates>;
  readonly create: () => Canary;
}

type Forward<K extends ApiKey> = (
  body: RequestBody<K>,
) => Promise<ResponseBody<K> | null>;

/** Tampers with the answers to one kind of request. */
function tampering<K extends ApiKey>(
  key: K,
  answer: (
    body: RequestBody<K>,
    forward: Forward<K>,
  ) => Promise<ResponseBody<K> | null>,
): Tamper {
  return (asked, body, forward) =>
    asked === (key as ApiKey)
      ? (answer(
          body as unknown as RequestBody<K>,
          forward as unknown as Forward<K>,
        ) as never)
      : forward(body);
}

/** True at every so many calls. */
function everyNth(n: number): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return count % n === 0;
  };
}

/** The same disk, with files of these names wrapped. */
function wrappingFiles(
  names: RegExp,
  wrap: (file: DiskFile) => DiskFile,
): (disk: Disk) => Disk {
  return (disk) =>
    overriding(disk, {
      open: async (path, mode) => {
        const file = await disk.open(path, mode);
        return names.test(path) ? wrap(file) : file;
      },
    });
}

/** The methods given instead of the target's own, which keep their `this`. */
function overriding<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_target, name) {
      const given: unknown = Reflect.get(own, name);
      if (given !== undefined) return given;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function"
        ? (value.bind(target) as unknown)
        : value;
    },
  });
}

function answersBeforeSync(): Canary {
  const disk = wrappingFiles(/\.log$/, (file) =>
    overriding(file, { sync: async () => {} }),
  );
  return { disk };
}

function dropsBatch(): Canary {
  const isDropped = everyNth(10);
  const answer = tampering(0, async (body, forward) => {
    const answered = await forward(body);
    if (answered === null || !isDropped()) return answered;
    const [response] = answered.responses;
    const [partition] = response?.partitionResponses ?? [];
    if (response === undefined || partition === undefined) return answered;
    // As if it lay where in truth the next one will.
    const baseOffset = partition.baseOffset + 1_000;
    return {
      ...answered,
      responses: [
        {
          ...response,
          partitionResponses: [{ ...partition, errorCode: 0, baseOffset }],
        },
      ],
    };
  });
  return { answer };
}

function skipsBatchInFetch(): Canary {
  return fetching((_topic, records) => withoutFirst(records));
}

/** Fetches are answered with other records than the broker's. */
function fetching(
  change: (topic: string, records: Uint8Array | null) => Uint8Array | null,
): Canary {
  const answer = tampering(1, async (body, forward) => {
    const answered = await forward(body);
    if (answered === null) return null;
    return {
      ...answered,
      responses: answered.responses.map((response) => ({
        ...response,
        partitions: response.partitions.map((partition) => ({
          ...partition,
          records: change(response.topic, partition.records),
        })),
      })),
    };
  });
  return { answer };
}

/** Where there are two batches or more, all but the first. */
function withoutFirst(records: Uint8Array | null): Uint8Array | null {
  const sizeBytes = wholeBatchSizeBytes(records ?? new Uint8Array(), 0);
  if (records === null || sizeBytes === null) return records;
  if (wholeBatchSizeBytes(records, sizeBytes) === null) return records;
  return records.subarray(sizeBytes);
}

function swapsBatches(): Canary {
  const isHeld = everyNth(5);
  let held: (() => void) | null = null;
  const answer = tampering(0, async (body, forward) => {
    if (body.acks !== 1) return forward(body);
    if (held === null && isHeld()) {
      await new Promise<void>((resolve) => {
        held = resolve;
      });
      return forward(body);
    }
    const answered = forward(body);
    held?.();
    held = null;
    return answered;
  });
  return { answer };
}

function appendsTwice(): Canary {
  const isDoubled = everyNth(5);
  const answer = tampering(0, async (body, forward) => {
    const copy = structuredClone(body);
    const answered = await forward(body);
    if (body.acks === 1 && isDoubled()) await forward(copy);
    return answered;
  });
  return { answer };
}

function forgetsCommits(): Canary {
  const isForgotten = everyNth(3);
  const answer = tampering(8, async (body, forward) => {
    if (!isForgotten()) return forward(body);
    return {
      throttleTimeMs: 0,
      topics: body.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: 0,
        })),
      })),
    };
  });
  return { answer };
}

function losesResults(): Canary {
  const isLost = everyNth(4);
  return {
    driver: (driver) =>
      overriding(driver, {
        produce: async (batches, options) => {
          const isOutput = batches[0]?.topic === topics.output;
          if (!isOutput || !isLost()) return driver.produce(batches, options);
          return batches.map(({ topic, partition }) => ({
            topic,
            partition,
            error: null,
            isRetriable: false,
            baseOffset: 0,
            detail: null,
          }));
        },
      }),
  };
}

function assignsToEverybody(): Canary {
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, at) => at);
  const assignedPartitions = [{ topic: topics.input, partitions }];
  const answer = tampering(14, async (body, forward) => {
    const answered = await forward(body);
    if (answered === null || decodeAssignment(answered.assignment) === null) {
      return answered;
    }
    return {
      ...answered,
      assignment: encodeAssignment({ assignedPartitions }),
    };
  });
  return { answer };
}

function hidesLostTails(): Canary {
  const answer = tampering(23, async (body, forward) => {
    const answered = await forward(body);
    if (answered === null) return null;
    const all = (partition: { readonly partition: number }) => ({
      ...partition,
      errorCode: 0,
      leaderEpoch: 0,
      endOffset: 1_000_000,
    });
    return {
      ...answered,
      topics: answered.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(all),
      })),
    };
  });
  return { answer };
}

function forgetsTopics(): Canary {
  const isForgotten = everyNth(2);
  const answer = tampering(20, async (body, forward) => {
    if (isForgotten()) return forward(body);
    return {
      throttleTimeMs: 0,
      responses: body.topics.map(({ name = null }) => ({
        name,
        topicId: "AAAAAAAAAAAAAAAAAAAAAA",
        errorCode: 0,
        errorMessage: null,
      })),
    };
  });
  return { answer };
}

function forgetsTombstones(): Canary {
  return fetching((topic, records) =>
    topic === topics.keyed ? withoutTombstones(records) : records,
  );
}

/** All batches but those that take a key away. */
function withoutTombstones(records: Uint8Array | null): Uint8Array | null {
  const bytes = records ?? new Uint8Array();
  const kept: Uint8Array[] = [];
  for (let at = 0; ;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) return new Uint8Array(Buffer.concat(kept));
    const batch = bytes.subarray(at, at + sizeBytes);
    if (!readIds(batch).some(({ id }) => id.endsWith(":gone"))) {
      kept.push(batch);
    }
    at += sizeBytes;
  }
}

function forgetsDeletions(): Canary {
  const answer = tampering(21, async (body) => ({
    throttleTimeMs: 0,
    topics: body.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, offset }) => ({
        partitionIndex,
        lowWatermark: offset,
        errorCode: 0,
      })),
    })),
  }));
  return { answer };
}

function retainsNothing(): Canary {
  const answer = tampering(19, (body, forward) =>
    forward({
      ...body,
      topics: body.topics.map((topic) => ({
        ...topic,
        configs: topic.configs.map(({ name, value }) => ({
          name,
          value: name === "retention.ms" ? "1" : value,
        })),
      })),
    }),
  );
  return { answer };
}

/** The last batch of the groups' log is cut off whenever it is opened to be written. */
function losesGroupRecord(): Canary {
  const seen = new WeakSet<Disk>();
  return {
    disk: (disk) =>
      overriding(disk, {
        open: async (path, mode) => {
          const file = await disk.open(path, mode);
          if (mode !== "append" || seen.has(disk)) return file;
          if (!/__consumer_offsets.*\.log$/.test(path)) return file;
          seen.add(disk);
          if (file.sizeBytes > 0) await file.truncate(file.sizeBytes - 1);
          return file;
        },
      }),
  };
}

/** Every entry says one offset more. */
function writesWrongIndex(): Canary {
  const shifted = (part: Uint8Array): Uint8Array => {
    const copy = new Uint8Array(part);
    const last = copy.length - 1;
    copy[last] = (copy[last] ?? 0) ^ 1;
    return copy;
  };
  const disk = wrappingFiles(/\/mixed-.*\.timeindex$/, (file) =>
    overriding(file, {
      append: (parts) => file.append(parts.map(shifted)),
    }),
  );
  return { disk };
}

const calm: Partial<FaultRates> = {};

export const canaries: readonly CanaryCase[] = [
  {
    checker: "acknowledged",
    fault: "answers before the sync",
    rates: { powerCutEveryMs: 2_000 },
    create: answersBeforeSync,
  },
  {
    checker: "acknowledged",
    fault: "says that a batch lies where it does not",
    rates: calm,
    create: dropsBatch,
  },
  {
    checker: "dense-offsets",
    fault: "leaves a batch out of what it answers",
    rates: calm,
    create: skipsBatchInFetch,
  },
  {
    checker: "producer-order",
    fault: "appends the second of two batches first",
    rates: calm,
    create: swapsBatches,
  },
  {
    checker: "no-duplicates",
    fault: "appends a batch twice",
    rates: calm,
    create: appendsTwice,
  },
  {
    checker: "committed-offsets",
    fault: "forgets a commit",
    rates: calm,
    create: forgetsCommits,
  },
  {
    checker: "settled-records",
    fault: "loses results of a pipeline",
    rates: calm,
    create: losesResults,
  },
  {
    checker: "ownership",
    fault: "hands a partition to two members",
    rates: { clientKillEveryMs: 500 },
    create: assignsToEverybody,
  },
  {
    checker: "lost-tail",
    fault: "says that every epoch reaches to the end",
    rates: { powerCutEveryMs: 800 },
    create: hidesLostTails,
  },
  {
    checker: "topics",
    fault: "forgets to delete a topic",
    rates: calm,
    create: forgetsTopics,
  },
  {
    checker: "compacted",
    fault: "forgets that keys were taken away",
    rates: calm,
    create: forgetsTombstones,
  },
  {
    checker: "log-start",
    fault: "forgets to delete records",
    rates: calm,
    create: forgetsDeletions,
  },
  {
    checker: "log-start",
    fault: "deletes what retention has to keep",
    rates: calm,
    create: retainsNothing,
  },
  {
    checker: "replay",
    fault: "loses the last record of a log when it is opened",
    rates: calm,
    create: losesGroupRecord,
  },
  {
    checker: "rebuilt-index",
    fault: "writes an index that does not fit its log",
    rates: calm,
    create: writesWrongIndex,
  },
];
