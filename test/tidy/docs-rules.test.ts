import { describe, expect, test } from "vitest";
import {
  anchorsOf,
  checkBlocks,
  checkLinks,
  checkTitle,
} from "./docs-rules.ts";

test("a document has exactly one title", () => {
  expect(checkTitle("a.md", "# A\n\n## B\n")).toEqual([]);
  expect(checkTitle("a.md", "# A\n\n```sh\n# a comment\n```\n")).toEqual([]);
  expect(checkTitle("a.md", "## B\n")).toHaveLength(1);
  expect(checkTitle("a.md", "# A\n# B\n")).toHaveLength(1);
});

describe("links", () => {
  const files = ["README.md", "docs", "docs/a.md", "broker/index.ts"];
  const check = (text: string) =>
    checkLinks(
      "docs/a.md",
      text,
      (path) => files.includes(path),
      () => "# Top\n\n## The `B` part, twice\n",
    );

  test.each([
    "[a](b.md)",
    "[a](../broker/missing.ts)",
    "[a](../../outside.md)",
    "[a](#nowhere)",
    "[a](../README.md#nowhere)",
    '![a](b.png "title")',
  ])("that lead nowhere are refused: %s", (text) => {
    expect(check(`\n${text}\n`)).toMatchObject([
      { path: "docs/a.md", line: 2 },
    ]);
  });

  test.each([
    "[a](../README.md)",
    "[a](../broker/index.ts)",
    "[a](#the-b-part-twice)",
    "[a](../README.md#top)",
    "[a](https://example.com/b)",
    "`[a](b.md)`",
    "```md\n[a](b.md)\n```",
  ])("are allowed: %s", (text) => {
    expect(check(text)).toEqual([]);
  });
});

test("headings become anchors", () => {
  expect(anchorsOf("# A b\n## `c` (d): e-f\n")).toEqual(["a-b", "c-d-e-f"]);
});

test(
  "a ts block that does not compile is found on its line",
  { timeout: 30_000 },
  () => {
    const text = [
      "# A",
      "```ts",
      'import type { Finding } from "../test/tidy/source.ts";',
      "export let finding: Finding;",
      "const good: number = 1;",
      "await Promise.resolve(good);",
      "```",
      "```ts",
      "const fine = 1;",
      'const bad: number = "one";',
      "```",
      "```js",
      "not even code",
      "```",
    ].join("\n");
    expect(checkBlocks([{ path: "docs/a.md", text }])).toEqual([
      {
        path: "docs/a.md",
        line: 10,
        message: expect.stringContaining("TS2322"),
      },
    ]);
  },
);
