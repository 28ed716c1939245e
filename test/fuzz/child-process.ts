/** Runs a broker in a process of its own, where limits and deaths are its own too. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Ending {
  readonly exitCode: number | null;
  /** Both outputs: what is not expected is seen. */
  readonly output: string;
}

/** `file` lies in this folder. */
export function runChild(
  file: string,
  args: readonly string[],
): Promise<Ending> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new Promise((resolve, reject) => {
    const running = spawn(process.execPath, [path, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    running.stdout.on("data", (chunk) => (output += String(chunk)));
    running.stderr.on("data", (chunk) => (output += String(chunk)));
    running.on("error", reject);
    running.on("close", (exitCode) => resolve({ exitCode, output }));
  });
}
