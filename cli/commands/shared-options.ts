/** Options that several commands have. */
import { type Command, Option } from "commander";
import { parseBrokerAddress } from "../broker-address.ts";

export function brokerOption(): Option {
  return new Option(
    "-b, --broker <address>",
    "broker: host:port, millrace://host:port or kafka://host:port[,host:port]",
  )
    .env("MILLRACE_BROKER")
    .default(parseBrokerAddress("127.0.0.1:9092"), "127.0.0.1:9092")
    .argParser(parseBrokerAddress);
}

export function jsonOption(): Option {
  return new Option("--json", "JSON, one object a line");
}

/** Lines of a command's help that show it at work. */
export function addExamples(
  command: Command,
  examples: readonly string[],
): Command {
  const lines = examples.map((line) => `  $ millrace ${line}\n`).join("");
  return command.addHelpText("after", `\nExamples:\n${lines}`);
}
