/** What `millrace consume` takes. */
import type { Command } from "commander";
import {
  gatherCounts,
  parseCountFromOne,
  parseSeparator,
} from "../arguments.ts";
import type { ConsumeOptions } from "../consume.ts";
import { parsePlace } from "../place.ts";
import { parseFormat } from "../record-format.ts";
import { addExamples, brokerOption, jsonOption } from "./shared-options.ts";

const help = `
Places (--from, --until):
  earliest, latest      the first record; behind the last
  1200                  an offset
  -100                  100 records before the end of each partition
  -15m, -36h, -7d       a time that long ago
  2026-03-01T12:30      a time, UTC unless it ends in an offset such as +02:00

Formats (--format):
  %t topic  %p partition  %o offset  %T timestamp  %k key  %s value
  %K %S their sizes, -1 for null  %h headers  %% percent  \\n \\t`;

export function defineConsume(program: Command): void {
  const command = program
    .command("consume")
    .description(
      "write a topic's records to standard output, and wait for more",
    )
    .argument("<topic>", "which one")
    .option(
      "-f, --from <place>",
      "where to start (default: earliest)",
      (text: string) => parsePlace(text),
    )
    .option("-u, --until <place>", "where to end, exclusive", (text: string) =>
      parsePlace(text),
    )
    .option("-e, --exit", "end where the topic ends now")
    .option(
      "-n, --count <count>",
      "end after so many records",
      parseCountFromOne,
    )
    .option("-g, --group <group>", "read as a member of a group, and commit")
    .option(
      "-p, --partition <number>",
      "only this partition; can be repeated",
      gatherCounts,
    )
    .option(
      "-K, --key-separator <text>",
      "write keys too, and this between key and value",
      parseSeparator,
    )
    .option("-F, --format <format>", "how a record is written", checkFormat)
    .addOption(jsonOption())
    .addOption(brokerOption())
    .addHelpText("after", help)
    .action(async (topic: string, options: ConsumeOptions) => {
      const { consume } = await import("../consume.ts");
      await consume(topic, options);
    });
  addExamples(command, [
    "consume orders",
    "consume orders --from -15m --json | jq .value",
    "consume orders --exit --json | head",
    "consume orders --group billing --count 100",
    "consume orders -e -F '%p/%o %k = %s\\n'",
  ]);
}

/** Refused here, where the mistake is one of usage. */
function checkFormat(text: string): string {
  parseFormat(text);
  return text;
}
