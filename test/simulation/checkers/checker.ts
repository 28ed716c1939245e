/**
 * A checker sees what clients asked and were answered, and what befell the
 * world; it throws for the first answer that breaks its promise. It knows
 * nothing of the broker.
 */
import type { Observation, Place } from "../../support/sim-observation.ts";

export interface Checker {
  see(observation: Observation): void;
}

export class BrokenPromise extends Error {
  /** Of the checker that saw it. */
  readonly checker: string;

  constructor(checker: string, detail: string) {
    super(`${checker}: ${detail}`);
    this.name = "BrokenPromise";
    this.checker = checker;
  }
}

/** What was not synced may be gone, and others may take its offsets. */
export function losesPages(
  observation: Observation,
): observation is Extract<Observation, { readonly kind: "stopped" }> {
  return (
    observation.kind === "stopped" &&
    (observation.how === "power-cut" || observation.how === "lost-pages")
  );
}

export function nameOf({ topic, partition }: Place): string {
  return `${topic}-${partition}`;
}

/** What a map has for the key, made when it is first asked for. */
export function inMap<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}

/** `p1.2/17` -> `p1.2` and 17. */
export function laneOf(id: string): {
  readonly lane: string;
  readonly number: number;
} {
  const at = id.lastIndexOf("/");
  return { lane: id.slice(0, at), number: Number(id.slice(at + 1)) };
}
