import type { Command } from "commander";
import { expect, test } from "vitest";
import { createProgram } from "../../cli/program.ts";

function allCommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

test("every command describes itself and shows examples in its help", () => {
  const commands = allCommands(createProgram());
  expect(commands.map((one) => one.name())).toEqual([
    "millrace",
    "serve",
    "topics",
    "list",
    "create",
    "describe",
    "delete",
    "produce",
    "consume",
    "groups",
    "list",
    "describe",
    "reset",
    "inspect",
    "verify",
    "repair",
  ]);
  for (const command of commands) {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help, command.name()).toContain("Examples:\n  $ millrace ");
    expect(command.description(), command.name()).not.toBe("");
  }
});

test.each([
  ["nothing", []],
  ["an unknown command", ["consum"]],
  ["an unknown option", ["serve", "--prot", "1"]],
  ["a port that is none", ["serve", "--port", "70000"]],
  ["a missing topic", ["consume"]],
  ["a place that is none", ["consume", "t", "--from", "soon"]],
  ["a format that is none", ["consume", "t", "--format", "%y"]],
  ["a broker that is none", ["topics", "list", "--broker", "http://x"]],
  ["a reset without a place", ["groups", "reset", "g"]],
])("%s is refused before anything is loaded", async (_name, args) => {
  const program = createProgram();
  const errors: string[] = [];
  for (const command of allCommands(program)) {
    command.configureOutput({ writeErr: (text) => errors.push(text) });
  }
  await expect(
    program.parseAsync(args, { from: "user" }),
  ).rejects.toMatchObject({ name: "CommanderError", exitCode: 1 });
  if (args.length === 0) return;
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(/^millrace: [^\n]+; see --help\n$/);
});
