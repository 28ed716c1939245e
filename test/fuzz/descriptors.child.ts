/**
 * A broker in a process with few descriptors. Called with a directory; prints
 * its port, then does what it is told, a word a line, and says when it is done:
 * `take` opens files until there is no descriptor left, `give` closes them,
 * `close` closes the broker and prints what it logged.
 */
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { openBroker } from "../../broker/index.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("no directory");

const lines = new Set<string>();
const note = (_fields: object, message: string): void => {
  lines.add(message.replace(/\d+/g, "N"));
};
const broker = await openBroker({
  dir: directory,
  listen: { host: "127.0.0.1", port: 0 },
  logger: { debug() {}, info: note, warn: note, error: note },
});
const taken: number[] = [];

function take(): string {
  try {
    for (;;) taken.push(openSync(import.meta.filename, "r"));
  } catch {
    return String(taken.length);
  }
}

function give(): string {
  const count = taken.length;
  for (const descriptor of taken.splice(0)) closeSync(descriptor);
  return String(count);
}

console.log(broker.addresses[0]?.port);
for await (const word of createInterface({ input: process.stdin })) {
  if (word === "take") console.log(take());
  if (word === "give") console.log(give());
  if (word === "close") break;
}
await broker.close();
await broker.closed;
console.log(JSON.stringify([...lines]));
process.exit(0);
