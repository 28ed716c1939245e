#!/usr/bin/env node
/** The `millrace` command. */
import "../check-node.js";
import { CommanderError } from "commander";
import { describeFailure } from "./failure.ts";
import { createProgram } from "./program.ts";

async function run(): Promise<void> {
  try {
    await createProgram().parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // What was wrong has been written; help and version were asked for.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { line, exitCode } = describeFailure(error);
    process.stderr.write(`${line}\n`);
    process.exitCode = exitCode;
  }
}

void run();
