/** The command line as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** Resolves once standard output has what is looked for. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for standard error. */
  untilError(pattern: RegExp): Promise<void>;
  readonly ended: Promise<Ran>;
}

/** Starts `millrace ...`; `input` is all of its standard input. */
export function start(args: readonly string[], input = ""): Running {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let look = () => {};
  let lookAtErrors = () => {};
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    lookAtErrors();
  });
  child.stdin.on("error", () => {
    // Whoever reads no input may go before it is written.
  });
  child.stdin.end(input);
  const ended = new Promise<Ran>((resolve) => {
    child.once("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
  return {
    child,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        look = () => {
          const found = pattern.exec(stdout);
          if (found !== null) resolve(found);
        };
        look();
        void ended.then((ran) =>
          reject(new Error(`ended before ${pattern}: ${ran.stderr}`)),
        );
      }),
    untilError: (pattern) =>
      new Promise((resolve) => {
        lookAtErrors = () => {
          if (pattern.test(stderr)) resolve();
        };
        lookAtErrors();
        void ended.then(() => resolve());
      }),
  };
}

export function run(args: readonly string[], input?: string): Promise<Ran> {
  return start(args, input).ended;
}

/** The objects of a command's `--json`. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}
