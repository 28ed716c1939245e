import { expect, test } from "vitest";
import { checkText } from "./text-rules.ts";

test.each([
  "// FIXME: later",
  "* TODO(me) later",
  "see /work/main/a.ts",
  "cd /root/a",
  "file:/home/me/a",
  "https://registry.npmjs.org/a",
  "https://repo1.maven.org/maven2",
  '"resolved": "https://a/b.tgz"',
])("refuse: %s", (text) => {
  expect(checkText("docs/a.md", `first\n${text}\n`)).toEqual([
    { path: "docs/a.md", line: 2, message: expect.any(String) },
  ]);
});

test.each([
  "the methods and the todos of a list",
  "at work/home it works",
  "https://example.com/work/a",
  "http://maven.apache.org/POM/4.0.0",
  'dir: "/tmp/a"',
])("allow: %s", (text) => {
  expect(checkText("docs/a.md", text)).toEqual([]);
});
