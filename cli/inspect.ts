/** `millrace inspect`: what a file of a data directory holds. */
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  type Damage,
  type IndexTail,
  inspectCheckpoint,
  inspectedKindOf,
  type InspectedBatch,
  type InspectedFile,
  type InspectedOffsetEntry,
  type InspectedRecord,
  type InspectedRows,
  type InspectedTimeEntry,
  inspectOffsetIndex,
  inspectProducerSnapshot,
  inspectProperties,
  inspectSegment,
  inspectTimeIndex,
  inspectTransactionIndex,
} from "../broker/inspect/index.ts";
import { CliFailure } from "./failure.ts";
import { note, type Output, openOutput } from "./output.ts";
import { jsonOf } from "./record-json.ts";
import { writeRows } from "./table.ts";

export interface InspectOptions {
  readonly records?: boolean;
  readonly json?: boolean;
}

/** Fails where anything in the file does not hold, after all of it was shown. */
export async function inspect(
  path: string,
  options: InspectOptions,
): Promise<void> {
  const output = openOutput();
  await mustBeFile(path);
  const kind = inspectedKindOf(basename(path));
  if (kind === null) {
    throw new CliFailure(
      `${basename(path)} is no file of a data directory that can be shown`,
      "name a .log, .index, .timeindex, .txnindex, .snapshot, .checkpoint, checkpoint or properties file",
    );
  }
  await withFile(path, async (file) => {
    if (file.sizeBytes === 0) {
      note("the file is empty");
      return;
    }
    if (kind.kind === "segment") return showSegment(output, file, options);
    if (kind.kind === "offset-index" || kind.kind === "time-index") {
      const { baseOffset } = kind;
      const logPath = join(dirname(path), kind.logName);
      return withFileIfThere(logPath, async (log) => {
        const place = { baseOffset, log };
        await showIndex(
          output,
          kind.kind === "offset-index"
            ? inspectOffsetIndex(file, place)
            : inspectTimeIndex(file, place),
          options,
        );
      });
    }
    const rows =
      kind.kind === "checkpoint"
        ? inspectCheckpoint(file, kind.columns)
        : kind.kind === "properties"
          ? inspectProperties(file)
          : kind.kind === "transaction-index"
            ? inspectTransactionIndex(file)
            : inspectProducerSnapshot(file);
    await showRows(output, await rows, { path, json: options.json });
  });
}

async function mustBeFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    const isMissing =
      error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) return null;
    throw error;
  });
  if (found === null) {
    throw new CliFailure(
      `there is no file ${path}`,
      "a partition without records has no .log yet",
    );
  }
  if (found.isDirectory()) {
    throw new CliFailure(`${path} is a directory`, "name a file in it");
  }
}

async function withFile<T>(
  path: string,
  work: (file: InspectedFile) => Promise<T>,
): Promise<T> {
  const handle = await open(path, "r");
  try {
    return await work(await inspectedFileOf(handle));
  } finally {
    await handle.close();
  }
}

async function withFileIfThere<T>(
  path: string,
  work: (file: InspectedFile | null) => Promise<T>,
): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code !== "ENOENT") throw error;
    return work(null);
  }
  try {
    return await work(await inspectedFileOf(handle));
  } finally {
    await handle.close();
  }
}

async function inspectedFileOf(handle: FileHandle): Promise<InspectedFile> {
  const { size } = await handle.stat();
  return {
    sizeBytes: size,
    async read(target, position) {
      let count = 0;
      while (count < target.length) {
        const { bytesRead } = await handle.read(
          target,
          count,
          target.length - count,
          position + count,
        );
        if (bytesRead === 0) break;
        count += bytesRead;
      }
      return count;
    },
  };
}

async function showSegment(
  output: Output,
  file: InspectedFile,
  options: InspectOptions,
): Promise<void> {
  let problemCount = 0;
  for await (const one of inspectSegment(file)) {
    if (one.kind === "damage") {
      problemCount++;
      await output.write(
        options.json ? `${JSON.stringify(one)}\n` : damageLine(one),
      );
      break;
    }
    const isGood = one.crc === one.computedCrc;
    if (!isGood) problemCount++;
    await output.write(options.json ? jsonLine(one) : batchLine(one));
    if (options.records && isGood) {
      problemCount += await showRecords(output, one, options.json === true);
    }
    if (output.closed.aborted) return;
  }
  failIfAny(problemCount);
}

/** Answers how many did not hold. */
async function showRecords(
  output: Output,
  batch: InspectedBatch,
  isJson: boolean,
): Promise<number> {
  let problemCount = 0;
  for (const record of batch.records()) {
    if (record.error !== null) problemCount++;
    await output.write(isJson ? jsonRecord(record) : recordLine(record));
    if (output.closed.aborted) break;
  }
  return problemCount;
}

function batchLine(batch: InspectedBatch): string {
  const crc =
    batch.crc === batch.computedCrc
      ? `crc ${hex(batch.crc)} holds`
      : `CRC ${hex(batch.crc)} BUT THE BYTES GIVE ${hex(batch.computedCrc)}`;
  const producer =
    batch.producerId < 0
      ? ""
      : `  producer ${batch.producerId} epoch ${batch.producerEpoch} sequences ${batch.baseSequence} to ${batch.lastSequence}`;
  const flags = [
    batch.isTransactional ? "  transactional" : "",
    batch.isControl ? "  control" : "",
    batch.hasDeleteHorizon ? "  delete-horizon" : "",
  ].join("");
  const compression = batch.compression ?? `codec ${batch.attributes & 7}`;
  return `${batch.position}: offsets ${batch.baseOffset} to ${batch.lastOffset}  ${batch.recordCount} records  ${batch.sizeBytes} bytes  ${compression}  epoch ${batch.leaderEpoch}  ${batch.timestampType} ${timeOf(batch.maxTimestampMs)}  ${crc}${producer}${flags}\n`;
}

function damageLine({ position, sizeBytes, detail }: Damage): string {
  return `${position}: NO BATCH: ${detail}; ${sizeBytes} bytes to the end of the file\n`;
}

function jsonLine(batch: InspectedBatch): string {
  const isGood = batch.crc === batch.computedCrc;
  return `${JSON.stringify({ ...batch, records: undefined, isGood })}\n`;
}

function recordLine(record: InspectedRecord): string {
  if (record.error !== null) return `  ${record.error}\n`;
  const marker = record.marker === null ? "" : `  ${record.marker} marker`;
  const headers = record.headers.map(({ key, value }) => [key, jsonOf(value)]);
  const headed = headers.length === 0 ? "" : `  ${JSON.stringify(headers)}`;
  return `  ${record.offset}  ${timeOf(record.timestampMs)}  ${JSON.stringify(jsonOf(record.key))}  ${JSON.stringify(jsonOf(record.value))}${headed}${marker}\n`;
}

function jsonRecord(record: InspectedRecord): string {
  if (record.error !== null) {
    return `${JSON.stringify({ kind: "record", error: record.error })}\n`;
  }
  const { offset, timestampMs, key, value, headers, marker } = record;
  return `${JSON.stringify({
    kind: "record",
    offset,
    timestampMs,
    key: jsonOf(key),
    value: jsonOf(value),
    headers: headers.map((one) => [one.key, jsonOf(one.value)]),
    marker,
  })}\n`;
}

async function showIndex(
  output: Output,
  entries: AsyncIterable<InspectedOffsetEntry | InspectedTimeEntry | IndexTail>,
  { json }: InspectOptions,
): Promise<void> {
  let problemCount = 0;
  for await (const entry of entries) {
    const isProblem =
      entry.kind === "tail" ? !entry.isPadding : entry.problem !== null;
    if (isProblem) problemCount++;
    await output.write(json ? jsonEntry(entry) : entryLine(entry));
    if (output.closed.aborted) return;
  }
  failIfAny(problemCount);
}

function entryLine(
  entry: InspectedOffsetEntry | InspectedTimeEntry | IndexTail,
): string {
  if (entry.kind === "tail") {
    const what = entry.isPadding ? "room for more entries" : "A TORN ENTRY";
    return `${what}: ${entry.sizeBytes} bytes from ${entry.position}\n`;
  }
  const what =
    entry.kind === "offset-entry"
      ? `offset ${entry.offset} at ${entry.position}`
      : `${timeOf(entry.timestampMs)} at offset ${entry.offset}`;
  const header = entry.target?.batch?.header;
  const bytes = header === undefined ? "" : `  -> ${hexOf(header)}`;
  const problem = entry.problem === null ? "" : `  BUT ${entry.problem}`;
  return `${entry.slot}: ${what}${bytes}${problem}\n`;
}

function jsonEntry(
  entry: InspectedOffsetEntry | InspectedTimeEntry | IndexTail,
): string {
  if (entry.kind === "tail") return `${JSON.stringify(entry)}\n`;
  const { target, ...rest } = entry;
  const batch = target?.batch ?? null;
  const found =
    batch === null
      ? null
      : {
          position: batch.position,
          baseOffset: batch.baseOffset,
          lastOffset: batch.lastOffset,
          header: hexOf(batch.header),
        };
  return `${JSON.stringify({ ...rest, batch: found })}\n`;
}

async function showRows(
  output: Output,
  found: InspectedRows,
  { path, json }: { readonly path: string; readonly json: boolean | undefined },
): Promise<void> {
  if (found.error !== null) {
    throw new CliFailure(`${path} cannot be read: ${found.error}`);
  }
  await writeRows(output, found.rows, { json, none: "no entries" });
}

function failIfAny(problemCount: number): void {
  if (problemCount === 0) return;
  const places = problemCount === 1 ? "place" : "places";
  throw new CliFailure(
    `the file does not hold in ${problemCount} ${places}`,
    "a broker that opens the directory repairs what a crash left; for the rest there is `millrace repair`",
  );
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}

/** Any number may stand in a file, and few of them are times. */
function timeOf(timestampMs: number): string {
  const time = new Date(timestampMs);
  return timestampMs < 0 || Number.isNaN(time.getTime())
    ? String(timestampMs)
    : time.toISOString();
}
