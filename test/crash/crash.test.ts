/**
 * A broker is killed while it writes, again and again in the same directory;
 * then every promise it gave must hold. One cycle in `npm test`, as many as
 * CRASH_CYCLES says (300) in `npm run test:crash`. The page cache survives: what
 * a power cut does is not shown here.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { SeededRandom } from "../support/seeded-random.ts";
import { createTemporaryDirectory } from "../support/temporary-directory.ts";
import { CrashRecord } from "./crash-record.ts";
import type { ChildTask } from "./crash-task.ts";

const childPath = join(import.meta.dirname, "producer-broker.child.ts");
const cycleCount = Number(process.env["CRASH_CYCLES"] ?? 1);
const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000);
/** Whatever the count: a slow machine does fewer, and says so. */
const runMsMax = 15 * 60_000;
const cyclesPerDirectory = 15;
/** The checks between read only what is new. */
const cyclesPerWholeCheck = 5;
/** Each in directories of its own: one waits or is killed while the other writes. */
const sideBySideCount = 2;
const openMsMax = 60_000;

/** When the child dies: so long after its first acknowledgement, or after its start whatever it did by then. */
interface Kill {
  readonly after: "acknowledgement" | "start";
  readonly delayMs: number;
}

interface Done {
  readonly killCount: number;
  readonly batchCount: number;
}

/** Gives all that the child printed until it was killed. */
async function runAndKill(
  task: ChildTask,
  kill: Kill,
  compileCache: string,
): Promise<string> {
  const child = spawn(process.execPath, [childPath, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "pipe"],
    // Half a second of each child's life was compiling the same modules.
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  let output = "";
  let errors = "";
  const ended = once(child, "close");
  const acknowledged = new Promise<void>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (/^ack /m.test(output)) resolve();
    });
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    errors += chunk;
  });
  const limit = sleep(openMsMax, null, { ref: false });
  if (kill.after === "acknowledgement") {
    await Promise.race([acknowledged, ended, limit]);
  }
  await Promise.race([ended, sleep(kill.delayMs)]);
  const hasEndedBefore = child.exitCode !== null;
  child.kill("SIGKILL");
  await ended;
  if (hasEndedBefore) throw new Error(`the child ended by itself: ${errors}`);
  return output;
}

/** In a fresh directory, as copying and checking takes longer the more there is. */
async function killRepeatedly(
  cycles: { readonly first: number; readonly count: number },
  compileCache: string,
  isTimeUp: () => boolean,
): Promise<Done> {
  const random = new SeededRandom(seed + cycles.first);
  const directory = await createTemporaryDirectory();
  const path = join(directory.path, "data");
  const copy = join(directory.path, "copy");
  const record = new CrashRecord();
  let killCount = 0;
  try {
    while (killCount < cycles.count && !isTimeUp()) {
      const task = record.taskFor(path, cycles.first + killCount);
      const kill: Kill =
        killCount === 0 || random.fraction() < 0.8
          ? { after: "acknowledgement", delayMs: random.fraction() * 300 }
          : { after: "start", delayMs: random.fraction() * 600 };
      record.take(await runAndKill(task, kill, compileCache));
      killCount++;
      const isLast = killCount === cycles.count || isTimeUp();
      const isWhole = isLast || killCount % cyclesPerWholeCheck === 0;
      // The next child is to find what this one left.
      await cp(path, copy, { recursive: true });
      await record.check(copy, isWhole ? "all" : "new");
      await rm(copy, { recursive: true });
      if (isLast) break;
    }
    return { killCount, batchCount: record.acknowledgedCount };
  } catch (error) {
    const at = `kill ${cycles.first + killCount}, seed ${seed}`;
    throw new Error(`${at}: ${String(error)}`, { cause: error });
  } finally {
    await directory.remove();
  }
}

const timeoutMs = runMsMax + 120_000;

test(
  "every promise holds after a kill in the middle of writing",
  { timeout: timeoutMs },
  async () => {
    const until = performance.now() + runMsMax;
    const isTimeUp = () => performance.now() > until;
    const compileCache = await createTemporaryDirectory();
    let nextCycle = 1;
    const total = { killCount: 0, batchCount: 0 };
    const killInTurn = async () => {
      while (nextCycle <= cycleCount && !isTimeUp()) {
        const first = nextCycle;
        const count = Math.min(cycleCount - first + 1, cyclesPerDirectory);
        nextCycle += count;
        const cycles = { first, count };
        const done = await killRepeatedly(cycles, compileCache.path, isTimeUp);
        total.killCount += done.killCount;
        total.batchCount += done.batchCount;
      }
    };
    try {
      await Promise.all(Array.from({ length: sideBySideCount }, killInTurn));
    } finally {
      await compileCache.remove();
    }
    const { killCount, batchCount } = total;
    if (cycleCount > 1) {
      const short = killCount < cycleCount ? ": TIME WAS UP BEFORE ALL" : "";
      console.log(
        `${killCount} of ${cycleCount} kills, ${batchCount} acknowledged batches, seed ${seed}${short}`,
      );
    }
    expect(batchCount).toBeGreaterThan(0);
  },
);
