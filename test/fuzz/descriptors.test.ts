import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { NodeNetwork } from "../../broker/platform/node/node-network.ts";
import {
  batchOf,
  createTopicBody,
  fetch,
  produce,
  valuesIn,
} from "../broker/server/kafka/support.ts";
import { KafkaConnection } from "../support/kafka-connection.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";

const DESCRIPTORS = 128;
/** Three files each, so that they do not fit. */
const PARTITIONS = 100;
const STORAGE_ERROR = 56;
const CHILD = fileURLToPath(new URL("descriptors.child.ts", import.meta.url));

/** A broker in a process of its own that has few descriptors, and one line after the other from it. */
class FewDescriptors implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #remove: () => Promise<void>;
  port = 0;

  constructor(child: ChildProcess, remove: () => Promise<void>) {
    this.#child = child;
    this.#remove = remove;
    if (child.stdout === null) throw new Error("no output");
    const lines = createInterface({ input: child.stdout });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async start(): Promise<FewDescriptors> {
    const directory = await createTemporaryDirectory();
    const command = `ulimit -n ${DESCRIPTORS} && exec "$@"`;
    const child = spawn(
      "sh",
      ["-c", command, "sh", process.execPath, CHILD, directory.path],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    const started = new FewDescriptors(child, () => directory.remove());
    started.port = Number(await started.#next());
    return started;
  }

  async tell(word: "take" | "give" | "close"): Promise<string> {
    this.#child.stdin?.write(`${word}\n`);
    return this.#next();
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the broker's process has ended");
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#remove();
  }
}

/** Produces a record to each partition; counts the answers by error code. */
async function produceToAll(connection: KafkaConnection) {
  const counts: Record<number, number> = {};
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const batch = batchOf([`to ${partition}`]);
    const answer = await produce(connection, "wide", batch, { partition });
    counts[answer.errorCode] = (counts[answer.errorCode] ?? 0) + 1;
  }
  return counts;
}

async function countIn(connection: KafkaConnection): Promise<number> {
  let count = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const { records } = await fetch(connection, "wide", 0, { partition });
    count += valuesIn(records).length;
  }
  return count;
}

test("connections take no descriptor that files need: those beyond are closed, and the next are served", async () => {
  await using broker = await FewDescriptors.start();
  const first = await KafkaConnection.overTcp(broker.port);
  await first.request(19, 7, createTopicBody("wide", PARTITIONS));
  const network = new NodeNetwork();
  const to = { host: "127.0.0.1", port: broker.port };
  let closedCount = 0;
  const many = await Promise.all(
    Array.from({ length: DESCRIPTORS + 50 }, async () => {
      const connection = await network.connect(to);
      const onClose = () => (closedCount += 1);
      connection.start({ onData() {}, onDrain() {}, onClose });
      return connection;
    }),
  );
  expect(await produceToAll(first)).toEqual({ 0: PARTITIONS });
  expect(closedCount).toBeGreaterThan(50);
  for (const connection of many) connection.destroy();
  await first.request(3, 12, metadata);
  const next = await KafkaConnection.overTcp(broker.port);
  expect(await countIn(next)).toBe(PARTITIONS);
  const lines = await broker.tell("close");
  expect(lines).toContain("connection refused");
  expect(lines).not.toContain("offline");
}, 30_000);

test("where the process has no descriptor left, a produce is answered with an error that clients retry", async () => {
  await using broker = await FewDescriptors.start();
  const connection = await KafkaConnection.overTcp(broker.port);
  await connection.request(19, 7, createTopicBody("wide", PARTITIONS));
  await broker.tell("take");
  const counts = await produceToAll(connection);
  expect(counts[STORAGE_ERROR]).toBe(PARTITIONS);
  const given = Number(await broker.tell("give"));
  expect(given).toBeGreaterThan(30);
  expect(await produceToAll(connection)).toEqual({ 0: PARTITIONS });
  expect(await countIn(connection)).toBe(PARTITIONS);
  const next = await KafkaConnection.overTcp(broker.port);
  expect(await countIn(next)).toBe(PARTITIONS);
  await broker.tell("close");
}, 30_000);

const metadata = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
};
