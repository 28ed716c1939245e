/** What may become of the files of a data directory: on a bad disk, or in careless hands. */
import type { SeededRandom } from "../support/seeded-random.ts";
import { onceIn, oneOf } from "./draw.ts";
import type { Image } from "./directory-image.ts";
import { flipBit, mutateOnce } from "./mutate.ts";

export interface Damaged {
  readonly image: Image;
  /** The files that are not as they were. */
  readonly paths: ReadonlySet<string>;
  /** For whoever reads of a failure. */
  readonly what: string;
}

/** A copy with some damage. */
export function damage(random: SeededRandom, image: Image): Damaged {
  const files = new Map(image);
  const paths = new Set<string>();
  const done: string[] = [];
  const count = onceIn(random, 3) ? 1 + random.integer(4) : 1;
  for (let index = 0; index < count; index += 1) {
    const path = pickFile(random, files);
    const bytes = files.get(path);
    if (bytes === undefined) continue;
    const [name, change] = oneOf(random, changes);
    const others = change(random, files, path, bytes);
    for (const changed of [path, ...others]) paths.add(changed);
    done.push(`${name} ${path}`);
  }
  return { image: files, paths, what: done.join(", ") };
}

/** Each kind of file as often as another, however many there are of it. */
function pickFile(random: SeededRandom, files: Image): string {
  const kinds = new Map<string, string[]>();
  for (const path of files.keys()) {
    const kind = path.replace(/^.*\//, "").replace(/\d/g, "");
    kinds.set(kind, [...(kinds.get(kind) ?? []), path]);
  }
  return oneOf(random, oneOf(random, [...kinds.values()]));
}

/** Answers other files that it changed as well. */
type Change = (
  random: SeededRandom,
  files: Map<string, Uint8Array>,
  path: string,
  bytes: Uint8Array,
) => readonly string[];

function ofBytes(
  change: (random: SeededRandom, bytes: Uint8Array) => Uint8Array,
): Change {
  return (random, files, path, bytes) => {
    files.set(path, change(random, bytes));
    return [];
  };
}

const changes: readonly (readonly [string, Change])[] = [
  ["flip a bit of", ofBytes(flipBit)],
  ["flip a bit of", ofBytes(flipBit)],
  ["change", ofBytes(mutateOnce)],
  ["change", ofBytes(mutateOnce)],
  ["cut", ofBytes((random, bytes) => bytes.slice(0, upTo(random, bytes)))],
  ["empty", ofBytes(() => new Uint8Array(0))],
  ["append garbage to", ofBytes(withGarbage)],
  ["append zeros to", ofBytes(withZeros)],
  ["zero a part of", ofBytes(zeroed)],
  ["repeat the end of", ofBytes(repeatedEnd)],
  [
    "remove",
    (_random, files, path) => {
      files.delete(path);
      return [];
    },
  ],
  ["put another's bytes in", copyOver],
  ["copy to a new name", copyAside],
];

function upTo(random: SeededRandom, bytes: Uint8Array): number {
  return random.integer(bytes.length + 1);
}

function withGarbage(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, random.bytes(1 + random.integer(100))]);
}

function withZeros(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(1 + random.integer(5_000))]);
}

function zeroed(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const start = upTo(random, bytes);
  return changed.fill(0, start, start + random.integer(200));
}

function repeatedEnd(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, bytes.subarray(upTo(random, bytes))]);
}

/** The bytes of another file of its kind, as when a copy went wrong. */
function copyOver(
  random: SeededRandom,
  files: Map<string, Uint8Array>,
  path: string,
): readonly string[] {
  const suffix = path.replace(/^.*[./]/, "");
  const alike = [...files.keys()].filter((other) => other.endsWith(suffix));
  const bytes = files.get(oneOf(random, alike));
  if (bytes !== undefined) files.set(path, Uint8Array.from(bytes));
  return [];
}

/** The same file under another offset, or as something that nobody knows. */
function copyAside(
  random: SeededRandom,
  files: Map<string, Uint8Array>,
  path: string,
  bytes: Uint8Array,
): readonly string[] {
  const directory = path.slice(0, path.lastIndexOf("/"));
  const suffix = /\.[a-z]+$/.exec(path)?.[0] ?? "";
  const name = oneOf(random, [
    String(random.integer(200)).padStart(20, "0") + suffix,
    `copy${suffix}`,
    "9".repeat(20) + suffix,
    `00000000000000000000${suffix}.tmp`,
  ]);
  const copy = `${directory}/${name}`;
  files.set(copy, Uint8Array.from(bytes));
  return [copy];
}
