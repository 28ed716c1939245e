/** What `millrace produce` takes. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { gatherPairList, parseCount, parseSeparator } from "../arguments.ts";
import type { ProduceOptions } from "../produce.ts";
import { addExamples, brokerOption } from "./shared-options.ts";

export function defineProduce(program: Command): void {
  const command = program
    .command("produce")
    .description("send each line of standard input as a record")
    .argument("<topic>", "where to")
    .option(
      "-K, --key-separator <text>",
      "what stands between key and value of a line, such as : or \\t",
      parseSeparator,
    )
    .option("-k, --key <key>", "key of every record")
    .option(
      "-H, --header <name=value>",
      "header of every record; can be repeated",
      gatherPairList,
    )
    .option("-p, --partition <number>", "partition of every record", parseCount)
    .addOption(
      new Option("-z, --compression <codec>", "how batches are compressed")
        .choices(["none", "gzip", "snappy", "lz4", "zstd"])
        .default("none"),
    )
    .addOption(
      new Option(
        "-a, --acks <acks>",
        "what to wait for: all (on the disk), 1 (in memory) or 0 (nothing)",
      )
        .argParser(parseAcks)
        .default(-1, "all"),
    )
    .option(
      "--json",
      "lines are JSON objects with key, value, headers, timestamp, partition",
    )
    .addOption(brokerOption())
    .action(async (topic: string, options: ProduceOptions) => {
      const { produce } = await import("../produce.ts");
      await produce(topic, options);
    });
  addExamples(command, [
    "produce orders < lines.txt",
    "produce orders -K : -H source=shell   # lines such as customer7:{...}",
    "consume orders --exit --json | millrace produce copy --json",
  ]);
}

function parseAcks(text: string): -1 | 0 | 1 {
  switch (text) {
    case "all":
    case "-1":
      return -1;
    case "1":
      return 1;
    case "0":
      return 0;
    default:
      throw new InvalidArgumentError("It is not all, 1 or 0.");
  }
}
