/**
 * A checkpoint of the data directory, `topic partition offset` a line, read so
 * that one bad line does not take the others along.
 */
import type { PartitionOffset } from "../storage/checkpoint.ts";

export interface OffsetLines {
  readonly entries: readonly PartitionOffset[];
  /** The first thing that is wrong, or null. */
  readonly wrong: string | null;
}

export function readOffsetLines(bytes: Uint8Array): OffsetLines {
  // Kafka creates these files before it has anything to say.
  if (bytes.length === 0) return { entries: [], wrong: null };
  const [version = "", count = "", ...lines] = new TextDecoder()
    .decode(bytes)
    .split("\n");
  const entries: PartitionOffset[] = [];
  let wrong = version === "0" ? null : `version "${version}"`;
  let lineCount = 0;
  for (const line of lines) {
    if (line === "") continue;
    lineCount += 1;
    const match = /^([a-zA-Z0-9._-]+)\s+(\d{1,10})\s+(\d{1,19})$/.exec(line);
    const partition = Number(match?.[2]);
    const offset = Number(match?.[3]);
    const topic = match?.[1];
    if (topic !== undefined && Number.isSafeInteger(offset)) {
      entries.push({ topic, partition, offset });
    } else wrong ??= `the line "${line.slice(0, 80)}"`;
  }
  if (Number(count) !== lineCount) {
    wrong ??= `${lineCount} lines, expected ${count.slice(0, 80)}`;
  }
  return { entries, wrong };
}
