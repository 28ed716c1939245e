/**
 * `millrace consume`: records to standard output, each partition in order.
 *
 * Without a group partitions are read as they are, and nothing is remembered.
 * With one this is a member of it, and commits what it has written.
 */
import type {
  Client,
  PartitionBatch,
  TopicPartition,
} from "../client/index.ts";
import type { BrokerAddress } from "./broker-address.ts";
import { withClient } from "./connection.ts";
import { consumeAsMember } from "./consume-group.ts";
import { type EndOfReading, findEndOfReading } from "./end-of-reading.ts";
import { CliFailure, usageFailure } from "./failure.ts";
import { note, openOutput } from "./output.ts";
import { type Place, resolvePlace } from "./place.ts";
import { RecordPrinter } from "./record-printer.ts";
import { stopSignal } from "./stop-signal.ts";

export interface ConsumeOptions {
  readonly broker: BrokerAddress;
  readonly from?: Place;
  readonly until?: Place;
  readonly exit?: boolean;
  readonly count?: number;
  readonly group?: string;
  readonly partition?: readonly number[];
  readonly json?: boolean;
  readonly format?: string;
  readonly keySeparator?: string;
}

/** One reading, whichever way. */
export interface Reading {
  readonly client: Client;
  readonly topic: string;
  readonly from: Place;
  readonly end: EndOfReading;
  readonly printer: RecordPrinter;
  readonly signal: AbortSignal;
}

export async function consume(
  topic: string,
  options: ConsumeOptions,
): Promise<void> {
  checkOptions(options);
  const output = openOutput();
  const stopping = stopSignal();
  const printer = new RecordPrinter(output, options, options.count ?? Infinity);
  const from = options.from ?? "earliest";
  const until = options.exit ? "latest" : (options.until ?? null);
  await withClient(options.broker, async (client) => {
    const partitions = await partitionsOf(client, topic, options.partition);
    const end = await findEndOfReading(client.admin, partitions, {
      until,
      nowMs: Date.now(),
    });
    const signal = AbortSignal.any([
      stopping,
      output.closed,
      ...deadlineOf(end),
    ]);
    const reading = { client, topic, from, end, printer, signal };
    try {
      if (options.group === undefined) await readAll(reading, partitions);
      else await consumeAsMember(reading, options.group);
    } catch (error) {
      // A wait that we ended ourselves is no failure.
      if (!signal.aborted) throw error;
    }
  });
  if (process.stderr.isTTY) note(`${printer.count} records from ${topic}`);
}

function checkOptions(options: ConsumeOptions): void {
  if (options.exit && options.until !== undefined) {
    throw usageFailure("--exit and --until do not go together");
  }
  if (options.json && options.format !== undefined) {
    throw usageFailure("--json and --format do not go together");
  }
  if (options.group !== undefined && options.partition !== undefined) {
    throw usageFailure("--partition is the group's to decide");
  }
}

async function partitionsOf(
  client: Client,
  topic: string,
  wanted: readonly number[] | undefined,
): Promise<readonly TopicPartition[]> {
  const { partitions } = await client.admin.describeTopic(topic);
  const all = partitions.map(({ partition }) => ({ topic, partition }));
  if (wanted === undefined) return all;
  const missing = wanted.find((partition) => partition >= all.length);
  if (missing !== undefined) {
    throw new CliFailure(
      `topic ${topic} has no partition ${missing}`,
      `it has 0 to ${all.length - 1}`,
    );
  }
  return all.filter(({ partition }) => wanted.includes(partition));
}

/** Nobody may write anything after the time has come. */
function deadlineOf({ timestamp }: EndOfReading): AbortSignal[] {
  if (timestamp === null) return [];
  // The longest that a timer takes; whoever waits longer stops it by hand.
  const delayMs = Math.min(timestamp - Date.now(), 2 ** 31 - 1);
  return [AbortSignal.timeout(Math.max(0, delayMs))];
}

async function readAll(
  { client, end, from, printer, signal }: Reading,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const starts = await resolvePlace(client.admin, partitions, from);
  const positions = partitions
    .map((at, index) => ({ ...at, offset: starts[index] ?? 0 }))
    .filter(({ partition, offset }) => !end.isReached(partition, offset));
  const unfinished = new Set(positions.map(({ partition }) => partition));
  if (unfinished.size === 0 || printer.isDone) return;
  const reader = client.reader({ partitions: positions, signal });
  try {
    for await (const batch of reader) {
      if (unfinished.has(batch.partition)) {
        const { isAtEnd } = printBatch(batch, end, printer);
        await printer.flush();
        if (isAtEnd) unfinished.delete(batch.partition);
      }
      if (unfinished.size === 0 || printer.isDone) return;
    }
  } finally {
    await reader.close();
  }
}

/** Prints what is wanted of a batch; `nextOffset` is of the first record that was not. */
export function printBatch(
  batch: PartitionBatch,
  end: EndOfReading,
  printer: RecordPrinter,
): { readonly nextOffset: number | null; readonly isAtEnd: boolean } {
  let nextOffset: number | null = null;
  for (const record of batch.records) {
    if (printer.isDone) return { nextOffset, isAtEnd: false };
    if (end.isBehind(record)) return { nextOffset, isAtEnd: true };
    printer.print(record);
    nextOffset = record.offset + 1;
  }
  const isAtEnd =
    nextOffset !== null && end.isReached(batch.partition, nextOffset);
  return { nextOffset, isAtEnd };
}
