/**
 * What the golden directories tell of: some of everything that a broker keeps.
 *
 *   codecs      a partition a codec; idempotent producers
 *   segments    several segments by time, keys, headers, nothings
 *   deleted     its first records are deleted
 *   latest      compacted, with a tombstone
 *   grown       one partition, then three; configured, and configured back
 *   gone        deleted, and made again with another id
 *   groups      one with a member, one that merely committed, one deleted
 *   epochs      the directory was opened after a kill
 */
import {
  BatchBuilder,
  type BatchProducer,
} from "../../broker/record/batch-builder.ts";
import {
  Compression,
  type CompressionName,
} from "../../broker/record/batch-format.ts";
import type { NewRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type { KafkaConnection } from "../support/kafka-connection.ts";
import {
  diskOf,
  firstMs,
  goldenBootId,
  GoldenBroker,
  treeOf,
  type Tree,
} from "./golden-broker.ts";
import { MemoryDisk } from "../../broker/platform/memory/memory-disk.ts";

export interface History {
  /** After a clean stop. */
  readonly clean: Tree;
  /** Of a broker that was killed in the middle of a write. */
  readonly killed: Tree;
}

const codecs = Object.keys(Compression) as readonly CompressionName[];
const compactionMs = 15_000;

const topics: readonly (readonly [
  name: string,
  partitionCount: number,
  configs: Readonly<Record<string, string>>,
])[] = [
  ["codecs", codecs.length, { "index.interval.bytes": "64" }],
  ["segments", 1, { "segment.ms": "1000" }],
  ["deleted", 2, {}],
  [
    "latest",
    1,
    {
      "cleanup.policy": "compact",
      "segment.ms": "1000",
      "min.cleanable.dirty.ratio": "0.01",
      "delete.retention.ms": "9000000000000",
    },
  ],
  ["grown", 1, { "max.message.bytes": "5000" }],
  ["gone", 1, {}],
];

export async function writeHistory(): Promise<History> {
  // Two openings, the second after a kill: there are two leader epochs.
  const first = await GoldenBroker.open(
    new MemoryDisk({ bootId: goldenBootId }),
    1,
  );
  await createTopics(first.connection);
  await produceAll(first, 0);
  await commit(first.connection, "notes", 1);
  await commit(first.connection, "gone", 1);
  const gone = await first.connection.request(42, 2, { groupsNames: ["gone"] });
  refuseErrors(gone.results);
  const afterKill = await diskOf(await treeOf(first.disk));
  await first.close();

  const second = await GoldenBroker.open(afterKill, 2, firstMs + 1_000_000);
  await produceAll(second, 1);
  await alterTopics(second.connection);
  await second.pass(compactionMs);
  const member = await joinGroup(second.connection);
  await commit(second.connection, "readers", 2, member);
  await second.pass(compactionMs);
  const killed = torn(await treeOf(second.disk));
  await second.close();
  return { clean: await treeOf(second.disk), killed };
}

async function createTopics(connection: KafkaConnection): Promise<void> {
  const created = await connection.request(19, 7, {
    topics: topics.map(([name, numPartitions, configs]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries({ "retention.ms": "-1", ...configs }).map(
        ([key, value]) => ({ name: key, value }),
      ),
    })),
    timeoutMs: 1_000,
    validateOnly: false,
  });
  refuseErrors(created.topics);
}

async function produceAll(
  broker: GoldenBroker,
  opening: number,
): Promise<void> {
  const { connection } = broker;
  for (const [partition, codec] of codecs.entries()) {
    const id = await newProducerId(connection);
    for (const round of [0, 1]) {
      const producer = { id, epoch: 0, baseSequence: round * 3 };
      const records = [0, 1, 2].map((n) =>
        record(broker, `${codec} ${opening} ${round} ${n}`, "x".repeat(100)),
      );
      await produce(connection, ["codecs", partition], records, {
        codec,
        producer,
      });
    }
  }
  for (let round = 0; round < 4; round++) {
    const odd: NewRecord = {
      ...record(broker, null, null),
      headers: [
        { key: "round", value: Buffer.from(String(round)) },
        { key: "nothing", value: null },
      ],
    };
    const even = record(broker, `key ${round}`, `value ${round}`);
    await produce(connection, ["segments", 0], [even, odd]);
    await produce(connection, ["deleted", 0], [even, even]);
    await produce(
      connection,
      ["latest", 0],
      [
        record(broker, "a", `a ${opening} ${round}`),
        record(broker, "b", round === 2 ? null : `b ${opening} ${round}`),
        record(broker, `only ${opening} ${round}`, "once"),
      ],
    );
    await broker.pass(1_001);
  }
  await produce(connection, ["gone", 0], [record(broker, "k", "v")]);
  await produce(connection, ["grown", 0], [record(broker, "k", "v")]);
}

async function alterTopics(connection: KafkaConnection): Promise<void> {
  const grown = await connection.request(37, 3, {
    topics: [{ name: "grown", count: 3, assignments: null }],
    timeoutMs: 1_000,
    validateOnly: false,
  });
  refuseErrors(grown.results);
  const altered = await connection.request(44, 1, {
    resources: [
      {
        resourceType: 2,
        resourceName: "grown",
        configs: [
          { name: "max.message.bytes", configOperation: 1, value: null },
          { name: "segment.bytes", configOperation: 0, value: "2000000" },
        ],
      },
    ],
    validateOnly: false,
  });
  refuseErrors(altered.responses);
  const cut = await connection.request(21, 2, {
    topics: [
      { name: "deleted", partitions: [{ partitionIndex: 0, offset: 5 }] },
    ],
    timeoutMs: 1_000,
  });
  refuseErrors(cut.topics.flatMap(({ partitions }) => partitions));
  const gone = await connection.request(20, 5, {
    topics: [],
    topicNames: ["gone"],
    timeoutMs: 1_000,
  });
  refuseErrors(gone.responses);
  const again = await connection.request(19, 7, {
    topics: [
      {
        name: "gone",
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      },
    ],
    timeoutMs: 1_000,
    validateOnly: false,
  });
  refuseErrors(again.topics);
}

interface Member {
  readonly memberId: string;
  readonly generation: number;
}

const nobody: Member = { memberId: "", generation: -1 };

/** A member that stays. */
async function joinGroup(connection: KafkaConnection): Promise<Member> {
  const body = {
    groupId: "readers",
    sessionTimeoutMs: 1_800_000,
    rebalanceTimeoutMs: 60_000,
    protocolType: "consumer",
    protocols: [
      {
        name: "range",
        metadata: Buffer.from("000000000000ffffffff", "hex"),
      },
    ],
  };
  const { memberId } = await connection.request(11, 5, {
    ...body,
    memberId: "",
  });
  const joined = await connection.request(11, 5, { ...body, memberId });
  const synced = await connection.request(14, 3, {
    groupId: "readers",
    generationId: joined.generationId,
    memberId,
    assignments: [{ memberId, assignment: Buffer.from("all of it") }],
  });
  refuseErrors([joined, synced]);
  return { memberId, generation: joined.generationId };
}

async function commit(
  connection: KafkaConnection,
  groupId: string,
  committedOffset: number,
  { memberId, generation } = nobody,
): Promise<void> {
  const answer = await connection.request(8, 8, {
    groupId,
    generationIdOrMemberEpoch: generation,
    memberId,
    topics: [
      {
        name: "segments",
        partitions: [
          {
            partitionIndex: 0,
            committedOffset,
            committedLeaderEpoch: 0,
            committedMetadata: `by ${groupId}`,
          },
        ],
      },
    ],
  });
  refuseErrors(answer.topics.flatMap(({ partitions }) => partitions));
}

function record(
  { clock }: GoldenBroker,
  key: string | null,
  value: string | null,
): NewRecord {
  return {
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: [],
    timestampMs: clock.now(),
  };
}

async function newProducerId(connection: KafkaConnection): Promise<number> {
  const body = { transactionalId: null, transactionTimeoutMs: 0 };
  const answer = await connection.request(22, 4, body);
  refuseErrors([answer]);
  return answer.producerId;
}

async function produce(
  connection: KafkaConnection,
  [name, index]: readonly [topic: string, partition: number],
  records: readonly NewRecord[],
  options: {
    readonly codec?: CompressionName;
    readonly producer?: BatchProducer;
  } = {},
): Promise<void> {
  const builder = new BatchBuilder();
  for (const one of records) builder.append(one);
  const { codec = "none", producer = null } = options;
  const batch = builder.buildCompressed(codec, { producer });
  if (batch instanceof RecordError) throw batch;
  const { responses } = await connection.request(0, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1_000,
    topicData: [
      { name, partitionData: [{ index, records: new Uint8Array(batch) }] },
    ],
  });
  refuseErrors(responses.flatMap((one) => one.partitionResponses));
}

function refuseErrors(
  answers: readonly { readonly errorCode: number }[],
): void {
  const bad = answers.find(({ errorCode }) => errorCode !== 0);
  if (bad !== undefined) throw new Error(JSON.stringify(bad));
}

/** Half a batch at the end of two logs, as a kill in the middle of a write leaves it. */
function torn(tree: Tree): Tree {
  const cut = new Map(tree);
  for (const partition of ["segments-0", "__consumer_offsets-0"]) {
    const logs = [...tree.keys()].filter(
      (name) => name.startsWith(`${partition}/`) && name.endsWith(".log"),
    );
    const last = logs.sort().at(-1);
    const bytes = tree.get(last ?? "");
    if (last === undefined || bytes === undefined) continue;
    cut.set(last, Buffer.concat([bytes, bytes.subarray(0, 33)]));
  }
  return cut;
}
