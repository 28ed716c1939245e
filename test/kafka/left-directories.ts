/**
 * The directory of a real Kafka, as it left it when it was stopped and when it
 * was killed, and Millrace on such a one.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { openBroker, type Broker } from "../../broker/index.ts";
import { startKafka } from "./kafka-broker.ts";

/** With what the Kafka that wrote it answered last. */
export type Left<Seen> = Seen & { readonly directory: string };

/**
 * Starts a Kafka twice on the same directory. What is done to it each time
 * answers what is to be remembered with the copy that is made after its end.
 */
export async function leaveDirectories<Seen extends object>(
  path: string,
  properties: Readonly<Record<string, string>>,
  feed: {
    readonly clean: (port: number) => Promise<Seen>;
    readonly killed: (port: number) => Promise<Seen>;
  },
): Promise<{ readonly clean: Left<Seen>; readonly killed: Left<Seen> }> {
  const dataDirectory = join(path, "data");
  const leave = async (name: "clean" | "killed"): Promise<Left<Seen>> => {
    const kafka = await startKafka({ dataDirectory, properties });
    try {
      const seen = await feed[name](kafka.port);
      await (name === "clean" ? kafka.stop() : kafka.kill());
      const directory = join(path, name);
      await copyDirectory(dataDirectory, directory);
      return { ...seen, directory };
    } finally {
      await kafka.remove();
    }
  };
  const clean = await leave("clean");
  return { clean, killed: await leave("killed") };
}

/** Kafka reserves 20 MB of nothing for each partition: that is not to be written out. */
export async function copyDirectory(from: string, to: string): Promise<void> {
  await promisify(execFile)("cp", ["-r", "--sparse=always", from, to]);
}

export interface Served {
  readonly broker: Broker;
  readonly port: number;
  readonly warnings: readonly string[];
}

/** Millrace on the directory itself. */
export async function serveDirectory(directory: string): Promise<Served> {
  const warnings: string[] = [];
  const warn = (_fields: object, message: string) => {
    warnings.push(message);
  };
  const broker = await openBroker({
    dir: directory,
    listen: { port: 0, host: "127.0.0.1" },
    logger: { debug() {}, info() {}, warn, error: warn },
  });
  return { broker, port: broker.addresses[0]?.port ?? 0, warnings };
}
