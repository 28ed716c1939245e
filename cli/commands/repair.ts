/** What `millrace repair` takes. */
import type { Command } from "commander";
import type { RepairCommandOptions } from "../repair.ts";
import { addExamples, jsonOption } from "./shared-options.ts";

export function defineRepair(program: Command): void {
  const command = program
    .command("repair")
    .description(
      "say what would be done about what `verify` finds, and with --yes do it",
    )
    .argument("<dir>", "the data directory of a stopped broker")
    .option("-y, --yes", "do it; what is taken away is kept in DIR/repair-TIME")
    .addOption(jsonOption())
    .action(async (path: string, options: RepairCommandOptions) => {
      const { repair } = await import("../repair.ts");
      await repair(path, options);
    });
  addExamples(command, ["repair ./data", "repair ./data --yes"]);
  command.addHelpText(
    "after",
    "Exit codes: 0 nothing is left to be done, 1 something is, 2 it could not be looked at.\n",
  );
}
