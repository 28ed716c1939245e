/**
 * A broker that writes to itself until it is killed, and tells on its standard
 * output what it was promised. A line is with the kernel before the next
 * request goes out, so that a kill takes none back:
 *
 *   sent <partition> <number> <producer id> <sequence>     before the request
 *   ack <partition> <number> <base offset>                 the answer is there
 *   committed <offset>
 *   created <topic>
 *   fail <why>                                             an answer that must not be
 *
 * A batch has `recordCount` records `<number>.<index>`. What was sent and never
 * answered by the child before comes again first, with the same producer id and
 * sequence, as a client would do it.
 */
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { openBroker } from "../../broker/index.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { batchOf } from "./crash-batch.ts";
import {
  crashTopic,
  partitionAcks,
  recordCount,
  type ChildTask,
  type SentBatch,
} from "./crash-task.ts";

const inFlight = 4;

function tell(line: string): void {
  writeSync(1, `${line}\n`);
}

const task = JSON.parse(process.argv[2] ?? "") as ChildTask;
// It is written at the end of a process, to which this one does not come.
flushCompileCache();
const broker = await openBroker({ dir: task.directory });

function connect(): KafkaConnection {
  return new KafkaConnection(broker.connect());
}

async function create(connection: KafkaConnection, name: string) {
  const { topics } = await connection.request(19, 7, {
    topics: [
      {
        name,
        numPartitions: partitionAcks.length,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name: "segment.bytes", value: "1048576" }],
      },
    ],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  return topics[0]?.errorCode;
}

async function send(
  connection: KafkaConnection,
  partition: number,
  batch: SentBatch,
): Promise<void> {
  const { number, producerId, sequence } = batch;
  tell(`sent ${partition} ${number} ${producerId} ${sequence}`);
  const { responses } = await connection.request(0, 9, {
    transactionalId: null,
    acks: partitionAcks[partition] ?? -1,
    timeoutMs: 30_000,
    topicData: [
      {
        name: crashTopic,
        partitionData: [{ index: partition, records: batchOf(batch) }],
      },
    ],
  });
  const answer = responses[0]?.partitionResponses[0];
  if (answer?.errorCode === 0) {
    tell(`ack ${partition} ${number} ${answer.baseOffset}`);
  } else tell(`fail partition ${partition} ${number}: ${answer?.errorCode}`);
}

/** Keeps some requests under way, whose answers come in their order. */
async function producePartition(partition: number): Promise<void> {
  const connection = connect();
  const { nextNumber = 0, unanswered = [] } = task.partitions[partition] ?? {};
  for (const batch of unanswered) await send(connection, partition, batch);
  const { producerId } = await connection.request(22, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
    producerId: -1,
    producerEpoch: -1,
  });
  const waiting: Promise<void>[] = [];
  for (let count = 0; ; count++) {
    const sequence = count * recordCount;
    const batch = { number: nextNumber + count, producerId, sequence };
    waiting.push(send(connection, partition, batch));
    if (waiting.length >= inFlight) await waiting.shift();
  }
}

async function commitForever(): Promise<void> {
  const connection = connect();
  for (let offset = task.nextCommit; ;) {
    const { topics } = await connection.request(8, 8, {
      groupId: "crash",
      generationIdOrMemberEpoch: -1,
      memberId: "",
      groupInstanceId: null,
      topics: [
        {
          name: crashTopic,
          partitions: [
            {
              partitionIndex: 0,
              committedOffset: offset,
              committedLeaderEpoch: -1,
              committedMetadata: null,
            },
          ],
        },
      ],
    });
    const errorCode = topics[0]?.partitions[0]?.errorCode;
    if (errorCode === 0) tell(`committed ${offset++}`);
    // 14: the coordinator is still being loaded.
    else if (errorCode !== 14) tell(`fail commit: ${errorCode}`);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

const admin = connect();
const created = await create(admin, crashTopic);
// 36: it is there already.
if (created !== 0 && created !== 36) tell(`fail create: ${created}`);
const extra = `extra-${task.cycle}`;
if ((await create(admin, extra)) === 0) tell(`created ${extra}`);
await Promise.all([
  ...partitionAcks.map((_acks, partition) => producePartition(partition)),
  commitForever(),
]);
