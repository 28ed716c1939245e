/**
 * Runs a fuzzer over seeds: those that failed once and are kept in `seeds.txt`,
 * then so many more. `FUZZ_SECONDS` goes on for that long with fresh ones;
 * `FUZZ_SEED` runs that one alone.
 */
import { readFileSync } from "node:fs";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
const onlySeed = process.env["FUZZ_SEED"];

/** For the runner: what a campaign may take. */
export const CAMPAIGN_TIMEOUT_MS = 60_000 + seconds * 1_500;

export async function campaign(
  name: string,
  { roundsCount }: { readonly roundsCount: number },
  round: (seed: number) => Promise<void>,
): Promise<void> {
  for (const seed of seedsOf(name, roundsCount)) {
    try {
      await round(seed);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(
        `${name}: seed ${seed}: ${reason}\nAgain: FUZZ_SEED=${seed} npx vitest run --project unit test/fuzz/${name}.test.ts`,
        { cause: error },
      );
    }
  }
}

function* seedsOf(name: string, roundsCount: number): Generator<number> {
  if (onlySeed !== undefined) {
    yield Number(onlySeed);
    return;
  }
  yield* keptSeeds(name);
  for (let seed = 1; seed <= roundsCount; seed += 1) yield seed;
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs) yield Math.floor(Math.random() * 2 ** 32);
}

/** Lines of `seeds.txt`: the fuzzer's name, a seed, and behind `#` what it found. */
function keptSeeds(name: string): readonly number[] {
  const lines = readFileSync(new URL("seeds.txt", import.meta.url), "utf8");
  return lines
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
    .filter(([fuzzer]) => fuzzer === name)
    .map(([, seed]) => Number(seed));
}
