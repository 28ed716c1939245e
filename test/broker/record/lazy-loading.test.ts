import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

/** What Node has loaded of native code once `script` has run. */
function nativeAfter(script: string): string {
  const print = `
    const { createRequire } = await import("node:module");
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.filter((path) => path.endsWith(".node")).join());`;
  return execFileSync(
    process.execPath,
    ["--input-type=module", "-e", script + print],
    { encoding: "utf8", cwd: new URL("../../..", import.meta.url) },
  );
}

const imports = `
  import { compress } from "./broker/record/compression.ts";
  import { buildBatch } from "./broker/record/batch-builder.ts";
  import { validateOneBatch } from "./broker/record/batch-validator.ts";
  buildBatch([{ key: null, value: null, headers: [], timestampMs: 0 }]);`;

test("native packages are loaded by the first that needs them, not by the import", () => {
  expect(nativeAfter(imports).trim()).toBe("");
  const afterUse = nativeAfter(`${imports}
    compress("lz4", new Uint8Array(1));`);
  expect(afterUse).toContain("lz4");
  expect(afterUse).not.toContain("snappy");
});
