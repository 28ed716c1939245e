/** The example as a process of its own, and what it has left in its folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { openBroker } from "../../broker/index.ts";
import { connect, type RawRecord } from "../../client/index.ts";

const example = fileURLToPath(
  new URL("../../examples/bird-strikes.ts", import.meta.url),
);

export class ExampleProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  output = "";
  errors = "";

  constructor(dir: string, ...more: readonly string[]) {
    const { KAFKA: _, ...env } = process.env;
    this.#child = spawn(process.execPath, [example, "--dir", dir, ...more], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (text) => (this.output += text));
    this.#child.stderr?.on("data", (text) => (this.errors += text));
    this.#closed = once(this.#child, "close");
  }

  /** Resolves when the output says so; rejects when it ends without. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      const next =
        this.#child.stdout === null ? null : once(this.#child.stdout, "data");
      const ended = this.#closed.then(() => "ended" as const);
      if ((await Promise.race([next, ended])) !== "ended") continue;
      if (pattern.test(this.output)) return;
      throw new Error(
        `it ended without ${pattern}: ${this.output}${this.errors}`,
      );
    }
  }

  kill(signal: "SIGINT" | "SIGKILL"): void {
    this.#child.kill(signal);
  }

  /** The exit code, or null where a signal ended it. */
  async exitCode(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }
}

/** Runs it to its end; throws where that is not a success. */
export async function runToEnd(
  dir: string,
  ...more: readonly string[]
): Promise<string> {
  const process = new ExampleProcess(dir, ...more);
  const code = await process.exitCode();
  if (code === 0) return process.output;
  throw new Error(`it exited with ${code}: ${process.output}${process.errors}`);
}

/** Every record of these topics, topic by topic, partition by partition. */
export async function recordsIn(
  dir: string,
  topics: readonly string[],
): Promise<ReadonlyMap<string, readonly RawRecord[]>> {
  await using broker = await openBroker({ dir });
  await using client = await connect({ broker });
  const found = new Map<string, readonly RawRecord[]>();
  for (const topic of topics) {
    const { partitions } = await client.admin.describeTopic(topic);
    const records: RawRecord[] = [];
    for (const { partition, startOffset, endOffset } of partitions) {
      if (startOffset === endOffset) continue;
      await using reader = client.reader({
        partitions: [{ topic, partition, offset: "earliest" }],
      });
      for await (const batch of reader) {
        records.push(...batch.records);
        if ((batch.records.at(-1)?.offset ?? -1) + 1 >= endOffset) break;
      }
    }
    found.set(topic, records);
  }
  return found;
}
