/**
 * The small files beside the segments, read whole: leader epochs, producers, a
 * topic's id, first offsets.
 */
import { parseCheckpoint } from "../storage/checkpoint.ts";
import { decodeProducerSnapshot } from "../storage/producer-snapshot.ts";
import { StorageError } from "../storage/storage-error.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";
import { readTransactionIndex } from "./transaction-index.ts";

/** A checkpoint has a line a partition; a snapshot 46 bytes a producer. */
const SIZE_BYTES_MAX = 64 * 1024 * 1024;

/** Rows under column names, or why the file cannot be read. */
export type InspectedRows =
  | {
      readonly error: null;
      readonly rows: readonly Readonly<Record<string, string | number>>[];
    }
  | { readonly error: string };

/** Lines of a checkpoint in Kafka's text form, one column a name. */
export async function inspectCheckpoint(
  file: ReadableFile,
  columns: readonly string[],
): Promise<InspectedRows> {
  const bytes = await readWhole(file);
  if (typeof bytes === "string") return { error: bytes };
  let lines;
  try {
    lines = parseCheckpoint(bytes, "the file");
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return { error: error.detail };
  }
  const rows = lines.map((line) =>
    Object.fromEntries(
      columns.map((name, index) => [name, numberOrText(line[index] ?? "")]),
    ),
  );
  return { error: null, rows };
}

/** A producer's last batch and open transaction; -1 stands for none, as in the file. */
export async function inspectProducerSnapshot(
  file: ReadableFile,
): Promise<InspectedRows> {
  const bytes = await readWhole(file);
  if (typeof bytes === "string") return { error: bytes };
  const entries = decodeProducerSnapshot(bytes);
  if (entries === null) {
    return { error: "not a whole snapshot of version 1, or its CRC is wrong" };
  }
  const rows = entries.map((entry) => {
    const last = entry.batches.at(-1);
    return {
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: last?.lastSequence ?? -1,
      lastOffset: last?.lastOffset ?? -1,
      timestampMs: entry.timestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      transactionFirstOffset: entry.transactionFirstOffset ?? -1,
    };
  });
  return { error: null, rows };
}

/** Transactions that were aborted in the segment. */
export async function inspectTransactionIndex(
  file: ReadableFile,
): Promise<InspectedRows> {
  const rows: Readonly<Record<string, number>>[] = [];
  if (file.sizeBytes > SIZE_BYTES_MAX) return { error: tooLarge(file) };
  for await (const { position, transaction } of readTransactionIndex(file)) {
    if (transaction === null) {
      return { error: `the entry at ${position} is not whole` };
    }
    rows.push({ ...transaction });
  }
  return { error: null, rows };
}

/** Lines of `name=value` or `name: value`; others, such as comments, are left out. */
export async function inspectProperties(
  file: ReadableFile,
): Promise<InspectedRows> {
  const bytes = await readWhole(file);
  if (typeof bytes === "string") return { error: bytes };
  const rows = new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .flatMap((line) => {
      const match = /^([^#=:\s][^=:\s]*)\s*[=:]\s*(.*)$/.exec(line);
      return match === null
        ? []
        : [{ name: match[1] ?? "", value: match[2] ?? "" }];
    });
  return { error: null, rows };
}

async function readWhole(file: ReadableFile): Promise<Uint8Array | string> {
  if (file.sizeBytes > SIZE_BYTES_MAX) return tooLarge(file);
  return readRange(file, 0, file.sizeBytes);
}

function tooLarge({ sizeBytes }: ReadableFile): string {
  return `${sizeBytes} bytes are more than such a file can have`;
}

function numberOrText(text: string): string | number {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}
