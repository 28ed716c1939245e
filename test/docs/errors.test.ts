import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.join(import.meta.dirname, "../..");

/** The members of the union of codes that a file declares first. */
async function codesIn(file: string): Promise<string[]> {
  const source = await readFile(path.join(root, file), "utf8");
  const union = /ErrorCode =([\s\S]*?)\n\n/.exec(source)?.[1] ?? "";
  return [...union.matchAll(/\| "([a-z-]+)"/g)].map((match) => match[1] ?? "");
}

test.each(["broker/errors.ts", "client/errors.ts", "pipeline/errors.ts"])(
  "every code of %s has a heading in docs/errors.md",
  async (file) => {
    const page = await readFile(path.join(root, "docs/errors.md"), "utf8");
    const codes = await codesIn(file);
    expect(codes.length).toBeGreaterThan(2);
    const headings = new Set(
      [...page.matchAll(/^### (.+)$/gm)].map((match) => match[1]),
    );
    expect(codes.filter((code) => !headings.has(code))).toEqual([]);
  },
);
