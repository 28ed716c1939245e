/** Runs a broker in a process of its own, where limits and deaths are its own too. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ending {
  readonly exitCode: number | null;
  /** Both outputs: what is not expected is seen. */
  readonly output: string;
}

/** `file` lies in this folder. `setUp` is a shell's command to run before it, such as `ulimit -n 256`. */
export function runChild(
  file: string,
  args: readonly string[],
  setUp = "true",
): Promise<Ending> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const command = `${setUp} && exec "$@"`;
  return new Promise((resolve, reject) => {
    const running = spawn(
      "sh",
      ["-c", command, "sh", process.execPath, path, ...args],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    running.stdout.on("data", (chunk) => (output += String(chunk)));
    running.stderr.on("data", (chunk) => (output += String(chunk)));
    running.on("error", reject);
    running.on("close", (exitCode) => resolve({ exitCode, output }));
  });
}
