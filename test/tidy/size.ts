/**
 * The sizes of files and functions, printed at each run. A figure and not a
 * wall: a file past 500 lines or a function past 70 usually holds two ideas,
 * and is split where they meet, never at the number.
 */
import { lineAt, type Source } from "./source.ts";
import { child, nameOf, walk, type Node } from "./syntax.ts";

export interface Sized {
  readonly name: string;
  readonly lineCount: number;
}

export function fileSizes(sources: readonly Source[]): Sized[] {
  return sources.map(({ path, text }) => ({
    name: path,
    lineCount: lineAt(text, text.length) - (text.endsWith("\n") ? 1 : 0),
  }));
}

export function functionSizes(sources: readonly Source[]): Sized[] {
  const sizes: Sized[] = [];
  for (const { path, text, program } of sources)
    walk(program, ({ node, parent }) => {
      if (
        !/^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(
          node.type,
        )
      )
        return;
      const from = lineAt(text, node.start);
      sizes.push({
        name: `${path}:${from} ${functionName(node, parent)}`,
        lineCount: lineAt(text, node.end) - from + 1,
      });
    });
  return sizes;
}

function functionName(node: Node, parent: Node | null): string {
  const key = parent && (child(parent, "key") ?? child(parent, "id"));
  return nameOf(child(node, "id")) ?? nameOf(key) ?? "(unnamed)";
}

/** The comments' share of all lines, in percent. */
export function commentShare(sources: readonly Source[]): number {
  let all = 0;
  let comments = 0;
  for (const source of sources) {
    all += lineAt(source.text, source.text.length);
    for (const comment of source.comments)
      comments += comment.value.split("\n").length;
  }
  return all === 0 ? 0 : Math.round((100 * comments) / all);
}

export function describeSizes(what: string, sizes: readonly Sized[]): string {
  const sorted = sizes.toSorted((a, b) => b.lineCount - a.lineCount);
  const total = sizes.reduce((sum, one) => sum + one.lineCount, 0);
  const at = (share: number) =>
    sorted[Math.floor((sorted.length - 1) * (1 - share))]?.lineCount ?? 0;
  return [
    `${what}: ${sizes.length}, ${total} lines, median ${at(0.5)}, p90 ${at(0.9)}; the largest:`,
    ...sorted
      .slice(0, 5)
      .map((one) => `${String(one.lineCount).padStart(6)}  ${one.name}`),
  ].join("\n");
}
