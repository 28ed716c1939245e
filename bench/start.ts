/**
 * How long until a broker takes records, and what it weighs when it is idle: in
 * a program of one's own, and as `millrace serve`. Run on `dist`, as a user has
 * it, where that is built. Medians of several fresh processes.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { batchOf, checkProduced, createTopic, produceFrame } from "./frames.ts";
import { median, withDirectory } from "./harness.ts";
import { KafkaSocket } from "./kafka-socket.ts";

const root = path.join(import.meta.dirname, "..");
const isBuilt = existsSync(path.join(root, "dist/broker/index.js"));
const [folder, ending] = isBuilt ? ["dist/", "js"] : ["", "ts"];
/** Which code is run. */
export const startedCode = isBuilt ? "dist" : "sources";
const run = promisify(execFile);

export interface EmbeddedStart {
  /** In memory, modules loaded: open, connect in process, send, acknowledged. */
  readonly firstAckMs: number;
  /** The same, and the loading of the modules. */
  readonly withImportMs: number;
  readonly idleRssBytes: number;
}

export interface ServeStart {
  /** From the start of the process to the line that says where it listens. */
  readonly listeningMs: number;
  /** On to the first record acknowledged, in a topic created for it, over TCP. */
  readonly firstAckMs: number;
  readonly idleRssBytes: number;
}

const embedding = `
  const importMs = performance.now();
  const { openBroker } = await import("./${folder}broker/index.${ending}");
  const { connect, topic } = await import("./${folder}client/index.${ending}");
  const startMs = performance.now();
  const broker = await openBroker();
  const client = await connect({ broker });
  await client.send(topic("first"), { key: null, value: new Uint8Array(10) });
  const endMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const idleRssBytes = process.memoryUsage.rss();
  await client.close();
  await broker.close();
  console.log(JSON.stringify({
    firstAckMs: endMs - startMs, withImportMs: endMs - importMs, idleRssBytes,
  }));`;

export async function benchEmbeddedStart(
  rounds: number,
): Promise<EmbeddedStart> {
  const all: EmbeddedStart[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { stdout } = await run(
      process.execPath,
      ["--input-type=module", "--eval", embedding],
      { cwd: root, timeout: 30_000 },
    );
    all.push(JSON.parse(stdout));
  }
  return {
    firstAckMs: median(all.map(({ firstAckMs }) => firstAckMs)),
    withImportMs: median(all.map(({ withImportMs }) => withImportMs)),
    idleRssBytes: median(all.map(({ idleRssBytes }) => idleRssBytes)),
  };
}

export async function benchServeStart(rounds: number): Promise<ServeStart> {
  const all: ServeStart[] = [];
  for (let round = 0; round < rounds; round += 1) {
    all.push(await withDirectory(serveOnce));
  }
  return {
    listeningMs: median(all.map(({ listeningMs }) => listeningMs)),
    firstAckMs: median(all.map(({ firstAckMs }) => firstAckMs)),
    idleRssBytes: median(all.map(({ idleRssBytes }) => idleRssBytes)),
  };
}

async function serveOnce(dir: string): Promise<ServeStart> {
  const command = path.join(root, `${folder}cli/main.${ending}`);
  const startMs = performance.now();
  const child = spawn(
    process.execPath,
    [command, "serve", "--port", "0", "--dir", dir],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = once(child, "exit");
  try {
    const port = await portOf(child.stdout);
    const listeningMs = performance.now() - startMs;
    const socket = await KafkaSocket.connect(port);
    await createTopic(socket, "first", 1);
    const at = { topic: "first", partition: 0 };
    checkProduced(await socket.request(produceFrame(batchOf(10, 100), 1, at)));
    const firstAckMs = performance.now() - startMs;
    socket.close();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const idleRssBytes = await rssBytesOf(child.pid);
    return { listeningMs, firstAckMs, idleRssBytes };
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

async function portOf(output: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface(output)) {
    const found = /127\.0\.0\.1:(\d+)/.exec(line);
    if (found !== null) return Number(found[1]);
  }
  throw new Error("serve ended without saying where it listens");
}

async function rssBytesOf(pid: number | undefined): Promise<number> {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }
  const { stdout } = await run("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) * 1024;
}
