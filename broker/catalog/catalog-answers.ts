/** What the catalog's commands answer: one for each topic named, in our words. */
import type { ConfigOverrides } from "./topic-config.ts";

export type CatalogError =
  | "topic-already-exists"
  | "unknown-topic-or-partition"
  | "unknown-topic-id"
  | "invalid-topic"
  | "invalid-partitions"
  | "invalid-replication-factor"
  | "invalid-replica-assignment"
  | "invalid-config"
  | "invalid-request";

export interface CatalogRefusal {
  readonly error: CatalogError;
  readonly detail: string;
}

/** The topic as it is after the command; as it was, when it is deleted. */
export interface TopicDone {
  readonly error: null;
  readonly id: string;
  readonly name: string;
  readonly partitionCount: number;
  readonly overrides: ConfigOverrides;
}

export type TopicAnswer = TopicDone | CatalogRefusal;

/** The names that are there more than once: which of them was meant, nobody knows. */
export function repeated(names: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return twice;
}

export function refuse(error: CatalogError, detail: string): CatalogRefusal {
  return { error, detail };
}
