/** The rules, held against the repository as it is. */
import { expect, test } from "vitest";
import {
  checkLayers,
  checkLazyPackages,
  checkShippedPackages,
} from "./layer-rule.ts";
import { seenAtLeast, shippedFolders } from "./layers.ts";
import { readText, type Finding } from "./source.ts";
import { files, sources } from "./tree.ts";

function lines(findings: readonly Finding[]): string[] {
  return findings.map((one) => `${one.path}:${one.line} ${one.message}`);
}

const shipped = sources.filter((source) =>
  shippedFolders.some((folder) => source.path.startsWith(folder)),
);

test("every import is one that the layers allow", () => {
  expect(lines(sources.flatMap(checkLayers))).toEqual([]);
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

test("the search has seen the tree", () => {
  expect(files.length).toBeGreaterThan(sources.length);
  expect(shipped.length).toBeGreaterThanOrEqual(seenAtLeast.files);
  const imports = shipped.reduce((sum, one) => sum + one.imports.length, 0);
  expect(imports).toBeGreaterThanOrEqual(seenAtLeast.imports);
});
