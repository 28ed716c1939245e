/**
 * A real Apache Kafka on this machine, without Docker: one node in KRaft mode,
 * on 127.0.0.1, with its data in a temporary directory. The jars come from
 * fetch-jars.sh.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { apiVersions } from "../support/api-versions.ts";
import { kafkaJars } from "../support/needs.ts";

const readyMsMax = 60_000;
const stopMsMax = 20_000;
const startAttemptsMax = 3;
/** 16 bytes in base64, as Kafka writes ids. */
const clusterId = "bWlsbHJhY2UtdGVzdHMtMQ";

export interface KafkaBroker {
  readonly host: string;
  readonly port: number;
  /** `log.dirs`: the partitions' directories lie here. */
  readonly dataDirectory: string;
  /** What it printed so far. */
  output(): string;
  /** Stops it cleanly, so that its files can be read; the directory stays until `remove`. */
  stop(): Promise<void>;
  /** Ends it as a crash would: nothing is closed, index files keep their reserved size. */
  kill(): Promise<void>;
  /** Stops it and removes its directory. */
  remove(): Promise<void>;
}

export interface KafkaBrokerOptions {
  /** An existing `log.dirs` of Kafka's own; a fresh one otherwise. */
  readonly dataDirectory?: string;
  /** Added to server.properties, after ours. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** Formats where needed, starts, and resolves when it answers; throws with its output when it does not. */
export async function startKafka(
  options: KafkaBrokerOptions = {},
): Promise<KafkaBroker> {
  const directory = mkdtempSync(join(tmpdir(), "real-kafka-"));
  for (let attempt = 1; ; attempt++) {
    try {
      return await startIn(directory, options);
    } catch (error) {
      // A port that was free may have been taken since: only then again.
      const isTaken =
        error instanceof Error &&
        /already in use|BindException/.test(error.message);
      if (isTaken && attempt < startAttemptsMax) continue;
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }
}

async function startIn(
  directory: string,
  options: KafkaBrokerOptions,
): Promise<KafkaBroker> {
  const [port, controllerPort] = await freePorts();
  const dataDirectory = options.dataDirectory ?? join(directory, "data");
  const configuration = join(directory, "server.properties");
  const nodeId = options.properties?.["node.id"] ?? "1";
  writeFileSync(
    configuration,
    propertiesText({
      "process.roles": "broker,controller",
      "node.id": nodeId,
      "controller.quorum.voters": `${nodeId}@127.0.0.1:${controllerPort}`,
      "controller.listener.names": "CONTROLLER",
      listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      "listener.security.protocol.map":
        "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
      "log.dirs": dataDirectory,
      "offsets.topic.num.partitions": "1",
      "offsets.topic.replication.factor": "1",
      "transaction.state.log.num.partitions": "1",
      "transaction.state.log.replication.factor": "1",
      "transaction.state.log.min.isr": "1",
      "group.initial.rebalance.delay.ms": "0",
      // Else a restart after a kill waits for the dead broker's session to end.
      "broker.session.timeout.ms": "2000",
      "broker.heartbeat.interval.ms": "500",
      ...options.properties,
    }),
  );
  await runKafkaTool("kafka.tools.StorageTool", [
    "format",
    "--ignore-formatted",
    "--cluster-id",
    clusterId,
    "--config",
    configuration,
  ]);
  const outputPath = join(directory, "output.log");
  const child = spawnJava(
    ["-Xmx512m", "kafka.Kafka", configuration],
    outputPath,
  );
  const output = () => readFileSync(outputPath, "utf8");
  try {
    await untilAnswers(port, child);
  } catch (error) {
    await stopChild(child);
    throw new Error(`Kafka did not start: ${String(error)}\n${output()}`, {
      cause: error,
    });
  }
  return {
    host: "127.0.0.1",
    port,
    dataDirectory,
    output,
    stop: () => stopChild(child),
    kill: () => killChild(child),
    remove: async () => {
      await stopChild(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Runs one of Kafka's command-line tools to its end and gives what it printed,
 * both streams; throws with that text when it fails.
 */
export async function runKafkaTool(
  mainClass: string,
  args: readonly string[],
): Promise<string> {
  const child = spawn("java", [...javaOptions(), mainClass, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  child.stdout
    .setEncoding("utf8")
    .on("data", (chunk: string) => (text += chunk));
  child.stderr
    .setEncoding("utf8")
    .on("data", (chunk: string) => (text += chunk));
  const [code] = await once(child, "close");
  if (code !== 0)
    throw new Error(`${mainClass} ended with ${String(code)}:\n${text}`);
  return text;
}

/**
 * Kafka's own reading of segment, index and snapshot files. `--deep-iteration`
 * opens each batch and checks its CRC; indexes are checked against their log.
 */
export function dumpLogSegments(
  files: readonly string[],
  flags: readonly string[] = ["--deep-iteration", "--print-data-log"],
): Promise<string> {
  return runKafkaTool("org.apache.kafka.tools.DumpLogSegments", [
    ...flags,
    "--files",
    files.join(","),
  ]);
}

/**
 * The lines of a dump that say that something is wrong. The tool ends with 0
 * whatever it finds; what a record holds is not looked at. In every segment
 * but a partition's first it misses the offset before the first one, in Kafka's
 * own directories too.
 */
export function complaintsIn(dump: string): readonly string[] {
  const wrong =
    /mismatch|out of order|non-consecutive|isvalid: false|exception|error|warn|corrupt|could not|invalid|skipp/i;
  const firstOffset =
    /^Non-consecutive offsets in .*\n {2}-1 is followed by \d+\n(?! )/gm;
  return dump
    .replace(firstOffset, "")
    .split("\n")
    .map((line) => line.replace(/ (key|payload): .*/, ""))
    .filter((line) => wrong.test(line));
}

function javaOptions(): string[] {
  return ["-XX:TieredStopAtLevel=1", "-cp", join(kafkaJars, "*")];
}

function spawnJava(args: readonly string[], outputPath: string): ChildProcess {
  const output = openSync(outputPath, "a");
  try {
    return spawn("java", [...javaOptions(), ...args], {
      stdio: ["ignore", output, output],
    });
  } finally {
    closeSync(output);
  }
}

/** Asks it by id to stop, and insists when it does not. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const insist = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
  try {
    await ended;
  } finally {
    clearTimeout(insist);
  }
}

async function killChild(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return (
    child.exitCode !== null ||
    child.signalCode !== null ||
    child.pid === undefined
  );
}

/** Polls, as nothing tells when a broker of another program is ready. */
async function untilAnswers(port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + readyMsMax;
  let failure: unknown = null;
  child.once("error", (error) => (failure = error));
  for (;;) {
    if (failure !== null) throw failure;
    if (hasEnded(child))
      throw new Error(
        `it ended with ${String(child.exitCode ?? child.signalCode)}`,
      );
    try {
      await apiVersions(port);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(100);
    }
  }
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** Two ports that the system says are free. Both are held until both are known, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  try {
    const ports: number[] = [];
    for (const server of servers) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      if (address === null || typeof address === "string")
        throw new Error("no port");
      ports.push(address.port);
    }
    return [ports[0] ?? 0, ports[1] ?? 0];
  } finally {
    for (const server of servers) server.close();
  }
}
