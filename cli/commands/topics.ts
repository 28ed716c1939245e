/** What `millrace topics` takes. */
import type { Command } from "commander";
import { gatherPairs, parseCountFromOne } from "../arguments.ts";
import { addExamples, brokerOption, jsonOption } from "./shared-options.ts";

export function defineTopics(program: Command): void {
  const topics = program
    .command("topics")
    .description("list, create, describe and delete topics");
  addExamples(topics, [
    "topics list",
    "topics create orders --partitions 6 --config retention.ms=86400000",
    "topics describe orders --json",
    "topics delete orders",
  ]);

  const list = topics
    .command("list")
    .description("the topics there are")
    .option("--internal", "the broker's own too")
    .addOption(jsonOption())
    .addOption(brokerOption())
    .action(async (options) => {
      const { listTopics } = await import("../topics.ts");
      await listTopics(options);
    });
  addExamples(list, ["topics list", "topics list --json | jq -r .name"]);

  const create = topics
    .command("create")
    .description("create topics")
    .argument("<topic...>", "their names")
    .option(
      "--partitions <count>",
      "partitions of each (default: the broker's)",
      parseCountFromOne,
    )
    .option(
      "-c, --config <name=value>",
      "a setting by Kafka's name; can be repeated",
      gatherPairs,
    )
    .option("--if-not-exists", "leave a topic that exists as it is")
    .addOption(brokerOption())
    .action(async (names: string[], options) => {
      const { createTopics } = await import("../topics.ts");
      await createTopics(names, options);
    });
  addExamples(create, [
    "topics create orders --partitions 6",
    "topics create clicks -c retention.ms=3600000 -c compression.type=zstd",
  ]);

  const describe = topics
    .command("describe")
    .description("a topic's settings, partitions and offsets")
    .argument("<topic>", "its name")
    .addOption(jsonOption())
    .addOption(brokerOption())
    .action(async (name: string, options) => {
      const { describeTopic } = await import("../topics.ts");
      await describeTopic(name, options);
    });
  addExamples(describe, ["topics describe orders"]);

  const remove = topics
    .command("delete")
    .description("delete topics and their records")
    .argument("<topic...>", "their names")
    .addOption(brokerOption())
    .action(async (names: string[], options) => {
      const { deleteTopics } = await import("../topics.ts");
      await deleteTopics(names, options);
    });
  addExamples(remove, ["topics delete orders clicks"]);
}
