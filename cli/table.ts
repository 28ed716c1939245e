/** Lists for people (columns) and for programs (JSON, one object a line). */
import type { Output } from "./output.ts";

type Row = Readonly<Record<string, string | number | boolean | null>>;

/** The columns are the first row's; numbers stand to the right, null is a hyphen. */
export function formatTable(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  const names = Object.keys(first);
  const cells = rows.map((row) => names.map((name) => cellOf(row[name])));
  const headings = names.map(headingOf);
  const isNumber = names.map((name) =>
    rows.every((row) => row[name] === null || typeof row[name] === "number"),
  );
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = [headings, ...cells].map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumber[column] === true
          ? cell.padStart(width)
          : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${line}\n`).join("");
}

/** `endOffset` -> `END-OFFSET`: as Kafka's own tools head their columns. */
function headingOf(name: string): string {
  return name.replace(/[A-Z]/g, "-$&").toUpperCase();
}

function cellOf(value: Row[string] | undefined): string {
  if (value === null || value === undefined || value === "") return "-";
  // A stranger's name must not move the cursor.
  return String(value).replace(/[\p{Cc}\p{Cf}]/gu, "\u{fffd}");
}

export async function writeJsonLines(
  output: Output,
  items: readonly object[],
): Promise<void> {
  for (const item of items) await output.write(`${JSON.stringify(item)}\n`);
}

/** Rows as JSON lines, or as a table; `none` says what there is none of. */
export async function writeRows(
  output: Output,
  rows: readonly Row[],
  options: { readonly json: boolean | undefined; readonly none: string },
): Promise<void> {
  if (options.json) return writeJsonLines(output, rows);
  await output.write(
    rows.length === 0 ? `${options.none}\n` : formatTable(rows),
  );
}
