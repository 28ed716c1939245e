/**
 * Runs seeds of the simulated world.
 *
 *   npm run sim                      those of seeds.txt, then fresh ones for SIM_SECONDS (30)
 *   npm run sim -- --seconds 600     fresh ones for so long
 *   npm run sim -- --from 1000       fresh ones from there on (or SIM_FROM), not from the time
 *   npm run sim -- --seed 7          this one
 *   npm run sim -- --seed 7 --trace  with a line for everything that happens
 *   npm run sim -- --keep-trace      writes down how the checked-in seed goes now
 *
 * A seed that fails is told with the command that runs it again; it belongs in
 * seeds.txt once it is mended. The line says how much was tried:
 *
 *   412 seeds, 31k events/s, 52,113 acknowledged records; 310 kill, 287 power-cut, ...
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { keepTrace } from "./kept-trace.ts";
import { runSeed } from "./run.ts";
import type { RunResult } from "./run.ts";

const PROGRESS_MS = 10_000;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    seconds: { type: "string" },
    from: { type: "string" },
    "keep-trace": { type: "boolean", default: false },
  },
});

/** The seed. */
let running = 0;

class Totals {
  #seedCount = 0;
  #eventCount = 0;
  #acknowledgedCount = 0;
  readonly #faults = new Map<string, number>();
  readonly #startMs = performance.now();

  add({ eventCount, acknowledgedCount, faults }: RunResult): void {
    this.#seedCount += 1;
    this.#eventCount += eventCount;
    this.#acknowledgedCount += acknowledgedCount;
    for (const [kind, count] of faults) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count);
    }
  }

  get line(): string {
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const rate = Math.round(this.#eventCount / seconds / 1_000);
    const faults = [...this.#faults]
      .sort(([, one], [, other]) => other - one)
      .map(([kind, count]) => `${count} ${kind}`);
    return `${this.#seedCount} seeds, ${rate}k events/s, ${this.#acknowledgedCount} acknowledged records; ${faults.join(", ")}`;
  }
}

/** True where it holds. */
async function tryOne(seed: number, totals: Totals): Promise<boolean> {
  running = seed;
  const sink = values.trace ? (line: string) => console.log(line) : null;
  try {
    const result = await runSeed({ seed, sink });
    totals.add(result);
    if (values.seed !== undefined) console.log(`trace ${result.traceHash}`);
    return true;
  } catch (error) {
    console.error(`seed ${seed} fails:`, error);
    console.error(`again: npm run sim -- --seed ${seed} --trace`);
    return false;
  }
}

function keptSeeds(): readonly number[] {
  const text = readFileSync(`${import.meta.dirname}/seeds.txt`, "utf8");
  return text
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
    .map(Number);
}

function numberOf(text: string): number {
  const number = Number(text);
  if (text === "" || !(number >= 0)) {
    throw new RangeError(`"${text}" is no number of seconds, nor a seed`);
  }
  return number;
}

/** Kept seeds, then fresh ones until the time is over; the first that fails ends it. */
async function runMany(totals: Totals): Promise<boolean> {
  const seconds = numberOf(
    values.seconds ?? process.env["SIM_SECONDS"] ?? "30",
  );
  const from = values.from ?? process.env["SIM_FROM"];
  let seed = from === undefined ? Date.now() : numberOf(from);
  for (const kept of keptSeeds()) {
    if (!(await tryOne(kept, totals))) return false;
  }
  const endMs = performance.now() + seconds * 1_000;
  let progressMs = performance.now() + PROGRESS_MS;
  while (performance.now() < endMs) {
    seed = (seed + 1) % 2 ** 31;
    if (!(await tryOne(seed, totals))) return false;
    if (performance.now() < progressMs) continue;
    console.log(totals.line);
    progressMs = performance.now() + PROGRESS_MS;
  }
  return true;
}

async function main(): Promise<boolean> {
  if (values["keep-trace"]) {
    console.log(`kept trace ${await keepTrace()}`);
    return true;
  }
  const totals = new Totals();
  const holds =
    values.seed === undefined
      ? await runMany(totals)
      : await tryOne(Number(values.seed), totals);
  if (holds) console.log(totals.line);
  return holds;
}

// A rejection that nobody saw belongs to the seed that runs.
process.on("unhandledRejection", (error) => {
  console.error(`seed ${running} leaves a rejection:`, error);
  process.exit(1);
});
process.exitCode = (await main()) ? 0 : 1;
