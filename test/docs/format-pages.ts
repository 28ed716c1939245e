/**
 * The worked examples of `docs/formats`, taken out of the pages:
 *
 *   ```hex       lines of bytes, two blanks, what they are
 *   ```hex-at    the same, each line behind its position in decimal
 *   ```NAME      text as it stands in a file
 */
import { readFile } from "node:fs/promises";
import path from "node:path";

const folder = path.join(import.meta.dirname, "../../docs/formats");

/** The blocks of a page that are fenced with this word, in their order. */
export async function blocksOf(page: string, word: string): Promise<string[]> {
  const text = await readFile(path.join(folder, page), "utf8");
  const fenced = new RegExp("^```" + word + "\\n(.*?)^```$", "gms");
  return [...text.matchAll(fenced)].map(([, block = ""]) => block);
}

/** All bytes of a block of hex. Throws where a line is something else. */
export function bytesIn(block: string): Uint8Array {
  return Buffer.concat(linesOf(block).map((line) => hexOf(line)));
}

export interface PlacedBytes {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** What a block says that lies where; lines of an ellipsis say nothing. */
export function placedBytesIn(block: string): PlacedBytes[] {
  return linesOf(block).flatMap((line) => {
    if (/^\s*…/.test(line)) return [];
    const [, position, rest] = /^\s*(\d+) {2,}(.*)$/.exec(line) ?? [];
    if (rest === undefined) throw new Error(`no position: ${line}`);
    return { position: Number(position), bytes: hexOf(rest) };
  });
}

function linesOf(block: string): string[] {
  return block.split("\n").filter((line) => line !== "");
}

function hexOf(line: string): Uint8Array {
  const [hex = ""] = line.split(/ {2,}/);
  const digits = hex.replaceAll(" ", "");
  if (!/^([0-9a-f]{2})+$/.test(digits)) throw new Error(`no bytes: ${line}`);
  return Buffer.from(digits, "hex");
}
