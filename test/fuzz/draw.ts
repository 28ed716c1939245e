/** Drawing from a seeded source, in the words that the fuzzers use. */
import type { SeededRandom } from "../support/seeded-random.ts";

export function oneOf<T>(random: SeededRandom, choices: readonly T[]): T {
  const choice = choices[random.integer(choices.length)];
  if (choice === undefined) throw new RangeError("nothing to choose from");
  return choice;
}

/** True once in so many times. */
export function onceIn(random: SeededRandom, times: number): boolean {
  return random.integer(times) === 0;
}

/** Nearly always few, now and then many. */
export function fewOrMany(random: SeededRandom, many: number): number {
  return random.integer(onceIn(random, 12) ? many : 4);
}
