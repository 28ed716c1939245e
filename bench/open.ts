/**
 * How long until a broker that was stopped, or killed, serves what it has: from
 * `openBroker()` to the first fetch of the newest record, and to a group's first
 * answer about its offsets. A clean stop must make it no matter how much there
 * is; after a kill it depends on what came since the recovery checkpoint.
 *
 * The bytes are really written. They are in the page cache as far as it holds
 * them, which a clean opening does not notice: it hardly reads any.
 */
import { performance } from "node:perf_hooks";
import { apis } from "../broker/wire/kafka/apis.ts";
import {
  decodeResponse,
  encodeRequestFrame,
} from "../broker/wire/kafka/headers.ts";
import {
  batchOf,
  bytesOf,
  checkProduced,
  createTopic,
  fetchFrame,
  produceFrame,
  recordsIn,
} from "./frames.ts";
import { startBenchBroker, withDirectory } from "./harness.ts";
import { KafkaSocket } from "./kafka-socket.ts";

export interface OpenFigures {
  readonly openMs: number;
  /** From the beginning of the opening to the newest record. */
  readonly firstFetchMs: number;
}

export interface CommitFigures {
  readonly commitCount: number;
  readonly openMs: number;
  /** From the beginning of the opening to the group's offsets. */
  readonly firstOffsetsMs: number;
}

const BATCH_SIZE_BYTES = 1_000_000;
const COMMITS_PER_REQUEST = 1_000;
const IN_FLIGHT_COUNT = 8;
const OFFSET_COMMIT_VERSION = 7;
const OFFSET_FETCH_VERSION = 5;
const GROUP_ID = "bench";
const COORDINATOR_LOADING = 14;
const header = { correlationId: 1, clientId: "bench" };

/** Writes so much, stops the broker or kills it, and opens it again. */
export function benchOpen(parameters: {
  readonly totalSizeBytes: number;
  readonly isKilled: boolean;
}): Promise<OpenFigures> {
  return withDirectory(async (dir) => {
    const writer = await startBenchBroker({ dir });
    const endOffset = await fill(writer.port, parameters.totalSizeBytes);
    await (parameters.isKilled ? writer.kill() : writer.stop());

    const broker = await startBenchBroker({ dir });
    const startMs = performance.now();
    const socket = await KafkaSocket.connect(broker.port);
    const answer = await socket.request(fetchFrame(endOffset - 1, 1_000_000));
    const fetchMs = performance.now() - startMs;
    const { length } = recordsIn(answer);
    socket.close();
    await broker.stop();
    if (length === 0) throw new Error("the newest record is not there");
    return { openMs: broker.openMs, firstFetchMs: broker.openMs + fetchMs };
  });
}

/** Commits so many offsets, of a thousand partitions, stops the broker and opens it again. */
export function benchOpenCommits(commitCount: number): Promise<CommitFigures> {
  return withDirectory(async (dir) => {
    const writer = await startBenchBroker({ dir });
    const committed = await commit(writer.port, commitCount);
    await writer.stop();

    const broker = await startBenchBroker({ dir });
    const startMs = performance.now();
    const socket = await KafkaSocket.connect(broker.port);
    while (!(await hasOffsets(socket))) {
      // Its log is still being loaded.
    }
    const offsetsMs = performance.now() - startMs;
    socket.close();
    await broker.stop();
    const { openMs } = broker;
    return {
      commitCount: committed,
      openMs,
      firstOffsetsMs: openMs + offsetsMs,
    };
  });
}

/** Answers the end of the partition. */
async function fill(port: number, totalSizeBytes: number): Promise<number> {
  const socket = await KafkaSocket.connect(port);
  await createTopic(socket, "bench", 1);
  const batch = batchOf(1_000, BATCH_SIZE_BYTES);
  const frame = produceFrame(batch, 1);
  const batchCount = Math.ceil(totalSizeBytes / batch.bytes.length);
  await repeat(batchCount, async () =>
    checkProduced(await socket.request(frame)),
  );
  socket.close();
  return batchCount * batch.recordsCount;
}

async function commit(port: number, commitCount: number): Promise<number> {
  const socket = await KafkaSocket.connect(port);
  await createTopic(socket, "bench", COMMITS_PER_REQUEST);
  const requestCount = Math.ceil(commitCount / COMMITS_PER_REQUEST);
  await repeat(requestCount, async (round) => {
    const answer = await socket.request(commitFrame(round));
    const { topics } = decodeResponse(apis[8], OFFSET_COMMIT_VERSION, answer);
    const errorCode = topics[0]?.partitions[0]?.errorCode;
    if (errorCode !== 0) throw new Error(`commit failed with ${errorCode}`);
  });
  socket.close();
  return requestCount * COMMITS_PER_REQUEST;
}

function commitFrame(committedOffset: number): Uint8Array {
  return bytesOf(
    encodeRequestFrame(apis[8], OFFSET_COMMIT_VERSION, header, {
      groupId: GROUP_ID,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      topics: [
        {
          name: "bench",
          partitions: Array.from(
            { length: COMMITS_PER_REQUEST },
            (_, partitionIndex) => ({
              partitionIndex,
              committedOffset,
              committedMetadata: null,
            }),
          ),
        },
      ],
    }),
  );
}

/** False while the coordinator loads. */
async function hasOffsets(socket: KafkaSocket): Promise<boolean> {
  const answer = await socket.request(
    bytesOf(
      encodeRequestFrame(apis[9], OFFSET_FETCH_VERSION, header, {
        groupId: GROUP_ID,
        topics: [{ name: "bench", partitionIndexes: [0] }],
        groups: [],
      }),
    ),
  );
  const { errorCode, topics } = decodeResponse(
    apis[9],
    OFFSET_FETCH_VERSION,
    answer,
  );
  if (errorCode === COORDINATOR_LOADING) return false;
  const found = topics[0]?.partitions[0]?.committedOffset ?? -1;
  if (errorCode !== 0 || found < 0) {
    throw new Error(`no offsets: error ${errorCode}, offset ${found}`);
  }
  return true;
}

/** So many calls, some at a time. */
async function repeat(
  count: number,
  action: (round: number) => Promise<void>,
): Promise<void> {
  let round = 0;
  const goOn = async (): Promise<void> => {
    while (round < count) await action(round++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT_COUNT }, goOn));
}
