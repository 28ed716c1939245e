import fc from "fast-check";
import { expect, test } from "vitest";
import { linesOf } from "../../cli/input-lines.ts";

async function* chunksOf(bytes: Uint8Array, sizes: readonly number[]) {
  let from = 0;
  for (const size of sizes) {
    yield bytes.subarray(from, from + size);
    from += size;
  }
  yield bytes.subarray(from);
}

async function linesIn(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of linesOf(chunks)) {
    lines.push(Buffer.from(line).toString("latin1"));
  }
  return lines;
}

test("lines do not depend on how the input was cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("a", "\u00e9", "\r", "\n"), { maxLength: 60 }),
      fc.array(fc.nat(9), { maxLength: 20 }),
      async (letters, sizes) => {
        const text = letters.join("");
        const expected = text.split("\n");
        // What stands behind the last break is a line only if it is something.
        if (expected.at(-1) === "") expected.pop();
        const bytes = Buffer.from(text, "latin1");
        expect(await linesIn(chunksOf(bytes, sizes))).toEqual(expected);
      },
    ),
  );
});

test("no input has no lines, and an empty line is one", async () => {
  expect(await linesIn(chunksOf(new Uint8Array(0), []))).toEqual([]);
  expect(await linesIn(chunksOf(Buffer.from("\n"), []))).toEqual([""]);
});
