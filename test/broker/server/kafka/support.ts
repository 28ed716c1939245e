/** A whole broker on a memory disk and a manual clock, and what to send it. */
import { type MillraceBroker, startBroker } from "../../../../broker/broker.ts";
import { parseSettings, type Settings } from "../../../../broker/options.ts";
import type { Disk } from "../../../../broker/platform/disk.ts";
import { LoopbackNetwork } from "../../../../broker/platform/memory/loopback-network.ts";
import { MemoryDisk } from "../../../../broker/platform/memory/memory-disk.ts";
import { buildBatch } from "../../../../broker/record/batch-builder.ts";
import type { BatchProducer } from "../../../../broker/record/batch-builder.ts";
import { KafkaConnection } from "../../../support/kafka-connection.ts";
import type { RequestBody } from "../../../support/kafka-connection.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { SeededRandom } from "../../../support/seeded-random.ts";
import { recordsIn } from "../../storage/support.ts";

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object;
}

export class TestBroker implements AsyncDisposable {
  readonly broker: MillraceBroker;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  readonly #network: LoopbackNetwork;

  constructor(
    broker: MillraceBroker,
    clock: ManualClock,
    network: LoopbackNetwork,
    lines: LogLine[],
  ) {
    this.broker = broker;
    this.clock = clock;
    this.#network = network;
    this.lines = lines;
  }

  static async open(
    settings: Partial<Settings> = {},
    disk: Disk = new MemoryDisk(),
    clock = new ManualClock(),
    seed = 1,
  ): Promise<TestBroker> {
    const lines: LogLine[] = [];
    const network = new LoopbackNetwork(clock);
    const broker = await startBroker({
      platform: { clock, disk, network, random: new SeededRandom(seed) },
      settings: parseSettings(settings),
      directoryPath: "/data",
      clusterId: null,
      logger: {
        debug: logTo(lines, "debug"),
        info: logTo(lines, "info"),
        warn: logTo(lines, "warn"),
        error: logTo(lines, "error"),
      },
    });
    await broker.listen({ host: "127.0.0.1", port: 9092 });
    return new TestBroker(broker, clock, network, lines);
  }

  /** Lines that an operator sees. */
  get warnings(): readonly LogLine[] {
    return this.lines.filter(
      ({ level }) => level === "warn" || level === "error",
    );
  }

  async connect(): Promise<KafkaConnection> {
    const to = { host: "127.0.0.1", port: 9092 };
    return new KafkaConnection(await this.#network.connect(to));
  }

  /** Creates a topic over a connection of its own. */
  async createTopic(
    name: string,
    partitionCount = 1,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const connection = await this.connect();
    const { topics } = await connection.request(
      19,
      7,
      createTopicBody(name, partitionCount, configs),
    );
    connection.close();
    const errorCode = topics[0]?.errorCode;
    if (errorCode !== 0) throw new Error(`create ${name}: error ${errorCode}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

function logTo(lines: LogLine[], level: LogLine["level"]) {
  return (fields: object, message: string): void => {
    lines.push({ level, message, fields });
  };
}

export function createTopicBody(
  name: string,
  partitionCount = 1,
  configs: Readonly<Record<string, string>> = {},
): RequestBody<19> {
  return {
    topics: [
      {
        name,
        numPartitions: partitionCount,
        replicationFactor: 1,
        assignments: [],
        configs: Object.entries(configs).map(([key, value]) => ({
          name: key,
          value,
        })),
      },
    ],
    timeoutMs: 1_000,
    validateOnly: false,
  };
}

export const epochMs = 1_700_000_000_000;

/** A batch of values without keys, not compressed. */
export function batchOf(
  values: readonly string[],
  producer: BatchProducer | null = null,
  timestampMs = epochMs,
): Uint8Array {
  const records = values.map((value, index) => ({
    key: null,
    value: new TextEncoder().encode(value),
    headers: [],
    timestampMs: timestampMs + index,
  }));
  return new Uint8Array(buildBatch(records, { producer }));
}

export function produceBody(
  topic: string,
  records: Uint8Array | null,
  more: {
    readonly acks?: number;
    readonly partition?: number;
    readonly timeoutMs?: number;
    readonly transactionalId?: string | null;
  } = {},
): RequestBody<0> {
  const { acks = 1, partition = 0, timeoutMs = 1_000 } = more;
  return {
    transactionalId: more.transactionalId ?? null,
    acks,
    timeoutMs,
    topicData: [
      { name: topic, partitionData: [{ index: partition, records }] },
    ],
  };
}

export function fetchBody(
  topic: string,
  fetchOffset: number,
  more: {
    readonly partition?: number;
    readonly maxWaitMs?: number;
    readonly minBytes?: number;
    readonly maxBytes?: number;
    readonly partitionMaxBytes?: number;
    readonly currentLeaderEpoch?: number;
    readonly lastFetchedEpoch?: number;
    readonly isolationLevel?: number;
    readonly topicId?: string;
  } = {},
): RequestBody<1> {
  return {
    maxWaitMs: more.maxWaitMs ?? 0,
    minBytes: more.minBytes ?? 1,
    maxBytes: more.maxBytes ?? 1_000_000,
    isolationLevel: more.isolationLevel ?? 0,
    topics: [
      {
        topic,
        topicId: more.topicId ?? "AAAAAAAAAAAAAAAAAAAAAA",
        partitions: [
          {
            partition: more.partition ?? 0,
            currentLeaderEpoch: more.currentLeaderEpoch ?? -1,
            lastFetchedEpoch: more.lastFetchedEpoch ?? -1,
            fetchOffset,
            partitionMaxBytes: more.partitionMaxBytes ?? 1_000_000,
          },
        ],
      },
    ],
    forgottenTopicsData: [],
  };
}

/** Produces one batch and gives its partition's answer. */
export async function produce(
  connection: KafkaConnection,
  topic: string,
  records: Uint8Array | null,
  more: Parameters<typeof produceBody>[2] = {},
  version = 9,
) {
  const body = produceBody(topic, records, more);
  const { responses } = await connection.request(0, version, body);
  const answer = responses[0]?.partitionResponses[0];
  if (answer === undefined) throw new Error("no answer for the partition");
  return answer;
}

/** Fetches one partition and gives its answer. */
export async function fetch(
  connection: KafkaConnection,
  topic: string,
  offset: number,
  more: Parameters<typeof fetchBody>[2] = {},
  version = 12,
) {
  const body = fetchBody(topic, offset, more);
  const { responses } = await connection.request(1, version, body);
  const answer = responses[0]?.partitions[0];
  if (answer === undefined) throw new Error("no answer for the partition");
  return answer;
}

/** Commits an offset of the topic's first partition for a group without members, and gives the error code. */
export async function commitOffset(
  connection: KafkaConnection,
  groupId: string,
  topic: string,
  committedOffset: number,
): Promise<number | undefined> {
  const { topics } = await connection.request(8, 5, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    groupInstanceId: null,
    topics: [
      {
        name: topic,
        partitions: [
          { partitionIndex: 0, committedOffset, committedMetadata: null },
        ],
      },
    ],
  });
  return topics[0]?.partitions[0]?.errorCode;
}

/** The values in whole batches. */
export function valuesIn(bytes: Uint8Array | null): string[] {
  return recordsIn(bytes ?? new Uint8Array()).map(({ value }) =>
    new TextDecoder().decode(value ?? new Uint8Array()),
  );
}
