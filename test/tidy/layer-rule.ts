/**
 * Holds every import against the table in layers.ts.
 */
import { posix } from "node:path";
import {
  entryPoints,
  exceptions,
  layers,
  lazyPackages,
  pureNodeModules,
  type Layer,
} from "./layers.ts";
import type { Finding, Import, Source } from "./source.ts";

/** The row with the longest path that covers the file, or null where none does. */
export function layerOf(path: string): Layer | null {
  let best: Layer | null = null;
  for (const layer of layers) {
    const covers = layer.path.endsWith("/")
      ? path.startsWith(layer.path)
      : path === layer.path;
    if (covers && (best === null || layer.path.length > best.path.length))
      best = layer;
  }
  return best;
}

/** `@scope/name/deep.js` -> `@scope/name`; a module of Node keeps its whole name. */
export function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

export function checkLayers(source: Source): Finding[] {
  const layer = layerOf(source.path);
  if (!layer)
    return [
      {
        path: source.path,
        line: 1,
        message: "matches no row of test/tidy/layers.ts: say where it belongs",
      },
    ];
  return source.imports.flatMap((one) => {
    const message = objection(source.path, layer, one);
    return message ? [{ path: source.path, line: one.line, message }] : [];
  });
}

function objection(path: string, layer: Layer, one: Import): string | null {
  if (one.specifier === null)
    return layer.isAmbient
      ? null
      : "a computed import cannot be held against the layers: write the name out";
  if (one.target !== null) return fileObjection(path, layer, one.target);
  const name = packageOf(one.specifier);
  const ofThisFile = exceptions.find((one) => one.path === path);
  const packages = [...layer.packages, ...(ofThisFile?.packages ?? [])];
  if (packages.some((allowed) => matchesPackage(allowed, name))) return null;
  if (
    pureNodeModules.some((pure) => name === pure || name.startsWith(`${pure}/`))
  )
    return null;
  return `${layer.path} may not import the package ${name}`;
}

function fileObjection(
  path: string,
  layer: Layer,
  target: string,
): string | null {
  if (target === "check-node.js")
    return entryPoints.includes(path)
      ? null
      : "only entry points import check-node.js";
  if (!/\.[a-z]+$/.test(posix.basename(target)))
    return `${target} has no ending: write the whole file name, .ts included`;
  const other = layerOf(target);
  if (!other)
    return layer.isAmbient
      ? null
      : `${target} matches no row of test/tidy/layers.ts`;
  if (other === layer) return null;
  const allowed = layer.mayImport.some(
    (entry) =>
      entry === "*" ||
      entry === target ||
      entry === other.path ||
      (entry.endsWith("/*") && target.startsWith(entry.slice(0, -1))),
  );
  return allowed
    ? null
    : `${layer.path} may not import ${other.path} (${target})`;
}

function matchesPackage(allowed: string, name: string): boolean {
  if (allowed === "*") return !name.startsWith("node:");
  if (allowed === "node:*") return name.startsWith("node:");
  if (allowed.endsWith("/*")) return name.startsWith(allowed.slice(0, -1));
  return allowed === name;
}

/** Slow packages must not be loaded by what an entry point loads at once. */
export function checkLazyPackages(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const eager = new Set<string>();
  const queue = entryPoints.filter((path) =>
    /^(broker|client|pipeline|cli)\//.test(path),
  );
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = byPath.get(path);
    if (!source || eager.has(path)) continue;
    eager.add(path);
    for (const one of source.imports)
      if (one.kind === "static" && one.target) queue.push(one.target);
  }
  return [...eager].sort().flatMap((path) =>
    (byPath.get(path)?.imports ?? []).flatMap((one) => {
      if (one.kind !== "static" || one.target || one.specifier === null)
        return [];
      const name = packageOf(one.specifier);
      if (!lazyPackages.some((lazy) => matchesPackage(lazy, name))) return [];
      return [
        {
          path,
          line: one.line,
          message: `${name} is slow to load: take it with import() at its first use`,
        },
      ];
    }),
  );
}

/** What is published may need only what is installed with it. */
export function checkShippedPackages(
  source: Source,
  dependencies: readonly string[],
): Finding[] {
  return source.imports.flatMap((one) => {
    if (one.specifier === null || one.target !== null) return [];
    const name = packageOf(one.specifier);
    const isOwn = name === "millrace";
    if (isOwn || name.startsWith("node:") || dependencies.includes(name)) {
      return [];
    }
    return [
      {
        path: source.path,
        line: one.line,
        message: `${name} is not among the dependencies of package.json, so a user does not have it`,
      },
    ];
  });
}
