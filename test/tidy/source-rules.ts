/**
 * Rules about one source at a time: words that mark unfinished work, loose
 * types, and how an entry point begins.
 */
import { entryPoints, nonNullFiles } from "./layers.ts";
import { lineAt, type Finding, type Source } from "./source.ts";
import {
  child,
  childrenOf,
  nodesIn,
  stringOf,
  walk,
  type Node,
} from "./syntax.ts";

/** `any` and `as unknown as` never, `!` only where bytes are indexed. Tests may, as they feed wrong values on purpose. */
export function checkLooseTypes(source: Source): Finding[] {
  if (source.path.startsWith("test/")) return [];
  const findings: Finding[] = [];
  const report = (node: Node, message: string) =>
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message,
    });
  walk(source.program, ({ node }) => {
    if (node.type === "TSAnyKeyword")
      report(node, "no `any`: use `unknown` and look");
    if (
      node.type === "TSNonNullExpression" &&
      !nonNullFiles.includes(source.path)
    )
      report(node, "no `!`: check for null, or assert");
    if (node.type === "VariableDeclarator" && node["definite"] === true)
      report(node, "no `!`: give it a value where it is declared");
    if (node.type === "PropertyDefinition" && node["definite"] === true)
      report(node, "no `!`: give it a value in the constructor");
    const inner = child(node, "expression");
    if (
      node.type === "TSAsExpression" &&
      inner?.type === "TSAsExpression" &&
      child(inner, "typeAnnotation")?.type === "TSUnknownKeyword"
    )
      report(node, "no `as unknown as`: make the types say it");
    if (
      node.type === "ExportDefaultDeclaration" &&
      !/\.config\.ts$/.test(source.path)
    )
      report(node, "no default export: give it a name");
  });
  for (const comment of source.comments)
    if (/@ts-(?:ignore|nocheck|expect-error)/.test(comment.value))
      findings.push({
        path: source.path,
        line: lineAt(source.text, comment.start),
        message: "no silenced compiler: make the types say it",
      });
  return findings;
}

/** `catch` must say what it does: an empty one swallows bugs with the error it expects. */
export function checkEmptyCatch(source: Source): Finding[] {
  const findings: Finding[] = [];
  walk(source.program, ({ node }) => {
    if (node.type !== "CatchClause") return;
    const body = child(node, "body");
    if (!body || nodesIn(body, "body").length > 0) return;
    const isExplained = source.comments.some(
      (comment) => comment.start > body.start && comment.start < body.end,
    );
    if (isExplained) return;
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message:
        "an empty catch swallows bugs: handle the error, or say why there is nothing to do",
    });
  });
  return findings;
}

export function checkEntryPoint(source: Source): Finding[] {
  if (!entryPoints.includes(source.path)) return [];
  const findings: Finding[] = [];
  const first = nodesIn(source.program, "body")[0];
  const specifier = first ? stringOf(child(first, "source")) : null;
  if (
    first?.type !== "ImportDeclaration" ||
    !specifier?.endsWith("/check-node.js")
  )
    findings.push({
      path: source.path,
      line: 1,
      message: "an entry point imports check-node.js before anything else",
    });
  for (const node of topLevelAwaits(source.program))
    findings.push({
      path: source.path,
      line: lineAt(source.text, node.start),
      message:
        "no await at the top level of an entry point: it cannot be required, and hides the start",
    });
  return findings;
}

function topLevelAwaits(node: Node): Node[] {
  const isAwait =
    node.type === "AwaitExpression" ||
    (node.type === "ForOfStatement" && node["await"] === true);
  if (isAwait) return [node];
  // A function's body runs later, whoever calls it.
  if (/^(?:Function|ArrowFunction)/.test(node.type)) return [];
  return childrenOf(node).flatMap(topLevelAwaits);
}
