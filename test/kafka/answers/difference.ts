import { nameFields } from "./plain-form.ts";

/** Where two answers differ: `topics[orders].partitions[0].errorCode: 3, Kafka 5`. */
export interface Difference {
  /** `unknown topic (Metadata v3)` */
  readonly question: string;
  /** From the top of the answer; elements by their names. */
  readonly path: string;
  readonly ours: unknown;
  readonly kafkas: unknown;
}

export function differencesBetween(
  ours: ReadonlyMap<string, unknown>,
  kafkas: ReadonlyMap<string, unknown>,
): Difference[] {
  const questions = new Set([...ours.keys(), ...kafkas.keys()]);
  return [...questions].flatMap((question) =>
    compare(question, "", ours.get(question), kafkas.get(question)),
  );
}

/** One line a difference, the versions in which it is the same in one line. */
export function linesOf(differences: readonly Difference[]): string[] {
  const versionsByText = new Map<string, string[]>();
  for (const { question, path, ours, kafkas } of differences) {
    const [, what = question, version = ""] =
      /^(.* \(\w+) v(\d+)\)$/.exec(question) ?? [];
    const text = `${what}): ${path}: ${said(ours)}, Kafka ${said(kafkas)}`;
    const versions = versionsByText.get(text) ?? [];
    versionsByText.set(text, [...versions, version]);
  }
  return [...versionsByText].map(([text, versions]) =>
    text.replace("):", ` v${versions.join(" ")}):`),
  );
}

function said(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}

function compare(
  question: string,
  path: string,
  ours: unknown,
  kafkas: unknown,
): Difference[] {
  if (Array.isArray(ours) && Array.isArray(kafkas)) {
    return compareParts(
      question,
      byName(ours),
      byName(kafkas),
      (name) => `${path}[${name}]`,
    );
  }
  if (isObject(ours) && isObject(kafkas)) {
    return compareParts(
      question,
      new Map(Object.entries(ours)),
      new Map(Object.entries(kafkas)),
      (name) => (path === "" ? name : `${path}.${name}`),
    );
  }
  return Object.is(ours, kafkas) ? [] : [{ question, path, ours, kafkas }];
}

function compareParts(
  question: string,
  ours: ReadonlyMap<string, unknown>,
  kafkas: ReadonlyMap<string, unknown>,
  pathOf: (name: string) => string,
): Difference[] {
  const names = new Set([...ours.keys(), ...kafkas.keys()]);
  return [...names].flatMap((name) =>
    compare(question, pathOf(name), ours.get(name), kafkas.get(name)),
  );
}

/** Elements by what names them; those that nothing names by their place. */
function byName(values: readonly unknown[]): Map<string, unknown> {
  const named = new Map<string, unknown>();
  for (const [place, value] of values.entries()) {
    const name = nameOf(value) ?? String(place);
    named.set(named.has(name) ? `${name} again ${place}` : name, value);
  }
  return named;
}

function nameOf(value: unknown): string | null {
  if (!isObject(value)) return null;
  for (const field of nameFields) {
    const name = value[field];
    if ((typeof name === "string" && name !== "") || typeof name === "number") {
      return String(name);
    }
  }
  return null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
