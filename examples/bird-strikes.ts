/**
 * The main job, end to end: 10,000 reports of bird strikes into a topic, through
 * a pipeline that filters, maps and distributes them to three others, broken
 * ones to the dead letters. `npm start` runs it.
 *
 * `npm start -- --help` has its options.
 *
 * Interrupted and started again, it goes on where it was.
 */
import "../check-node.js";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Running } from "../pipeline/index.ts";
import { distribution, reports } from "./bird-strikes/distribution.ts";
import { feed } from "./bird-strikes/feed.ts";
import { openPlace, type Place } from "./bird-strikes/place.ts";
import { type Counts, grouped, ProgressLine } from "./bird-strikes/progress.ts";
import { type FeedRecord, readFeed } from "./bird-strikes/reports.ts";
import {
  findStanding,
  type Standing,
  startOver,
} from "./bird-strikes/standing.ts";
import { countsTable, samples } from "./bird-strikes/summary.ts";

const USAGE = `Usage: npm start -- [options]

  --fresh        forget earlier runs
  --pace 2000    feed so many records a second, to watch
  --dir FOLDER   keep the data there, and not in data/bird-strikes
  --help         show this

KAFKA=host:port npm start does the same on any Kafka.`;

interface Options {
  readonly isFresh: boolean;
  readonly pace: number | null;
  readonly dir: string;
  readonly kafka: string | null;
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === null) return say(USAGE);
  const interrupted = new AbortController();
  // The first asks for a clean end; a second one ends the process as usual.
  process.once("SIGINT", () => interrupted.abort());
  process.once("SIGTERM", () => interrupted.abort());

  const records = await readFeed();
  await using place = await openPlace(options.kafka, options.dir);
  if (options.isFresh) await startOver(place.client);
  const standing = await findStanding(place.client);
  say("Millrace: bird strikes", "");
  say(`  broker    ${place.name}`);
  if (place.dir !== null) say(`  data      ${place.dir}`);
  say(`  feed      ${grouped(records.length)} records to ${reports.name}`, "");

  const total = records.length;
  if (standing.committedCount >= total) {
    say(`All ${grouped(total)} records are done: nothing is left to do.`);
    say(`Start over with: ${startCommand(options.kafka)} -- --fresh`);
    return;
  }
  if (standing.fedCount > 0) {
    say(`Going on: ${grouped(standing.fedCount)} records are fed already, and`);
    say(
      `done up to the committed offsets: ${grouped(standing.committedCount)}.`,
    );
    say("");
  }
  await distribute(place, records, standing, options, interrupted.signal);
}

/** Feeds and runs the pipeline at once, until everything is done or somebody interrupts. */
async function distribute(
  { client, dir, sessionTimeoutMs }: Place,
  records: readonly FeedRecord[],
  standing: Standing,
  { pace, kafka }: Options,
  signal: AbortSignal,
): Promise<void> {
  const startedMs = performance.now();
  await using run = await distribution(sessionTimeoutMs).run(client);
  let fedCount = standing.fedCount;
  const feeding = feed(client, records, {
    topic: reports.name,
    endOffsets: standing.endOffsets,
    pace,
    signal,
    onFed: (count) => (fedCount += count),
  });
  const counts = (): Counts => {
    const { settled } = run.stats();
    const done = standing.committedCount + settled;
    return {
      // A record may be through the pipeline before the feed hears that it was taken.
      fed: Math.max(fedCount, done),
      done,
      total: records.length,
      recordsPerSecond: settled / ((performance.now() - startedMs) / 1_000),
    };
  };
  await Promise.all([feeding, watch(run, counts, signal)]);
  const elapsedMs = performance.now() - startedMs;
  // Drains what is in flight and commits.
  await run.stop();
  await run.done;

  const { done, fed, total } = counts();
  if (done < total) {
    say(
      "",
      `Interrupted, cleanly: ${grouped(fed)} of ${grouped(total)} fed, ${grouped(done)} done and committed.`,
    );
    say(`${startCommand(kafka)} goes on there.`);
    return;
  }
  const stats = run.stats();
  const rate = Math.round((stats.settled * 1_000) / elapsedMs);
  say(
    "",
    `Done: ${grouped(stats.settled)} records in ${(elapsedMs / 1_000).toFixed(2)} s, ${grouped(rate)} records/s`,
    "",
  );
  say(countsTable(stats), "");
  say(await samples(client), "");
  say(nextSteps(dir, kafka));
}

/** Shows how far it is until all is done; ends early where the run fails or somebody interrupts. */
async function watch(
  run: Running,
  counts: () => Counts,
  signal: AbortSignal,
): Promise<void> {
  const line = new ProgressLine();
  let isOver = false;
  // A run that fails tells it here; without this nobody would ever be done.
  const ended = run.done.finally(() => (isOver = true));
  while (!isOver && !signal.aborted && counts().done < counts().total) {
    line.update(counts());
    await Promise.race([sleep(25), ended]);
  }
  line.end(counts());
}

/** What starts this again where it runs now. */
function startCommand(kafka: string | null): string {
  return kafka === null ? "npm start" : `KAFKA=${kafka} npm start`;
}

function nextSteps(dir: string | null, kafka: string | null): string {
  const start = startCommand(kafka);
  const steps = [
    [start, "it knows that all is done"],
    [
      `${start} -- --fresh --pace 2000`,
      "start over, slowly; Ctrl-C; npm start",
    ],
  ];
  if (dir !== null) {
    const serve = `npx node cli/main.ts serve --dir ${dir}`;
    steps.push([serve, "any Kafka client can read it"]);
  }
  if (kafka === null) {
    steps.push(["KAFKA=host:port npm start", "the same on any Kafka"]);
  }
  const width = Math.max(...steps.map(([command = ""]) => command.length));
  const lines = steps.map(
    ([command = "", what = ""]) => `  ${command.padEnd(width)}  ${what}`,
  );
  return ["Try next:", "", ...lines].join("\n");
}

/** Null: only the usage is asked for. */
function readOptions(): Options | null {
  const { values } = parseArgs({
    options: {
      fresh: { type: "boolean", default: false },
      pace: { type: "string" },
      dir: { type: "string", default: "data/bird-strikes" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const pace = values.pace === undefined ? null : Number(values.pace);
  if (pace !== null && !(pace >= 1)) {
    throw new Error(`--pace is records a second, got ${values.pace}`);
  }
  return {
    isFresh: values.fresh,
    pace,
    dir: resolve(values.dir),
    // Empty is how a shell turns a variable off.
    kafka: process.env["KAFKA"] || null,
  };
}

function say(...lines: readonly string[]): void {
  for (const line of lines) console.log(line);
}

main().catch((error: unknown) => {
  console.error(
    `bird-strikes: ${error instanceof Error ? error.message : error}`,
  );
  process.exitCode = 1;
});
