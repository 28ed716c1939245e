/**
 * Nothing but the rows marked ambient in layers.ts may read time, randomness
 * or the environment, or write to the console: the same broker must run in a
 * simulated world, where the same seed gives the same trace.
 *
 * Names are resolved, not searched for: a parameter called `console` is no
 * console, and `globalThis.setTimeout` is a timer.
 */
import { layerOf } from "./layer-rule.ts";
import { synchronousOnly } from "./layers.ts";
import { lineAt, type Finding, type Source } from "./source.ts";
import { child, nameOf, nodesIn, stringOf, walk, type Node } from "./syntax.ts";

const schedule = "use Clock.schedule (broker/platform/clock.ts)";
const now = "use Clock.now or Clock.monotonic (broker/platform/clock.ts)";
const randomness = "use Random (broker/platform/random.ts)";
const environment =
  "take it as an option: only the command line knows the process it runs in";
const network = "use Network (broker/platform/network.ts)";

/** Globals that may not be touched at all, each with what to use instead. */
const bannedGlobals: Readonly<Record<string, string>> = {
  setTimeout: schedule,
  setInterval: schedule,
  setImmediate: "use Clock.defer (broker/platform/clock.ts)",
  clearTimeout: schedule,
  clearInterval: schedule,
  clearImmediate: schedule,
  performance: now,
  process: environment,
  console: "hand events to the log that was handed in",
  fetch: network,
  WebSocket: network,
  Worker: "threads finish in no fixed order; stay on the event loop",
};

/** Members of globals that are otherwise harmless. */
const bannedMembers: Readonly<
  Record<string, Readonly<Record<string, string>>>
> = {
  Date: { now },
  Math: { random: randomness },
  crypto: {
    randomUUID: randomness,
    getRandomValues: randomness,
    subtle: "asynchronous cryptography finishes in no fixed order",
  },
  AbortSignal: { timeout: schedule },
  Atomics: { wait: schedule, waitAsync: schedule },
};

export function checkAmbient(source: Source): Finding[] {
  if (layerOf(source.path)?.isAmbient) return [];
  const findings: Finding[] = [];
  const report = (node: Node, what: string, instead: string) =>
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message: `${what} is not allowed here: ${instead}`,
    });

  walk(source.program, ({ node, parent, isBound }) => {
    const name = nameOf(node);
    if (name === null || !isReference(node, parent) || isBound(name)) return;
    const banned = bannedGlobals[name];
    if (banned) report(node, name, banned);
    else if (name === "globalThis" || name === "global")
      reportThroughGlobal(node, parent, report);
    else if (name === "Date") reportDate(node, parent, report);
    else if (bannedMembers[name]) reportMembers(node, parent, name, report);
  });
  findings.push(...checkSynchronous(source));
  return findings;
}

type Report = (node: Node, what: string, instead: string) => void;

/** True where an identifier reads a variable, and is no key, label or type. */
function isReference(node: Node, parent: Node | null): boolean {
  if (!parent) return false;
  switch (parent.type) {
    case "MemberExpression":
      return parent["object"] === node || parent["computed"] === true;
    case "Property":
      return parent["value"] === node || parent["computed"] === true;
    case "PropertyDefinition":
    case "AccessorProperty":
    case "MethodDefinition":
      return parent["value"] === node || parent["computed"] === true;
    case "LabeledStatement":
    case "BreakStatement":
    case "ContinueStatement":
    case "ImportSpecifier":
    case "ImportDefaultSpecifier":
    case "ImportNamespaceSpecifier":
    case "ExportAllDeclaration":
    case "MetaProperty":
      return false;
    case "ExportSpecifier":
      return parent["local"] === node;
  }
  return !isTypePosition(parent.type);
}

const typeScriptExpressions = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "TSExportAssignment",
]);

function isTypePosition(parentType: string): boolean {
  return parentType.startsWith("TS") && !typeScriptExpressions.has(parentType);
}

/** The members that are read of a node: `x.a`, `x["a"]`, `const { a } = x`; null for any other use. */
function membersRead(node: Node, parent: Node | null): string[] | null {
  if (parent?.type === "MemberExpression" && parent["object"] === node) {
    const property = child(parent, "property");
    const name =
      parent["computed"] === true ? stringOf(property) : nameOf(property);
    return name === null ? null : [name];
  }
  if (parent?.type === "VariableDeclarator" && parent["init"] === node) {
    const pattern = child(parent, "id");
    if (pattern?.type !== "ObjectPattern") return null;
    return nodesIn(pattern, "properties").map(
      (one) => nameOf(child(one, "key")) ?? "",
    );
  }
  return null;
}

function reportMembers(
  node: Node,
  parent: Node | null,
  name: string,
  report: Report,
): void {
  const members = membersRead(node, parent);
  if (members === null) {
    // `const m = Math` would hide what is read of it.
    if (
      parent?.type === "VariableDeclarator" ||
      parent?.type === "MemberExpression"
    )
      report(node, name, "name the member that is read");
    return;
  }
  for (const member of members) {
    const instead = bannedMembers[name]?.[member];
    if (instead) report(node, `${name}.${member}`, instead);
  }
}

/** `new Date(ms)` only computes; `new Date()`, `Date()` and `Date.now()` read the clock. */
function reportDate(node: Node, parent: Node | null, report: Report): void {
  if (parent?.type === "NewExpression" && parent["callee"] === node) {
    if (nodesIn(parent, "arguments").length === 0)
      report(node, "new Date()", now);
    return;
  }
  if (parent?.type === "CallExpression" && parent["callee"] === node) {
    report(node, "Date()", now);
    return;
  }
  reportMembers(node, parent, "Date", report);
}

function reportThroughGlobal(
  node: Node,
  parent: Node | null,
  report: Report,
): void {
  const members = membersRead(node, parent);
  if (members === null) {
    report(node, "globalThis as a value", "name the global that is meant");
    return;
  }
  for (const member of members) {
    const banned =
      bannedGlobals[member] ??
      (member in bannedMembers ? "name it without globalThis" : null);
    if (banned) report(node, `globalThis.${member}`, banned);
  }
}

/** Of the codecs, only calls that end in `Sync` (and constants) may be used. */
function checkSynchronous(source: Source): Finding[] {
  const findings: Finding[] = [];
  const spaces = new Set<string>();
  const check = (node: Node, name: string | null) => {
    if (name !== null && /(?:Sync|^constants|^crc32)$/.test(name)) return;
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message: `${name ?? "a computed member"} may work on the thread pool: use the call that ends in Sync`,
    });
  };
  walk(source.program, ({ node, parent }) => {
    if (node.type === "ImportDeclaration" && node["importKind"] !== "type") {
      if (!synchronousOnly.includes(stringOf(child(node, "source")) ?? ""))
        return;
      for (const one of nodesIn(node, "specifiers")) {
        const imported = child(one, "imported");
        if (imported) check(one, nameOf(imported));
        else spaces.add(nameOf(child(one, "local")) ?? "");
      }
      return;
    }
    const name = nameOf(node);
    if (name === null || !spaces.has(name) || !isReference(node, parent))
      return;
    for (const member of membersRead(node, parent) ?? [null])
      check(node, member);
  });
  return findings;
}

/** zstd is missing from older versions of Node: a named import of it fails before check-node.js can speak. */
export function checkZlibNamespace(source: Source): Finding[] {
  const findings: Finding[] = [];
  walk(source.program, ({ node }) => {
    if (node.type !== "ImportDeclaration" || node["importKind"] === "type")
      return;
    if (stringOf(child(node, "source")) !== "node:zlib") return;
    if (
      nodesIn(node, "specifiers").every(
        (one) => one.type === "ImportNamespaceSpecifier",
      )
    )
      return;
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message:
        'write `import * as zlib from "node:zlib"`: a missing named export fails at link time',
    });
  });
  return findings;
}
