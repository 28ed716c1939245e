/** Partition logs on a memory disk, and batches to put into them. */
import { buildBatch } from "../../../broker/record/batch-builder.ts";
import type { BatchProducer } from "../../../broker/record/batch-builder.ts";
import { wholeBatchSizeBytes } from "../../../broker/record/batch.ts";
import { openRecords } from "../../../broker/record/record.ts";
import type { StoredRecord } from "../../../broker/record/record.ts";
import { RecordError } from "../../../broker/record/record-error.ts";
import type { Payload } from "../../../broker/lib/payload.ts";
import type { Disk } from "../../../broker/platform/disk.ts";
import { MemoryDisk } from "../../../broker/platform/memory/memory-disk.ts";
import { openDataDirectory } from "../../../broker/storage/data-directory.ts";
import type {
  DataDirectory,
  DataDirectoryOptions,
} from "../../../broker/storage/data-directory.ts";
import type { Appended } from "../../../broker/storage/append-result.ts";
import { defaultLogConfig } from "../../../broker/storage/log-config.ts";
import type { LogConfig } from "../../../broker/storage/log-config.ts";
import type { ReadRequest } from "../../../broker/storage/log-reader.ts";
import type { PartitionLog } from "../../../broker/storage/partition-log.ts";
import type {
  Finding,
  RecoveryReport,
} from "../../../broker/storage/recovery-report.ts";
import type { StorageError } from "../../../broker/storage/storage-error.ts";
import { FailingDisk } from "../../support/failing-disk.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SeededRandom } from "../../support/seeded-random.ts";

export const topicId = "AAAAAAAAAAAAAAAAAAAAAQ";
export const partition = { topic: "orders", partition: 3, topicId };
export const partitionPath = "/data/orders-3";
export const logPath = `${partitionPath}/00000000000000000000.log`;

/** One data directory with one partition in it, that can be closed and opened again. */
export class TestStorage {
  readonly clock = new ManualClock();
  readonly memory: Disk;
  readonly disk: FailingDisk;
  readonly faults: StorageError[] = [];
  /** What first reads found. */
  readonly damages: Finding[] = [];
  readonly syncedPaths: string[] = [];
  readonly #options: Partial<DataDirectoryOptions>;
  config: LogConfig;
  directory: DataDirectory | null = null;
  report: RecoveryReport | null = null;

  constructor(
    config: Partial<LogConfig> = {},
    options: Partial<DataDirectoryOptions> = {},
    disk: Disk = new MemoryDisk(),
  ) {
    this.config = { ...defaultLogConfig, ...config };
    this.#options = options;
    this.memory = disk;
    this.disk = new FailingDisk(disk);
    this.watchSyncs();
  }

  /** Notes each sync; without other faults. */
  watchSyncs(): void {
    this.disk.rule = ({ operation, path }) => {
      if (operation === "sync" || operation === "syncDirectory") {
        this.syncedPaths.push(path);
      }
      return null;
    };
  }

  async openDirectory(): Promise<DataDirectory> {
    const { disk, clock } = this;
    const platform = { disk, clock, random: new SeededRandom(7) };
    this.directory = await openDataDirectory("/data", platform, {
      clusterId: null,
      nodeId: 1,
      openFilesMax: 16,
      visibility: "page-cache",
      onFault: (_at, fault) => this.faults.push(fault),
      onDamagedBatch: (_at, finding) => this.damages.push(finding),
      ...this.#options,
    });
    return this.directory;
  }

  async open(): Promise<PartitionLog> {
    const directory = this.directory ?? (await this.openDirectory());
    const { log, report } = await directory.openLog(partition, this.config);
    this.report = report;
    return log;
  }

  async close(isClean = true): Promise<void> {
    await this.directory?.close({ isClean });
    this.directory = null;
  }

  /** Closes, opens, and gives the log again. */
  async reopen(isClean = true): Promise<PartitionLog> {
    await this.close(isClean);
    return this.open();
  }

  async names(): Promise<string[]> {
    const entries = await this.memory.list(partitionPath);
    return entries.map((entry) => entry.name).sort();
  }

  async bytesOf(path: string): Promise<Uint8Array> {
    const file = await this.memory.open(path, "read");
    const bytes = new Uint8Array(file.sizeBytes);
    await file.read(bytes, 0);
    await file.close();
    return bytes;
  }

  /** A file that was removed is there again. */
  async restore(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.memory.open(path, "create");
    await file.append([bytes]);
    await file.close();
  }

  /** Replaces the last `count` bytes of a file, or adds to it. */
  async changeFile(
    path: string,
    change: (bytes: Uint8Array) => Uint8Array,
  ): Promise<void> {
    const bytes = change(await this.bytesOf(path));
    const file = await this.memory.open(path, "create");
    await file.append([bytes]);
    await file.close();
  }
}

export interface TestBatch {
  readonly values: readonly string[];
  readonly timestampMs?: number;
  readonly producer?: BatchProducer;
  readonly key?: string | null;
}

export const epochMs = 1_700_000_000_000;

export function batchOf(batch: TestBatch | string): Uint8Array {
  const given = typeof batch === "string" ? { values: [batch] } : batch;
  const { values, timestampMs = epochMs, producer = null, key = null } = given;
  return new Uint8Array(
    buildBatch(
      values.map((value, index) => ({
        key: key === null ? null : new TextEncoder().encode(key),
        value: new TextEncoder().encode(value),
        headers: [],
        timestampMs: timestampMs + index,
      })),
      { producer },
    ),
  );
}

/** Appends and waits for the write. */
export async function append(
  log: PartitionLog,
  batch: TestBatch | string,
): Promise<Appended> {
  const result = log.append(batchOf(batch));
  if (result.error !== null)
    throw new Error(`${result.error}: ${result.detail}`);
  await result.written;
  return result;
}

export async function bytesOfPayload(payload: Payload): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (const part of payload.parts) {
    if (part instanceof Uint8Array) chunks.push(new Uint8Array(part));
    else for await (const chunk of part.read()) chunks.push(chunk);
  }
  payload.release();
  const bytes = new Uint8Array(Buffer.concat(chunks));
  if (bytes.length !== payload.sizeBytes) {
    throw new Error(`${bytes.length} bytes, promised ${payload.sizeBytes}`);
  }
  return bytes;
}

/** The records of whole batches; a batch that is cut ends them. */
export function recordsIn(bytes: Uint8Array): StoredRecord[] {
  const records: StoredRecord[] = [];
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) return records;
    const reader = openRecords(bytes, at, { sizeBytesMax: 1_000_000 });
    if (reader instanceof RecordError) throw reader;
    for (;;) {
      const record = reader.next();
      if (record === null) break;
      if (record instanceof RecordError) throw record;
      records.push(record);
    }
    at += sizeBytes;
  }
}

export async function readBytes(
  log: PartitionLog,
  request: Partial<ReadRequest> & { readonly offset: number },
): Promise<Uint8Array> {
  const result = await log.read({
    sizeBytesMax: 1_000_000,
    minOneBatch: true,
    limit: "high-watermark",
    transfer: "mapped",
    ...request,
  });
  if (result.error !== null) throw new Error(result.error);
  return bytesOfPayload(result.payload);
}

/** `offset:value` of all records from an offset on, over all segments. */
export async function readAll(
  log: PartitionLog,
  offset = log.startOffset,
  transfer: ReadRequest["transfer"] = "plain",
): Promise<string[]> {
  const found: string[] = [];
  let next = offset;
  for (;;) {
    const records = recordsIn(await readBytes(log, { offset: next, transfer }));
    const last = records.at(-1);
    if (last === undefined) return found;
    for (const record of records) {
      if (record.offset < next) continue;
      found.push(
        `${record.offset}:${new TextDecoder().decode(record.value ?? new Uint8Array())}`,
      );
    }
    next = last.offset + 1;
  }
}
