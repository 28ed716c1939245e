/** What `millrace inspect` takes. */
import type { Command } from "commander";
import type { InspectOptions } from "../inspect.ts";
import { addExamples, jsonOption } from "./shared-options.ts";

export function defineInspect(program: Command): void {
  const command = program
    .command("inspect")
    .description(
      "show what a file of a data directory holds: batches, index entries, checkpoints",
    )
    .argument("<file>", "a .log, .index, .timeindex, .snapshot or other file")
    .option("-r, --records", "the records of each batch too")
    .addOption(jsonOption())
    .action(async (path: string, options: InspectOptions) => {
      const { inspect } = await import("../inspect.ts");
      await inspect(path, options);
    });
  addExamples(command, [
    "inspect data/orders-0/00000000000000000000.log --records",
    "inspect data/orders-0/00000000000000000000.index",
    "inspect data/orders-0/leader-epoch-checkpoint",
    "inspect data/__cluster_metadata-0/00000000000000000012-0000000000.checkpoint",
  ]);
}
