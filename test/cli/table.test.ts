import { expect, test } from "vitest";
import { formatTable } from "../../cli/table.ts";

test("a table has headings, numbers to the right, and a hyphen for nothing", () => {
  const table = formatTable([
    { topic: "orders", endOffset: 5, member: null },
    { topic: "a", endOffset: 12_000, member: "m-1" },
  ]);
  expect(table).toBe(
    [
      "TOPIC   END-OFFSET  MEMBER",
      "orders           5  -",
      "a            12000  m-1",
      "",
    ].join("\n"),
  );
});

test("a stranger's name cannot move the cursor", () => {
  expect(formatTable([{ group: "a\u001b[2Jb" }])).not.toContain("\u001b");
});

test("no rows make no table", () => {
  expect(formatTable([])).toBe("");
});
