/** What `millrace serve` takes. */
import { type Command, Option } from "commander";
import {
  gatherPairs,
  parseCountFromOne,
  parseHostWithPort,
  parsePort,
} from "../arguments.ts";
import { type ServeOptions, STANDARD_DIR } from "../serve-options.ts";
import { addExamples } from "./shared-options.ts";

export function defineServe(program: Command): void {
  const command = program
    .command("serve")
    .description("run a broker until it is stopped (Ctrl-C, SIGTERM)")
    .option(
      "-p, --port <port>",
      "port; 0 for any that is free",
      parsePort,
      9092,
    )
    .option(
      "--host <host>",
      "address to listen on (default: 127.0.0.1 and ::1)",
    )
    .option(
      "--advertise <host:port>",
      "address that clients are told to connect to (default: the one listened on)",
      parseHostWithPort,
    )
    .option("-d, --dir <path>", `data directory (default: ${STANDARD_DIR})`)
    .option("--memory", "keep everything in memory, instead of a directory")
    .option("--http <port>", "health, metrics and JSON on this port", parsePort)
    .option("--http-host <host>", "address of HTTP", "127.0.0.1")
    .option(
      "--partitions <count>",
      "partitions of topics made without a count",
      parseCountFromOne,
    )
    .option("--no-auto-create", "do not create topics that clients ask for")
    .addOption(
      new Option(
        "--acks-all <what>",
        "what acks=all waits for (default: disk)",
      ).choices(["disk", "page-cache"]),
    )
    .addOption(
      new Option(
        "--transfer <how>",
        "how records go from file to socket (default: mapped)",
      ).choices(["mapped", "stream", "plain"]),
    )
    .option("--adopt", "take in partition directories of unknown topics")
    .option(
      "--set <name=value>",
      "any other setting of openBroker; can be repeated; an unknown name lists them all",
      gatherPairs,
    )
    .addOption(
      new Option("--log-level <level>", "least that is logged")
        .choices(["debug", "info", "warn", "error", "silent"])
        .default("info"),
    )
    .addOption(
      new Option("--log-format <format>", "auto: pretty on a terminal")
        .choices(["auto", "pretty", "json"])
        .default("auto"),
    )
    .action(async (options: ServeOptions) => {
      const { serve } = await import("../serve.ts");
      await serve(options);
    });
  addExamples(command, [
    "serve",
    "serve --port 9092 --dir ./data --http 8080",
    "serve --host 0.0.0.0 --advertise broker.example.com:9092",
    "serve --memory --port 0",
  ]);
}
