/** Compacted logs on a memory disk, and what a pass leaves of them. */
import { SipHash } from "../../../../broker/lib/siphash.ts";
import { buildBatch } from "../../../../broker/record/batch-builder.ts";
import type { BatchProducer } from "../../../../broker/record/batch-builder.ts";
import {
  baseOffsetOf,
  batchSizeBytesOf,
  lastOffsetOf,
  recordsCountOf,
  setBaseOffset,
  setPartitionLeaderEpoch,
} from "../../../../broker/record/batch.ts";
import { buildMarkerBatch } from "../../../../broker/record/control-record.ts";
import { RecordError } from "../../../../broker/record/record-error.ts";
import { recompress } from "../../../../broker/record/recompress.ts";
import type { CompressionName } from "../../../../broker/record/batch-format.ts";
import type { CleanResult } from "../../../../broker/storage/compaction/clean-log.ts";
import type { CompactionOptions } from "../../../../broker/storage/compaction/log-compaction.ts";
import { segmentFileName } from "../../../../broker/storage/layout.ts";
import type { LogConfig } from "../../../../broker/storage/log-config.ts";
import type { PartitionLog } from "../../../../broker/storage/partition-log.ts";
import {
  TestStorage,
  epochMs,
  partition,
  partitionPath,
  readBytes,
  recordsIn,
} from "../support.ts";

const text = new TextEncoder();

/** A pass is always due, and a batch that is younger by two ms begins a segment. */
export const tinySegments: Partial<LogConfig> = {
  segmentMs: 1,
  indexIntervalSizeBytes: 64,
  minCleanableDirtyRatio: 0,
};

export const compactionOptions: CompactionOptions = {
  hash: new SipHash(new Uint8Array(16).fill(9)),
  keyMapSizeBytesMax: 1_000_000,
  inflatedSizeBytesMax: 1_000_000,
  sizeBytesPerSecondMax: Number.MAX_SAFE_INTEGER,
  isWanted: () => true,
};

export interface BatchOfKeys {
  readonly timestampMs: number;
  readonly producer?: BatchProducer;
  readonly isTransactional?: boolean;
  readonly compression?: CompressionName;
}

/** `a=1 b=2 a=-` as records; `-` is a tombstone. */
export function keyedBatch(line: string, options: BatchOfKeys): Uint8Array {
  const { timestampMs, compression = "none", ...header } = options;
  const records = line.split(" ").map((pair) => {
    const [key = "", value = ""] = pair.split("=");
    return {
      key: text.encode(key),
      value: value === "-" ? null : text.encode(value),
      headers: [],
      timestampMs,
    };
  });
  const batch = recompress(buildBatch(records, header), compression, {
    level: null,
    sizeBytesMax: 1_000_000,
  });
  if (batch instanceof RecordError) throw batch;
  return new Uint8Array(batch);
}

export function markerBatch(
  type: "abort" | "commit",
  producer: { readonly id: number; readonly epoch: number },
  timestampMs: number,
): Uint8Array {
  const marker = { type, coordinatorEpoch: 0 };
  const batch = buildMarkerBatch(marker, {
    producerId: producer.id,
    producerEpoch: producer.epoch,
    timestampMs,
  });
  return new Uint8Array(batch);
}

export async function appendBytes(
  log: PartitionLog,
  batch: Uint8Array,
): Promise<number> {
  const result = log.append(batch);
  if (result.error !== null)
    throw new Error(`${result.error}: ${result.detail}`);
  await result.written;
  return result.baseOffset;
}

/** A log with segments of a batch each, unless a test says otherwise. */
export class TestLog {
  readonly storage: TestStorage;
  log: PartitionLog;
  /** Of the batch that comes next. */
  timestampMs = epochMs;

  constructor(storage: TestStorage, log: PartitionLog) {
    this.storage = storage;
    this.log = log;
  }

  static async open(config: Partial<LogConfig> = {}): Promise<TestLog> {
    const storage = new TestStorage({ ...tinySegments, ...config });
    return new TestLog(storage, await storage.open());
  }

  /** Each line a batch with a segment of its own; see `keyedBatch`. */
  async add(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      this.timestampMs += 10;
      await this.addToSegment(line);
    }
  }

  /** A batch in the same segment as the one before. */
  async addToSegment(
    line: string,
    options: Partial<BatchOfKeys> = {},
  ): Promise<void> {
    const { timestampMs } = this;
    await this.addBytes(keyedBatch(line, { timestampMs, ...options }));
  }

  async addBytes(batch: Uint8Array): Promise<void> {
    await appendBytes(this.log, batch);
  }

  /**
   * A batch that no client may write, or a damaged one: as a segment of its own
   * that is there when the log is opened after a crash.
   */
  async addRaw(batch: Uint8Array): Promise<void> {
    const { storage, log } = this;
    setBaseOffset(batch, 0, log.endOffset);
    setPartitionLeaderEpoch(batch, 0, log.leaderEpoch);
    const path = `${partitionPath}/${segmentFileName(log.endOffset, "log")}`;
    await storage.close(false);
    const file = await storage.memory.open(path, "create");
    await file.append([batch]);
    await file.close();
    this.log = await storage.open();
  }

  configure(config: Partial<LogConfig>): void {
    this.storage.config = { ...this.storage.config, ...config };
    this.log.configure(this.storage.config);
  }

  compact(options: Partial<CompactionOptions> = {}) {
    return compact(this.storage, this.log, options);
  }

  async reopen(isClean = true): Promise<void> {
    this.log = await this.storage.reopen(isClean);
  }

  /** `offset:key=value`, one for each record that a reader finds. */
  records(): Promise<string[]> {
    return keyedRecords(this.log);
  }

  /** `0-3:2`: base and last offset, and how many records. */
  async batches(): Promise<string[]> {
    const batches = await allBatches(this.log);
    return batches.map(
      (batch) =>
        `${baseOffsetOf(batch, 0)}-${lastOffsetOf(batch, 0)}:${recordsCountOf(batch, 0)}`,
    );
  }

  /** The segments' base offsets. */
  async segments(): Promise<number[]> {
    const names = await this.storage.names();
    return names.flatMap((name) =>
      name.endsWith(".log") ? [Number(name.slice(0, 20))] : [],
    );
  }
}

/** What a maintenance job does: a pass if one is due, and the checkpoint. */
async function compact(
  storage: TestStorage,
  log: PartitionLog,
  options: Partial<CompactionOptions> = {},
): Promise<CleanResult | null> {
  const { directory } = storage;
  if (directory === null) throw new Error("the directory is closed");
  const cleanable = await log.compaction.survey(
    directory.cleanedOffset(partition),
  );
  if (!cleanable.isDue) return null;
  const result = await log.compaction.run(cleanable, {
    ...compactionOptions,
    ...options,
  });
  if (result !== null) {
    await directory.setCleanedOffset(partition, result.endOffset);
  }
  return result;
}

/** All batches of the log, as a reader finds them. */
export async function allBatches(log: PartitionLog): Promise<Uint8Array[]> {
  const batches: Uint8Array[] = [];
  let offset = log.startOffset;
  while (offset < log.endOffset) {
    const bytes = await readBytes(log, { offset, transfer: "plain" });
    let at = 0;
    while (at < bytes.length) {
      const sizeBytes = batchSizeBytesOf(bytes, at);
      batches.push(bytes.slice(at, at + sizeBytes));
      at += sizeBytes;
    }
    const last = batches.at(-1);
    if (bytes.length === 0 || last === undefined) break;
    offset = lastOffsetOf(last, 0) + 1;
  }
  return batches;
}

async function keyedRecords(log: PartitionLog): Promise<string[]> {
  const decode = (bytes: Uint8Array | null): string =>
    bytes === null ? "-" : new TextDecoder().decode(bytes);
  const batches = await allBatches(log);
  return batches.flatMap((batch) =>
    recordsIn(batch).map(
      ({ offset, key, value }) => `${offset}:${decode(key)}=${decode(value)}`,
    ),
  );
}
