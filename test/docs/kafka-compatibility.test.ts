import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { format } from "prettier";
import { expect, test } from "vitest";
import { kafkaCompatibilityPage } from "./kafka-compatibility.ts";

const file = path.join(
  import.meta.dirname,
  "../../docs/kafka-compatibility.md",
);

test("the page on compatibility says what the table of APIs says", async () => {
  const page = await format(kafkaCompatibilityPage(), { parser: "markdown" });
  if (process.env["UPDATE_DOCS"] === "1") await writeFile(file, page);
  expect(await readFile(file, "utf8")).toBe(page);
});
