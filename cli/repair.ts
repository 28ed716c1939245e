/** `millrace repair`: what can be done about a stopped data directory, and doing it. */
import { join, resolve } from "node:path";
import {
  repair as repairDirectory,
  type RepairPlan,
  type RepairStep,
} from "../broker/inspect/index.ts";
import { CliFailure } from "./failure.ts";
import { note, type Output, openOutput } from "./output.ts";
import { createProgress, formatSize } from "./progress.ts";
import {
  type Counts,
  countsLine,
  orCannotRun,
  writeFinding,
} from "./verify.ts";

export interface RepairCommandOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Fails with exit code 1 where anything is left to be done, and 2 where nothing could be looked at. */
export async function repair(
  path: string,
  options: RepairCommandOptions,
): Promise<void> {
  const output = openOutput();
  const directory = resolve(path);
  const { yes = false, json = false } = options;
  const left: Counts = { damage: 0, unfinished: 0, leftover: 0 };
  const { plan, keptIn } = await orCannotRun(() =>
    repairDirectory(
      directory,
      () => yes,
      {
        progress: createProgress("looked at"),
        finding: async (finding) => {
          // What is to be done is told by file; what is left, as it was found.
          if (finding.fix === null) await writeFinding(output, finding, json);
        },
      },
      {
        progress: createProgress("looked once more at"),
        finding: (finding) => void (left[finding.severity] += 1),
      },
    ),
  );
  for (const step of plan.steps) await writeStep(output, step, yes, json);
  if (keptIn === null) {
    tellPlan(plan);
    return;
  }
  const kept = join(directory, keptIn);
  if (json) {
    const line = { kind: "repaired", keptIn: kept, findings: left };
    await output.write(`${JSON.stringify(line)}\n`);
  } else note(`what was taken away is in ${kept}`);
  if (left.damage + left.unfinished + left.leftover > 0) {
    throw new CliFailure(
      `repaired, but not everything: ${countsLine(left)}`,
      "see `millrace verify`",
    );
  }
  if (!json) note("repaired: nothing found any more");
}

/** Of a plan that was not carried out. */
function tellPlan({ steps, leftCount }: RepairPlan): void {
  if (steps.length > 0) {
    throw new CliFailure(
      `${steps.length} ${steps.length === 1 ? "thing" : "things"} to do`,
      "add --yes to do it",
    );
  }
  if (leftCount > 0) {
    throw new CliFailure("nothing of this can be repaired", "see above");
  }
  note("nothing to repair");
}

async function writeStep(
  output: Output,
  step: RepairStep,
  isDone: boolean,
  isJson: boolean,
): Promise<void> {
  const { fix, text, findingCount, sizeBytes } = step;
  const { action, path } = fix;
  if (isJson) {
    const line = { kind: "step", action, path, text, findingCount, sizeBytes };
    await output.write(`${JSON.stringify({ ...line, isDone })}\n`);
    return;
  }
  const places = findingCount === 1 ? "" : ` (${findingCount} places)`;
  const size = sizeBytes === 0 ? "" : `, ${formatSize(sizeBytes)}`;
  await output.write(
    `${isDone ? "done" : "to do"}: ${path}${places}${size}: ${text}\n`,
  );
}
