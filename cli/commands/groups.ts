/** What `millrace groups` takes. */
import type { Command } from "commander";
import { gatherCounts, gatherWords } from "../arguments.ts";
import type { ResetOptions } from "../groups.ts";
import { parsePlace } from "../place.ts";
import { addExamples, brokerOption, jsonOption } from "./shared-options.ts";

export function defineGroups(program: Command): void {
  const groups = program
    .command("groups")
    .description("list, describe and reset consumer groups");
  addExamples(groups, [
    "groups list",
    "groups describe billing",
    "groups reset billing --to -1h --yes",
  ]);

  const list = groups
    .command("list")
    .description("the groups there are")
    .addOption(jsonOption())
    .addOption(brokerOption())
    .action(async (options) => {
      const { listGroups } = await import("../groups.ts");
      await listGroups(options);
    });
  addExamples(list, ["groups list --json"]);

  const describe = groups
    .command("describe")
    .description("a group's members, committed offsets and lag")
    .argument("<group>", "its id")
    .addOption(jsonOption())
    .addOption(brokerOption())
    .action(async (name: string, options) => {
      const { describeGroup } = await import("../groups.ts");
      await describeGroup(name, options);
    });
  addExamples(describe, [
    "groups describe billing",
    "groups describe billing --json | jq .lag",
  ]);

  const reset = groups
    .command("reset")
    .description("set where a group without members goes on")
    .argument("<group>", "its id")
    .requiredOption(
      "--to <place>",
      "earliest, latest, an offset, a time or a span back: see consume --help",
      (text: string) => parsePlace(text),
    )
    .option(
      "-t, --topic <topic>",
      "only this topic (default: all it has committed for); can be repeated",
      gatherWords,
    )
    .option(
      "-p, --partition <number>",
      "only this partition; can be repeated",
      gatherCounts,
    )
    .option("--dry-run", "only show what would be done: the default")
    .option("-y, --yes", "do it")
    .addOption(jsonOption())
    .addOption(brokerOption())
    .action(async (name: string, options: ResetOptions & { dryRun?: true }) => {
      const { resetGroup } = await import("../groups.ts");
      // Whoever says both wants to be safe.
      const yes = options.yes === true && options.dryRun !== true;
      await resetGroup(name, { ...options, yes });
    });
  addExamples(reset, [
    "groups reset billing --to earliest",
    "groups reset billing --topic orders --to 2026-03-01T12:30 --yes",
    "groups reset billing --topic orders --partition 0 --to 1200 --yes",
  ]);
}
