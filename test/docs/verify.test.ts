import { readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { findingKinds } from "../../broker/inspect/index.ts";

test("docs/verify.md has each kind of finding, with its severity, and no other", async () => {
  const page = await readFile(
    path.join(import.meta.dirname, "../../docs/verify.md"),
    "utf8",
  );
  const said = [...page.matchAll(/^### (\S+)\n\n(\w+)\./gm)].map(
    ([, kind, severity]) => `${kind} ${severity?.toLowerCase()}`,
  );
  const known = Object.entries(findingKinds).map(
    ([kind, { severity }]) => `${kind} ${severity}`,
  );
  expect(said).toEqual(known);
});
