/**
 * What every bench needs: the machine in words, a broker in a process of its
 * own whose CPU time can be asked for, and tables.
 *
 * A bench is a function of parameters. `npm run bench` runs it long; under
 * `npm test` it runs small, so that it cannot rot. No test looks at a time.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

export interface Usage {
  /** User and system time of the process so far, in seconds. */
  readonly cpuSeconds: number;
  readonly rssBytes: number;
}

export interface BenchBroker {
  readonly port: number;
  /** How long `openBroker()` took. */
  readonly openMs: number;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
  /** As a crash would: without a word. */
  kill(): Promise<void>;
}

/** Options of `openBroker` that can be sent to another process. */
export interface BenchBrokerOptions {
  readonly dir?: string;
  readonly acksAll?: "disk" | "page-cache";
  readonly transfer?: "mapped" | "stream" | "plain";
  readonly mmap?: "koffi" | "plain";
  readonly compactionCheckIntervalMs?: number;
}

/**
 * A broker in a child process, as nobody else's work shall count as its own.
 * `descriptorsMax` limits what it may have open.
 */
export async function startBenchBroker(
  options: BenchBrokerOptions,
  descriptorsMax: number | null = null,
): Promise<BenchBroker> {
  const setUp = descriptorsMax === null ? "" : `ulimit -n ${descriptorsMax}; `;
  const child = spawn(
    "sh",
    [
      "-c",
      `${setUp}exec "$@"`,
      "sh",
      process.execPath,
      path.join(import.meta.dirname, "broker.child.ts"),
    ],
    { stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  const ask = <T>(question: unknown): Promise<T> => answerOf(child, question);
  const opened = await ask<{ port: number; openMs: number }>({ open: options });
  return {
    ...opened,
    usage: () => ask<Usage>({ usage: true }),
    async stop() {
      child.send({ close: true });
      await once(child, "exit");
    },
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function answerOf<T>(child: ChildProcess, question: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`the broker's process ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (answer) => {
      child.off("exit", onExit);
      resolve(answer as T);
    });
    child.send(question as object);
  });
}

/** Runs `use` with a directory that is gone afterwards. */
export async function withDirectory<T>(
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "millrace-bench-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export function machineInWords(): string {
  const [cpu] = os.cpus();
  const memoryGb = Math.round(os.totalmem() / 1024 ** 3);
  return `${os.cpus().length} x ${cpu?.model.trim() ?? "unknown CPU"}, ${memoryGb} GB, ${os.type()} ${os.release()}, Node ${process.version}`;
}

/** Rows of text, aligned: the first column left, the others right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column === 0 ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The value that so many of a hundred lie at or below. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.ceil((sorted.length * percent) / 100) - 1;
  return sorted[Math.max(0, at)] ?? NaN;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
