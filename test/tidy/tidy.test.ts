/** The rules, held against the repository as it is. */
import { expect, test } from "vitest";
import { checkAmbient, checkZlibNamespace } from "./ambient-rule.ts";
import { checkBlocks, checkLinks, checkTitle } from "./docs-rules.ts";
import {
  checkLayers,
  checkLazyPackages,
  checkShippedPackages,
} from "./layer-rule.ts";
import { entryPoints, seenAtLeast, shippedFolders } from "./layers.ts";
import {
  commentShare,
  describeSizes,
  fileSizes,
  functionSizes,
} from "./size.ts";
import {
  checkEmptyCatch,
  checkEntryPoint,
  checkLooseTypes,
} from "./source-rules.ts";
import {
  isCode,
  isText,
  listFiles,
  readText,
  sourceOf,
  type Finding,
} from "./source.ts";
import { checkText } from "./text-rules.ts";
import {
  checkHandlers,
  checkReachable,
  checkTargetsExist,
} from "./tree-rules.ts";

const files = listFiles();
const sources = files
  .filter(isCode)
  .map((path) => sourceOf(path, readText(path)));
const shipped = sources.filter((source) =>
  shippedFolders.some((folder) => source.path.startsWith(folder)),
);
const documents = files
  .filter((path) => path.endsWith(".md"))
  .map((path) => ({ path, text: readText(path) }));

function lines(findings: readonly Finding[]): string[] {
  return findings.map((one) => `${one.path}:${one.line} ${one.message}`);
}

test("every import is one that the layers allow", () => {
  expect(lines(sources.flatMap(checkLayers))).toEqual([]);
});

test("every import leads to a file", () => {
  expect(lines(checkTargetsExist(sources, files))).toEqual([]);
});

test("what an entry point loads at once loads no slow package", () => {
  expect(lines(checkLazyPackages(sources))).toEqual([]);
});

test("what is published imports only what is installed with it", () => {
  const { dependencies, optionalDependencies } = JSON.parse(
    readText("package.json"),
  );
  const installed = Object.keys({ ...dependencies, ...optionalDependencies });
  expect(
    lines(shipped.flatMap((source) => checkShippedPackages(source, installed))),
  ).toEqual([]);
});

test("only the platform reads time, randomness and the environment", () => {
  expect(lines(sources.flatMap(checkAmbient))).toEqual([]);
});

test("node:zlib is imported as a namespace", () => {
  expect(lines(sources.flatMap(checkZlibNamespace))).toEqual([]);
});

test("types are not loosened", () => {
  expect(lines(sources.flatMap(checkLooseTypes))).toEqual([]);
});

test("no error is swallowed", () => {
  expect(lines(sources.flatMap(checkEmptyCatch))).toEqual([]);
});

test("entry points check Node first and do not await", () => {
  expect(lines(sources.flatMap(checkEntryPoint))).toEqual([]);
});

test("something leads to every file", () => {
  expect(lines(checkReachable(sources))).toEqual([]);
});

test("every message of Kafka's has its handler, or a reason why not", () => {
  expect(lines(checkHandlers(files))).toEqual([]);
});

test("no text is unfinished or tied to one machine", () => {
  expect(
    lines(
      files.filter(isText).flatMap((path) => checkText(path, readText(path))),
    ),
  ).toEqual([]);
});

test("every document has one title", () => {
  expect(
    lines(documents.flatMap(({ path, text }) => checkTitle(path, text))),
  ).toEqual([]);
});

test("every link of the documents leads somewhere", () => {
  const known = new Set(files.flatMap(withFolders));
  const exists = (path: string) => known.has(path.replace(/\/$/, ""));
  expect(
    lines(
      documents.flatMap(({ path, text }) =>
        checkLinks(path, text, exists, readText),
      ),
    ),
  ).toEqual([]);
});

test("every ts block of the documents type-checks", { timeout: 30_000 }, () => {
  expect(lines(checkBlocks(documents))).toEqual([]);
});

test("the search has seen the tree", () => {
  const imports = shipped.reduce((sum, one) => sum + one.imports.length, 0);
  const handlers = files.filter((path) =>
    path.startsWith("broker/server/kafka/handlers/"),
  );
  expect(shipped.length).toBeGreaterThanOrEqual(seenAtLeast.files);
  expect(imports).toBeGreaterThanOrEqual(seenAtLeast.imports);
  expect(handlers.length).toBeGreaterThanOrEqual(seenAtLeast.handlers);
  expect(entryPoints.filter((path) => !files.includes(path))).toEqual([]);
});

test("the sizes, for a reader", () => {
  expect(shipped).not.toEqual([]);
  process.stdout.write(
    [
      "",
      describeSizes("files", fileSizes(shipped)),
      describeSizes("functions", functionSizes(shipped)),
      `comments: ${commentShare(shipped)} % of the lines`,
      "",
    ].join("\n"),
  );
});

/** A file and every folder above it. */
function withFolders(path: string): string[] {
  const parts = path.split("/");
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
