/**
 * The one run whose trace hash is checked in: the same on any machine. It
 * changes with whatever changes what the broker does, or when; then
 *
 *   npm run sim -- --keep-trace
 *
 * writes the new one down, to be committed with the change.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runSeed } from "./run.ts";

const path = join(import.meta.dirname, "kept-trace.txt");
const seed = 5;
/** Long enough for some faults of each kind that the seed has. */
const safetyMs = 4_000;

export function keptTraceHash(): string {
  return readFileSync(path, "utf8").trim();
}

export async function runKeptSeed(): Promise<string> {
  const { traceHash } = await runSeed({ seed, safetyMs });
  return traceHash;
}

/** Answers what was written. */
export async function keepTrace(): Promise<string> {
  const traceHash = await runKeptSeed();
  writeFileSync(path, `${traceHash}\n`);
  return traceHash;
}
