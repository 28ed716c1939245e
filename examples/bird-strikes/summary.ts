/** What is told at the end: counts by branch, samples, why records were given up, what to try. */
import type { Client, RawRecord } from "../../client/index.ts";
import type { RunStats } from "../../pipeline/index.ts";
import { branchTopics, deadLetters, reports } from "./distribution.ts";
import { grouped } from "./progress.ts";

/** Branch by branch, what this run did. */
export function countsTable(stats: RunStats): string {
  const rows = [
    ["branch", "in", "filtered", "delivered", "dead letters", "topic"],
    row("before all", stats, "-", ""),
    ...Object.entries(stats.branches).map(([name, branch]) =>
      row(name, branch, grouped(branch.delivered), branchTopics[name] ?? ""),
    ),
  ];
  return table(rows);
}

function row(
  name: string,
  counts: {
    readonly received: number;
    readonly filtered: number;
    readonly deadLettered: number;
  },
  delivered: string,
  topic: string,
): readonly string[] {
  const { received, filtered, deadLettered } = counts;
  const numbers = [grouped(received), grouped(filtered), delivered];
  return [name, ...numbers, grouped(deadLettered), topic];
}

/** Text on both sides, numbers to the right in between. */
function table(rows: readonly (readonly string[])[]): string {
  const columns = rows[0]?.length ?? 0;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const lines = rows.map((cells) =>
    cells.map((cell, column) => {
      const width = widths[column] ?? 0;
      const isText = column === 0 || column === columns - 1;
      return isText ? cell.padEnd(width) : cell.padStart(width);
    }),
  );
  return lines.map((cells) => `  ${cells.join("  ").trimEnd()}`).join("\n");
}

/** A record that came through, and those that did not, with the reasons. */
export async function samples(client: Client): Promise<string> {
  const name = branchTopics["by-species"] ?? "";
  const [downstream] = await readAll(client, name, 1);
  const dead = await readAll(client, deadLetters, Infinity);
  const lines: string[] = [];
  if (downstream !== undefined) {
    lines.push(
      `A record of ${name}, keyed anew by species:`,
      "",
      `  ${textOf(downstream.key)}  ${textOf(downstream.value)}`,
      "",
    );
  }
  lines.push(
    `The ${dead.length} dead letters of ${deadLetters}, by reason:`,
    "",
  );
  for (const [reason, count] of byReason(dead)) {
    lines.push(`  ${String(count).padStart(3)}  ${reason}`);
  }
  const sample = dead.find(isFromBranch) ?? dead[0];
  if (sample !== undefined) {
    lines.push("", "One of them:", "", ...deadLetterLines(sample));
  }
  return lines.join("\n");
}

function byReason(dead: readonly RawRecord[]): readonly [string, number][] {
  const counts = new Map<string, number>();
  for (const record of dead) {
    const reason = reasonOf(record);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
}

function deadLetterLines(record: RawRecord): readonly string[] {
  const { headers } = record;
  const offset = new DataView(
    Uint8Array.from(headers.get("kafka_dlt-original-offset") ?? []).buffer,
  ).getBigInt64(0);
  const value = textOf(record.value) ?? "(none: a tombstone)";
  const branch = textOf(headers.get("x-pipeline-branch"));
  const where = branch === null ? "before all branches" : `branch ${branch}`;
  return [
    `  from     ${reports.name}-${record.partition} at offset ${offset}, ${where}`,
    `  reason   ${reasonOf(record)}`,
    `  value    ${value.length > 96 ? `${value.slice(0, 96)}...` : value}`,
  ];
}

function isFromBranch({ headers }: RawRecord): boolean {
  return headers.has("x-pipeline-branch");
}

function reasonOf({ headers }: RawRecord): string {
  return textOf(headers.get("kafka_dlt-exception-message")) ?? "(none)";
}

/** The records of a topic up to its present end, `countMax` at most. */
async function readAll(
  client: Client,
  topic: string,
  countMax: number,
): Promise<readonly RawRecord[]> {
  const { partitions } = await client.admin.describeTopic(topic);
  const filled = partitions.filter((one) => one.startOffset < one.endOffset);
  const total = Math.min(
    countMax,
    filled.reduce((sum, one) => sum + one.endOffset - one.startOffset, 0),
  );
  const records: RawRecord[] = [];
  if (total === 0) return records;
  await using reader = client.reader({
    partitions: filled.map(({ partition }) => ({
      topic,
      partition,
      offset: "earliest",
    })),
  });
  for await (const batch of reader) {
    records.push(...batch.records);
    if (records.length >= total) break;
  }
  return records.slice(0, total);
}

function textOf(bytes: Uint8Array | null | undefined): string | null {
  if (bytes === null || bytes === undefined) return null;
  return new TextDecoder().decode(bytes);
}
