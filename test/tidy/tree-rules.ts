/**
 * Rules about the tree as a whole: no file that nothing imports, and a handler
 * for each of Kafka's messages.
 */
import { posix } from "node:path";
import {
  entryPoints,
  messagesWithoutHandler,
  shippedFolders,
  simulatedWorld,
  startedFiles,
  threads,
} from "./layers.ts";
import type { Finding, Source } from "./source.ts";

/**
 * Files that no started file leads to. What is published must be reached from
 * an entry point: a test is no reason for a file to exist.
 */
export function checkReachable(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const isShipped = (path: string) =>
    shippedFolders.some((folder) => path.startsWith(folder));
  const starts = sources
    .map((source) => source.path)
    .filter(
      (path) =>
        entryPoints.includes(path) ||
        startedFiles.some((one) => one.test(path)),
    );
  const fromAll = reach(byPath, starts);
  const fromEntries = reach(byPath, [
    ...entryPoints.filter(isShipped),
    ...simulatedWorld,
    ...threads,
  ]);
  return sources
    .filter(({ path }) => !(isShipped(path) ? fromEntries : fromAll).has(path))
    .map(({ path }) => ({
      path,
      line: 1,
      message: isShipped(path)
        ? "no entry point leads here: import it or delete it"
        : "nothing imports this file: import it or delete it",
    }));
}

function reach(
  byPath: ReadonlyMap<string, Source>,
  starts: readonly string[],
): Set<string> {
  const seen = new Set<string>();
  const queue = [...starts];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = byPath.get(path);
    if (!source || seen.has(path)) continue;
    seen.add(path);
    for (const one of source.imports) if (one.target) queue.push(one.target);
  }
  return seen;
}

/** Imports of files that do not exist: the compiler says so too, but not of plain JavaScript. */
export function checkTargetsExist(
  sources: readonly Source[],
  files: readonly string[],
): Finding[] {
  const known = new Set(files);
  return sources.flatMap((source) =>
    source.imports
      .filter((one) => one.target !== null && !known.has(one.target))
      .map((one) => ({
        path: source.path,
        line: one.line,
        message: `there is no ${one.target}`,
      })),
  );
}

const messageFolder = "broker/wire/kafka/messages/";
const handlerFolder = "broker/server/kafka/handlers/";

/**
 * Each `NN-name.ts` among the messages has a handler of the same name, or a
 * reason why not. Before the first handler there is nothing to hold.
 */
export function checkHandlers(
  files: readonly string[],
  leftOut: Readonly<Record<string, string>> = messagesWithoutHandler,
): Finding[] {
  const numbered = (folder: string) =>
    files
      .filter(
        (path) =>
          path.startsWith(folder) &&
          /^\d\d-[^/]+\.ts$/.test(path.slice(folder.length)),
      )
      .map((path) => posix.basename(path));
  const messages = numbered(messageFolder);
  const handlers = numbered(handlerFolder);
  if (handlers.length === 0) return [];
  const at = (path: string, message: string): Finding => ({
    path,
    line: 1,
    message,
  });
  return [
    ...messages
      .filter((name) => !handlers.includes(name) && !leftOut[name])
      .map((name) =>
        at(
          messageFolder + name,
          `has no ${handlerFolder}${name}, and no reason in layers.ts`,
        ),
      ),
    ...handlers
      .filter((name) => !messages.includes(name))
      .map((name) =>
        at(handlerFolder + name, `has no ${messageFolder}${name}`),
      ),
    ...Object.keys(leftOut)
      .filter((name) => !messages.includes(name) || handlers.includes(name))
      .map((name) =>
        at(
          "test/tidy/layers.ts",
          `${name} is left out for nothing: it has a handler, or no message`,
        ),
      ),
  ];
}
