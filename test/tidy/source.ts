/**
 * The repository's own files, read once: code with its syntax tree and its
 * imports, and every other text as it is.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import {
  child,
  nodesIn,
  nameOf,
  parse,
  stringOf,
  walk,
  type Node,
  type Parsed,
} from "./syntax.ts";

export const root = join(import.meta.dirname, "..", "..");

export interface Import {
  /** As written, or null where it is computed and cannot be held against anything. */
  readonly specifier: string | null;
  /** The file it leads to, seen from the root, or null for a package. */
  readonly target: string | null;
  /** `static` is loaded with the file, `dynamic` at its first use, `type` never. */
  readonly kind: "static" | "dynamic" | "type";
  readonly line: number;
}

export interface Source extends Parsed {
  /** Seen from the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** What a rule found: where, and what to do instead. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const skippedFolders = new Set([
  ".git",
  "node_modules",
  "dist",
  "data",
  "coverage",
  "test/kafka/jars",
]);
const codeSuffix = /\.(?:ts|mts|js|mjs)$/;
const binarySuffix = /\.(?:tgz|jar|png|log|index|timeindex|bin)$/;

/** Every file of the tree as it lies on disk, so that one not yet committed is held too. */
export function listFiles(folder = ""): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), {
    withFileTypes: true,
  })) {
    const path = posix.join(folder, entry.name);
    if (skippedFolders.has(path)) continue;
    if (entry.isDirectory()) found.push(...listFiles(path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

export function isCode(path: string): boolean {
  return codeSuffix.test(path);
}

export function isText(path: string): boolean {
  return !binarySuffix.test(path);
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** A source from its text: from the tree, or a snippet that a test makes up. */
export function sourceOf(path: string, text: string): Source {
  const parsed = parse(path, text);
  return {
    ...parsed,
    path,
    text,
    imports: importsOf(path, text, parsed.program),
  };
}

export function lineAt(text: string, position: number): number {
  let line = 1;
  for (
    let i = text.indexOf("\n");
    i >= 0 && i < position;
    i = text.indexOf("\n", i + 1)
  )
    line++;
  return line;
}

function importsOf(path: string, text: string, program: Node): Import[] {
  const imports: Import[] = [];
  const add = (node: Node, from: Node | null, kind: Import["kind"]) => {
    const specifier = stringOf(from);
    imports.push({
      specifier,
      target: specifier === null ? null : targetOf(path, specifier),
      kind,
      line: lineAt(text, node.start),
    });
  };
  walk(program, ({ node }) => {
    switch (node.type) {
      case "ImportDeclaration":
        add(
          node,
          child(node, "source"),
          isTypeOnly(node, "importKind") ? "type" : "static",
        );
        return;
      case "ExportNamedDeclaration":
      case "ExportAllDeclaration":
        if (child(node, "source"))
          add(
            node,
            child(node, "source"),
            isTypeOnly(node, "exportKind") ? "type" : "static",
          );
        return;
      case "ImportExpression":
        add(node, child(node, "source"), "dynamic");
        return;
      case "TSImportType":
        add(node, child(node, "source") ?? child(node, "argument"), "type");
        return;
      case "CallExpression":
        // From `createRequire`. A name that is not a literal is a computed import.
        if (nameOf(child(node, "callee")) === "require")
          add(node, nodesIn(node, "arguments")[0] ?? null, "dynamic");
        return;
    }
  });
  return imports;
}

/**
 * `import type` is erased whole. `import { type A }` is not: with
 * `verbatimModuleSyntax` an empty import stays, and loads the file.
 */
function isTypeOnly(node: Node, key: "importKind" | "exportKind"): boolean {
  return node[key] === "type";
}

function targetOf(path: string, specifier: string): string | null {
  if (!/^\.{1,2}(\/|$)/.test(specifier)) return null;
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}
