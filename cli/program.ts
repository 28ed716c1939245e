/**
 * The commands and what each takes. Only this much is loaded before it is known
 * what is wanted: every command loads its own work when it is run.
 */
import { createRequire } from "node:module";
import { Command } from "commander";
import { defineConsume } from "./commands/consume.ts";
import { defineGroups } from "./commands/groups.ts";
import { defineInspect } from "./commands/inspect.ts";
import { defineProduce } from "./commands/produce.ts";
import { defineRepair } from "./commands/repair.ts";
import { defineServe } from "./commands/serve.ts";
import { addExamples } from "./commands/shared-options.ts";
import { defineTopics } from "./commands/topics.ts";
import { defineVerify } from "./commands/verify.ts";

const require = createRequire(import.meta.url);

export function createProgram(): Command {
  const program = new Command("millrace")
    .description("A small log server that speaks Kafka's protocol")
    .version(versionOf(require("millrace/package.json")), "-V, --version")
    .helpOption("-h, --help", "show this")
    .helpCommand("help [command]", "show a command's help")
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: writeError });
  defineServe(program);
  defineTopics(program);
  defineProduce(program);
  defineConsume(program);
  defineGroups(program);
  defineInspect(program);
  defineVerify(program);
  defineRepair(program);
  addExamples(program, [
    "serve --dir ./data",
    "produce orders < lines.txt",
    "consume orders --exit",
  ]);
  return program.addHelpText(
    "after",
    "Exit codes: 0 done, 1 failed, 2 wrong usage.\nEach command has a --help of its own.\n",
  );
}

/** Commander's messages in our form: one line, and where to read more. */
function writeError(text: string, write: (text: string) => void): void {
  const said = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  write(`millrace: ${said}; see --help\n`);
}

function versionOf(manifest: unknown): string {
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest
      ? manifest.version
      : null;
  return typeof version === "string" ? version : "unknown";
}
