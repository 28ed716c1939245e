/** `millrace verify`: is a stopped data directory what it should be? */
import { resolve } from "node:path";
import {
  type Finding,
  findingKinds,
  type Severity,
  verify as verifyDirectory,
  type VerifySummary,
} from "../broker/inspect/index.ts";
import { CliFailure } from "./failure.ts";
import { note, type Output, openOutput } from "./output.ts";
import { createProgress, formatSize } from "./progress.ts";

export interface VerifyCommandOptions {
  readonly records?: boolean;
  readonly json?: boolean;
}

/** How many findings there were of each severity. */
export type Counts = Record<Severity, number>;

/** Fails with exit code 1 where anything was found, and 2 where nothing could be looked at. */
export async function verify(
  path: string,
  options: VerifyCommandOptions,
): Promise<void> {
  const output = openOutput();
  const counts: Counts = { damage: 0, unfinished: 0, leftover: 0 };
  const { records = false, json = false } = options;
  const summary = await orCannotRun(() =>
    verifyDirectory(
      resolve(path),
      { records },
      {
        progress: createProgress("verified"),
        finding: async (finding) => {
          counts[finding.severity] += 1;
          await writeFinding(output, finding, json);
        },
      },
    ),
  );
  await writeSummary(output, summary, counts, json);
  if (counts.damage + counts.unfinished + counts.leftover === 0) return;
  const isBad = counts.damage > 0;
  throw new CliFailure(
    `${isBad ? "not all is as it was written" : "something is left over"}: ${countsLine(counts)}`,
    isBad ? "see what `millrace repair` would do" : "",
  );
}

const adviceByCode: Readonly<Record<string, string>> = {
  "directory-in-use": "stop it first",
  "directory-too-new": "use the release that wrote it, or a newer one",
};

/** A directory in use or unreadable is no finding: it gets an exit code of its own. */
export async function orCannotRun<Result>(
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "BrokerError") throw error;
    const code = "code" in error ? String(error.code) : "";
    throw new CliFailure(error.message, adviceByCode[code] ?? "", 2);
  }
}

export async function writeFinding(
  output: Output,
  finding: Finding,
  isJson: boolean,
): Promise<void> {
  const { kind, severity, path, position, sizeBytes, detail } = finding;
  const { meaning, repair, advice } = findingKinds[kind];
  const canRepair = finding.fix !== null;
  if (isJson) {
    const line = {
      ...{
        kind: "finding",
        finding: kind,
        severity,
        path,
        position,
        sizeBytes,
      },
      ...{ detail, meaning, repair: canRepair ? repair : null, advice },
    };
    await output.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const place = position === null ? path : `${path}:${position}`;
  const size = sizeBytes === null ? "" : ` (${sizeBytes} bytes)`;
  const toDo = [canRepair ? `repair would ${repair}` : "", advice]
    .filter((text) => text !== "")
    .join("; ");
  await output.write(
    `${severity.toUpperCase()}  ${place}${size}  ${kind}: ${detail}\n  ${meaning}${toDo === "" ? "" : `; ${toDo}`}\n`,
  );
}

async function writeSummary(
  output: Output,
  summary: VerifySummary,
  counts: Counts,
  isJson: boolean,
): Promise<void> {
  if (isJson) {
    const line = { kind: "summary", ...summary, findings: counts };
    await output.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const { partitionCount, segmentCount, batchCount, recordCount } = summary;
  const stop = summary.isClean ? "a clean stop" : "no clean stop";
  note(
    `${partitionCount} partitions, ${segmentCount} segments, ${batchCount} batches, ${recordCount} records, ${formatSize(summary.sizeBytes)}; ${stop}; ${countsLine(counts)}`,
  );
}

export function countsLine(counts: Counts): string {
  const { damage, unfinished, leftover } = counts;
  if (damage + unfinished + leftover === 0) return "nothing found";
  return `${damage} damaged, ${unfinished} unfinished, ${leftover} left over`;
}
