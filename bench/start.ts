/**
 * From `openBroker()` to the first acknowledged record, in a fresh process that
 * has loaded its modules; and what the process weighs when it is idle. Run on
 * `dist`, as a user has it, where that is built.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

export interface StartFigures {
  /** Which code was run. */
  readonly code: "dist" | "sources";
  /** In memory: open, connect in process, send, acknowledged. */
  readonly firstAckMs: number;
  readonly idleRssBytes: number;
}

const root = path.join(import.meta.dirname, "..");

export async function benchStart(): Promise<StartFigures> {
  const isBuilt = existsSync(path.join(root, "dist/broker/index.js"));
  const [folder, ending] = isBuilt ? ["dist/", "js"] : ["", "ts"];
  const script = `
    const { openBroker } = await import("./${folder}broker/index.${ending}");
    const { connect, topic } = await import("./${folder}client/index.${ending}");
    const startMs = performance.now();
    const broker = await openBroker();
    const client = await connect({ broker });
    await client.send(topic("first"), { key: null, value: new Uint8Array(10) });
    const firstAckMs = performance.now() - startMs;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const idleRssBytes = process.memoryUsage.rss();
    await client.close();
    await broker.close();
    console.log(JSON.stringify({ firstAckMs, idleRssBytes }));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { cwd: root, timeout: 30_000 },
  );
  const figures = JSON.parse(stdout) as Omit<StartFigures, "code">;
  return { code: isBuilt ? "dist" : "sources", ...figures };
}
