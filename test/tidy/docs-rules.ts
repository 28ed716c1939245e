/**
 * Rules about the documents: every relative link resolves, every block marked
 * `ts` type-checks against the sources, and a file has one title.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { root, type Finding } from "./source.ts";

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

interface Document {
  /** The text with every code block blanked, line numbers kept. */
  readonly prose: string;
  readonly blocks: readonly Block[];
}

export function readDocument(text: string): Document {
  const prose: string[] = [];
  const blocks: Block[] = [];
  let open: {
    fence: string;
    language: string;
    line: number;
    lines: string[];
  } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^\s*(`{3,}|~{3,})\s*(\S*)/.exec(line);
    if (open === null && fence) {
      open = {
        fence: fence[1] ?? "",
        language: fence[2] ?? "",
        line: index + 2,
        lines: [],
      };
      prose.push("");
    } else if (open && line.trim() === open.fence) {
      blocks.push({
        language: open.language,
        line: open.line,
        text: open.lines.join("\n"),
      });
      open = null;
      prose.push("");
    } else if (open) {
      open.lines.push(line);
      prose.push("");
    } else prose.push(line);
  }
  return { prose: prose.join("\n"), blocks };
}

export function checkTitle(path: string, text: string): Finding[] {
  const titles = readDocument(text)
    .prose.split("\n")
    .filter((line) => /^# /.test(line));
  return titles.length === 1
    ? []
    : [
        {
          path,
          line: 1,
          message: `has ${titles.length} titles: one line that starts with "# "`,
        },
      ];
}

/** `exists` tells of a file or folder, seen from the root; `read` gives a document. */
export function checkLinks(
  path: string,
  text: string,
  exists: (path: string) => boolean,
  read: (path: string) => string,
): Finding[] {
  const findings: Finding[] = [];
  const lines = readDocument(text)
    .prose.replace(/`[^`\n]*`/g, "")
    .split("\n");
  for (const [index, line] of lines.entries())
    for (const [, target = ""] of line.matchAll(
      /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g,
    )) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const to =
        file === ""
          ? path
          : posix.normalize(posix.join(posix.dirname(path), decodeURI(file)));
      if (to.startsWith("..") || !exists(to))
        findings.push({ path, line: index + 1, message: `there is no ${to}` });
      else if (
        anchor &&
        to.endsWith(".md") &&
        !anchorsOf(read(to)).includes(anchor)
      )
        findings.push({
          path,
          line: index + 1,
          message: `${to} has no heading #${anchor}`,
        });
    }
  return findings;
}

/** Headings as links name them: lower case, punctuation gone, spaces to hyphens. */
export function anchorsOf(text: string): string[] {
  return readDocument(text)
    .prose.split("\n")
    .flatMap((line) => /^#{1,6} +(.*)$/.exec(line)?.[1] ?? [])
    .map((heading) =>
      heading
        .trim()
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    );
}

export interface DocumentText {
  readonly path: string;
  readonly text: string;
}

/**
 * Type-checks every `ts` block as a module of its own, with `millrace` leading
 * to the sources. Runs the compiler once for all, and not where there
 * is no block.
 */
export function checkBlocks(documents: readonly DocumentText[]): Finding[] {
  const folder = join(root, "node_modules", ".tidy", String(process.pid));
  const origin = new Map<string, { path: string; line: number }>();
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  try {
    for (const { path, text } of documents)
      for (const block of readDocument(text).blocks) {
        if (block.language !== "ts") continue;
        const name = `block-${origin.size}.ts`;
        origin.set(name, { path, line: block.line });
        // The mark makes it a module without moving its lines.
        const module = `${rebased(path, block.text)}\nexport {};\n`;
        writeFileSync(join(folder, name), module);
      }
    if (origin.size === 0) return [];
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify(blockSettings()),
    );
    return compile(folder, origin);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A block imports as seen from its document, but is compiled three folders below the root. */
function rebased(path: string, block: string): string {
  return block.replace(
    /((?:\bfrom|\bimport)\s*\(?\s*")(\.{1,2}\/[^"]*)"/g,
    (_, before: string, target: string) =>
      `${before}../../../${posix.join(posix.dirname(path), target)}"`,
  );
}

function blockSettings(): object {
  const up = "../../..";
  return {
    extends: `${up}/tsconfig.json`,
    compilerOptions: {
      rootDir: up,
      typeRoots: [`${up}/node_modules/@types`],
      paths: {
        millrace: [`${up}/broker/index.ts`],
        "millrace/client": [`${up}/client/index.ts`],
        "millrace/pipeline": [`${up}/pipeline/index.ts`],
      },
    },
    include: ["*.ts"],
  };
}

/** Errors in the sources are `tsc`'s own business; only those in a block count. */
function compile(
  folder: string,
  origin: ReadonlyMap<string, { path: string; line: number }>,
): Finding[] {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const result = spawnSync(
    process.execPath,
    [tsc, "-p", folder, "--pretty", "false"],
    {
      cwd: folder,
      encoding: "utf8",
    },
  );
  if (result.error) throw result.error;
  const findings: Finding[] = [];
  for (const line of result.stdout.split("\n")) {
    const error = /^([^(]+)\((\d+),\d+\): error (.*)$/.exec(line);
    if (!error) {
      if (/^error /.test(line)) throw new Error(line);
      continue;
    }
    const from = origin.get(posix.basename(error[1] ?? ""));
    if (from && !(error[1] ?? "").includes("/"))
      findings.push({
        path: from.path,
        line: from.line + Number(error[2]) - 1,
        message: error[3] ?? "",
      });
  }
  return findings;
}
