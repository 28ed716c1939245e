/**
 * A tiny language for tests of state machines: one line a case.
 *
 *   at  command     answer  releases         records
 *   0   join a      parked  a: leader gen=1
 *   0   sync a 0,1  parked  a: 0,1           group(gen=1 a:0,1)
 *   50  (silence)           ...              group(gen=2 empty)
 *
 * A cell begins under its heading. `at` is ms since the start; none: as before.
 * A command in parentheses is no command: time passes until `at`, and some
 * time-out must expire. One that answers or records something where no such
 * line stands shows up as a line that the test does not have. `reload` is a crash.
 *
 * The whole table is compared at once, so a failure shows all lines as they
 * should read.
 */
import { expect } from "vitest";
import type { StateMachine } from "../../broker/machine/machine.ts";
import type { Effects, MachineHarness } from "./machine-harness.ts";

/** Runs a line's command. The words are those of the command's cell. */
export type Speaker<Record> = (words: readonly string[]) => Effects<Record>;

const columns = ["at", "command", "answer", "releases", "records"] as const;
type Row = { readonly [Column in (typeof columns)[number]]: string };

export function table<Record, Machine extends StateMachine<Record>>(
  harness: MachineHarness<Record, Machine>,
  language: {
    readonly speak: Speaker<Record>;
    readonly showRecord: (record: Record) => string;
  },
  text: string,
): void {
  const expected = parseRows(text);
  const actual: Row[] = [];
  const report = (command: string, effects: readonly Effects<Record>[]) => {
    const [first] = effects;
    actual.push({
      at: String(harness.elapsedMs),
      command,
      answer: command.startsWith("(") ? "" : (first?.answer ?? ""),
      releases: effects
        .flatMap(({ releases }) => releases)
        .map(({ name, text }) => `${name}: ${text}`)
        .join("; "),
      records: effects
        .flatMap(({ records }) => records)
        .map(language.showRecord)
        .join(" "),
    });
  };

  for (const { at, command } of expected) {
    const expired = harness.advanceTo(Number(at));
    if (command.startsWith("(")) {
      report(expired.length > 0 ? command : "(nothing happened)", expired);
      continue;
    }
    const isSeen = expired.some(
      ({ releases, records }) => releases.length + records.length > 0,
    );
    if (isSeen) report("(a time-out)", expired);
    if (command === "reload") {
      harness.reload();
      report(command, []);
    } else {
      report(command, [language.speak(command.split(/ +/))]);
    }
  }
  expect(render(actual)).toBe(render(expected));
}

function parseRows(text: string): readonly Row[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [heading = "", ...rest] = lines;
  const starts = columns.map((column) => heading.indexOf(column));
  if (starts.includes(-1)) throw new Error(`not a table's heading: ${heading}`);
  let at = "0";
  return rest.map((line) => {
    const cells = starts.map((start, index) => {
      if (start > 0 && !" ".includes(line[start - 1] ?? " ")) {
        throw new Error(`a cell reaches into the next column: ${line}`);
      }
      return line.slice(start, starts[index + 1]).trim();
    });
    at = cells[0] === "" ? at : (cells[0] ?? at);
    const [, command = "", answer = "", releases = "", records = ""] = cells;
    return { at, command, answer, releases, records };
  });
}

function render(rows: readonly Row[]): string {
  const heading = Object.fromEntries(
    columns.map((column) => [column, column]),
  ) as Row;
  const all = [heading, ...rows];
  const widths = columns.map((column) =>
    Math.max(...all.map((row) => row[column].length)),
  );
  return all
    .map((row) =>
      columns
        .map((column, index) => row[column].padEnd(widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
