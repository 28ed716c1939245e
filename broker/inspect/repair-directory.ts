/**
 * Repairs what `verify` finds and can be repaired; see finding.ts for what that
 * is, kind by kind. Offsets of records that hold never change, and no file is
 * touched that nothing was found about. What is taken away goes to a side folder.
 *
 * At the end the marker of a clean stop goes, so that the next opening has a
 * look of its own, and raises the leader epochs: readers whose place was in a
 * tail that is gone are told so. It does not go before: as long as it is there,
 * an opening cuts nothing off.
 */
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import { replaceFile } from "../storage/checkpoint.ts";
import { CLEAN_SHUTDOWN_FILE, joinPath } from "../storage/layout.ts";
import { type Finding, findingKinds, type Fix } from "./finding.ts";
import { repairPartition, type RepairTools } from "./repair-partition.ts";
import { createSideFolder } from "./side-folder.ts";
import type { PartitionTraits } from "./verify-directory.ts";

/** What is to be done with one file, for one finding or more. */
export interface RepairStep {
  readonly fix: Fix;
  /** As an instruction says it. */
  readonly text: string;
  readonly findingCount: number;
  /** Of what was found, where it has a size. */
  readonly sizeBytes: number;
}

/** Gathers what the findings of a verification ask for. Takes memory for each file, not for each finding. */
export class RepairPlan {
  readonly #steps = new Map<string, RepairStep>();
  #leftCount = 0;

  /** Findings that are left to people. */
  get leftCount(): number {
    return this.#leftCount;
  }

  get steps(): readonly RepairStep[] {
    return [...this.#steps.values()];
  }

  add({ kind, fix, sizeBytes }: Finding): void {
    if (fix === null) {
      this.#leftCount += 1;
      return;
    }
    const known = this.#steps.get(keyOf(fix));
    // The later fix of a file knows what the earlier one knew.
    this.#steps.set(keyOf(fix), {
      fix,
      text: findingKinds[kind].repair ?? "",
      findingCount: (known?.findingCount ?? 0) + 1,
      sizeBytes: (known?.sizeBytes ?? 0) + (sizeBytes ?? 0),
    });
  }
}

function keyOf({ action, path }: Fix): string {
  return action === "extend" ? `${path} extend` : path;
}

/** The directory is locked by the caller; answers the name of the side folder. Throws `DiskError`. */
export async function repairDirectory(
  platform: { readonly disk: Disk; readonly clock: Clock },
  directory: string,
  plan: RepairPlan,
  traits: PartitionTraits,
): Promise<string> {
  const { disk, clock } = platform;
  const side = await createSideFolder(disk, directory, clock.now());
  try {
    for (const { fix, text, findingCount, sizeBytes } of plan.steps) {
      const { action, path } = fix;
      const line = { action: "planned", what: action, path, text };
      await side.note({ ...line, findingCount, sizeBytes });
    }
    await side.sync();
    const tools: RepairTools = { disk, clock, directory, side };
    const byPartition = groupByPartition(plan.steps);
    // Before partitions, which raise what a checkpoint says of them.
    for (const { fix } of plan.steps) {
      if (fix.partition === null) await repairFile(tools, fix);
    }
    for (const [name, fixes] of byPartition) {
      await repairPartition(tools, { name, fixes, ...traits(name) });
    }
    if (byPartition.size > 0) {
      await disk.remove(joinPath(directory, CLEAN_SHUTDOWN_FILE));
      await disk.syncDirectory(directory);
    }
    await side.note({ action: "done" });
    await side.sync();
  } finally {
    await side.close();
  }
  return side.name;
}

/** One of the data directory itself. */
async function repairFile(tools: RepairTools, fix: Fix): Promise<void> {
  const { disk, directory, side } = tools;
  if (fix.action === "move-aside") await side.moveHere(fix.path, directory);
  if (fix.action !== "rewrite-file") return;
  await side.keepCopy(fix.path);
  await replaceFile(disk, { directory, name: fix.path }, fix.content);
}

function groupByPartition(
  steps: readonly RepairStep[],
): ReadonlyMap<string, readonly Fix[]> {
  const groups = new Map<string, Fix[]>();
  for (const { fix } of steps) {
    if (fix.partition === null) continue;
    const known = groups.get(fix.partition);
    if (known === undefined) groups.set(fix.partition, [fix]);
    else known.push(fix);
  }
  return groups;
}
