import { describe, expect, test } from "vitest";
import {
  checkEmptyCatch,
  checkEntryPoint,
  checkLooseTypes,
} from "./source-rules.ts";
import { sourceOf } from "./source.ts";

describe("loose types", () => {
  const check = (path: string, text: string) =>
    checkLooseTypes(sourceOf(path, text));

  test.each([
    "let a: any;",
    "const a = b as any;",
    "const a = b!;",
    "let a!: string;",
    "class A { a!: string; }",
    "const a = b as unknown as string;",
    "// @ts-expect-error\nf();",
    "export default class A {}",
  ])("refuse: %s", (text) => {
    expect(check("broker/storage/a.ts", text)).toHaveLength(1);
  });

  test.each([
    "let a: unknown;",
    "const a = b as string;",
    "if (!a || a !== b) f();",
    "const any = 1; f(any);",
  ])("allow: %s", (text) => {
    expect(check("broker/storage/a.ts", text)).toEqual([]);
  });

  test("allow ! where bytes are indexed, and wrong values in tests", () => {
    expect(check("broker/lib/bytes.ts", "const a = b[i]!;")).toEqual([]);
    expect(check("broker/lib/bytes.ts", "let a: any;")).toHaveLength(1);
    expect(check("test/a.test.ts", "f(1 as any);")).toEqual([]);
  });
});

describe("an empty catch", () => {
  const check = (text: string) => checkEmptyCatch(sourceOf("cli/a.ts", text));

  test("is refused", () => {
    expect(check("try { f(); } catch {}")).toHaveLength(1);
    expect(check("try { f(); } catch (error) {}")).toHaveLength(1);
  });

  test("is allowed with its reason, or with something in it", () => {
    expect(check("try { f(); } catch {\n// Gone already.\n}")).toEqual([]);
    expect(check("try { f(); } catch { g(); }")).toEqual([]);
  });
});

describe("an entry point", () => {
  const check = (text: string) =>
    checkEntryPoint(sourceOf("cli/main.ts", text));
  const first = 'import "../check-node.js";\n';

  test("imports check-node.js before anything else", () => {
    expect(check('import "./a.ts"; import "../check-node.js";')).toHaveLength(
      1,
    );
    expect(check("f();")).toHaveLength(1);
    expect(check(`/** What it is. */\n${first}import "./a.ts";`)).toEqual([]);
  });

  test("does not await at its top level", () => {
    expect(check(`${first}await f();`)).toHaveLength(1);
    expect(check(`${first}if (a) { const b = [await f()]; }`)).toHaveLength(1);
    expect(check(`${first}for await (const a of b) f(a);`)).toHaveLength(1);
    expect(check(`${first}async function f() { await g(); }`)).toEqual([]);
    expect(check(`${first}f(async () => await g());`)).toEqual([]);
  });

  test("is only what the table names", () => {
    expect(checkEntryPoint(sourceOf("cli/serve.ts", "await f();"))).toEqual([]);
  });
});
