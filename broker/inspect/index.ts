/**
 * The tools for a data directory.
 *
 * Looking at its files, one at a time, as they lie there: nothing is written or
 * locked. A running broker does no harm, but its newest index entries are still
 * in its memory, and its last batch may be half there.
 *
 * Verifying and repairing the directory as a whole: it must be stopped, and is
 * locked for as long.
 */
import { createNodePlatform } from "../platform/node/node-platform.ts";
import { withLockedDirectory } from "./locked-directory.ts";
import { repairDirectory, RepairPlan } from "./repair-directory.ts";
import {
  type FindingVisitor,
  VerifyContext,
  type VerifyOptions,
} from "./verify-context.ts";
import { verifyDirectory, type VerifySummary } from "./verify-directory.ts";

export type { Damage } from "./batch-walk.ts";
export { type InspectedKind, inspectedKindOf } from "./file-kind.ts";
export {
  type IndexTail,
  inspectOffsetIndex,
  type InspectedOffsetEntry,
  type InspectedTimeEntry,
  inspectTimeIndex,
} from "./inspect-index.ts";
export {
  type InspectedBatch,
  type InspectedFile,
  type InspectedRecord,
  inspectSegment,
} from "./inspect-segment.ts";
export {
  inspectCheckpoint,
  type InspectedRows,
  inspectProducerSnapshot,
  inspectProperties,
  inspectTransactionIndex,
} from "./inspect-small-file.ts";
export {
  type Finding,
  findingKinds,
  type FindingKind,
  type KindOfFinding,
  type Severity,
} from "./finding.ts";
export type { FindingVisitor, VerifyOptions } from "./verify-context.ts";
export type { VerifySummary } from "./verify-directory.ts";

export type { RepairPlan, RepairStep } from "./repair-directory.ts";

export interface Told {
  readonly finding: FindingVisitor;
  /** So many more bytes of logs have been read. */
  readonly progress: (sizeBytes: number) => void;
}

/** Throws `BrokerError`: `directory-in-use`, `directory-too-new`, `directory-unusable`. */
export async function verify(
  directory: string,
  options: VerifyOptions,
  told: Told,
): Promise<VerifySummary> {
  const { disk } = createNodePlatform({ mmap: "plain" });
  return withLockedDirectory(disk, directory, async () => {
    const context = new VerifyContext(disk, directory, options, told);
    return (await verifyDirectory(context)).summary;
  });
}

export interface Repaired {
  readonly plan: RepairPlan;
  /** The side folder's name; null where nothing was done. */
  readonly keptIn: string | null;
}

/**
 * Verifies, and does what the findings ask for if `isWanted` says so of the
 * plan; then verifies once more. `told` hears of the first verification,
 * `toldAfter` of the second. Throws as `verify`.
 */
export async function repair(
  directory: string,
  isWanted: (plan: RepairPlan) => boolean,
  told: Told,
  toldAfter: Told,
): Promise<Repaired> {
  const platform = createNodePlatform({ mmap: "plain" });
  const { disk } = platform;
  const options = { records: false };
  return withLockedDirectory(disk, directory, async () => {
    const plan = new RepairPlan();
    const finding: FindingVisitor = async (one) => {
      plan.add(one);
      await told.finding(one);
    };
    const heard = { ...told, finding };
    const context = new VerifyContext(disk, directory, options, heard);
    const { traits } = await verifyDirectory(context);
    if (plan.steps.length === 0 || !isWanted(plan)) {
      return { plan, keptIn: null };
    }
    const keptIn = await repairDirectory(platform, directory, plan, traits);
    await verifyDirectory(
      new VerifyContext(disk, directory, options, toldAfter),
    );
    return { plan, keptIn };
  });
}
