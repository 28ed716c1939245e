/** What `millrace verify` takes. */
import type { Command } from "commander";
import type { VerifyCommandOptions } from "../verify.ts";
import { addExamples, jsonOption } from "./shared-options.ts";

export function defineVerify(program: Command): void {
  const command = program
    .command("verify")
    .description(
      "hold everything in a stopped data directory against everything else",
    )
    .argument(
      "<dir>",
      "the data directory, ours or Kafka's; nothing is changed",
    )
    .option("-r, --records", "look at the records of each batch too")
    .addOption(jsonOption())
    .action(async (path: string, options: VerifyCommandOptions) => {
      const { verify } = await import("../verify.ts");
      await verify(path, options);
    });
  addExamples(command, ["verify ./data", "verify ./data --records --json"]);
  command.addHelpText(
    "after",
    "Exit codes: 0 all is well, 1 something was found, 2 it could not be looked at.\n",
  );
}
