/** Runs the runner itself on files that pass, fail, are skipped and cannot be loaded. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let folder: string;

beforeAll(() => {
  // Below node_modules, so that the runner is found and nothing lands in the tree.
  folder = mkdtempSync(join(root, "node_modules", ".summary-"));
  write("vitest.config.ts", [
    `import { SummaryReporter } from ${JSON.stringify(join(root, "test/support/summary-reporter.ts"))};`,
    'const required = (process.env.TEST_REQUIRE ?? "").split(",");',
    'export default { test: { reporters: ["default", new SummaryReporter(required)], include: ["*.test.ts"] } };',
  ]);
  write("good.test.ts", [
    'import { describe, test } from "vitest";',
    'test("passes", () => {});',
    'test("is noted", (context) => context.skip("needs kcat: not here"));',
    'describe("all of", { skip: true, meta: { skipReason: "needs kafka: no jars" } }, () => {',
    '  test("these", () => {});',
    '  describe("and", () => { test("those", () => {}); });',
    "});",
  ]);
  write("bad.test.ts", [
    'import { test } from "vitest";',
    'test("fails", () => { throw new Error("on purpose"); });',
  ]);
  write("unloadable.test.ts", ['throw new Error("on purpose");']);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, lines: readonly string[]): void {
  writeFileSync(join(folder, name), lines.join("\n"));
}

function run(files: readonly string[], required: string) {
  const runner = join(root, "node_modules", "vitest", "vitest.mjs");
  const { status, stdout } = spawnSync(
    process.execPath,
    [runner, "run", "--root", folder, ...files],
    {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, TEST_REQUIRE: required },
    },
  );
  return { status, lines: stdout.trimEnd().split("\n") };
}

test(
  "the last line counts what passed, failed and was skipped",
  { timeout: 60_000 },
  () => {
    const { status, lines } = run([], "");
    expect(lines.at(-1)).toBe("1 passed, 2 failed, 3 skipped");
    expect(status).toBe(1);
    const from = lines.indexOf("skipped, needs kafka: no jars:");
    expect(lines.slice(from, from + 3)).toEqual([
      "skipped, needs kafka: no jars:",
      "  good.test.ts > all of > these",
      "  good.test.ts > all of > and > those",
    ]);
    expect(lines).toContain("skipped, needs kcat: not here:");
  },
);

test(
  "a skipped test fails the run only where its need is required",
  { timeout: 60_000 },
  () => {
    const free = run(["good.test.ts"], "");
    expect(free.status).toBe(0);
    expect(free.lines.at(-1)).toBe("1 passed, 0 failed, 3 skipped");
    const held = run(["good.test.ts"], "java,kcat");
    expect(held.status).toBe(1);
    expect(held.lines.at(-2)).toContain("TEST_REQUIRE names kcat");
    expect(held.lines.at(-1)).toBe("1 passed, 0 failed, 3 skipped");
  },
);
