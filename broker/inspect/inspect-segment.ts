/**
 * What a segment's .log file holds: batch by batch, each with its checksum as
 * it is and as it should be, and its records for who wants them.
 *
 * The length in a header is a stranger's, but `walkBatches` lets none pass that
 * is longer than the file: what is read at a time is bounded by what is there.
 */
import {
  attributesOf,
  baseSequenceOf,
  baseTimestampOf,
  compressionOf,
  computeCrc,
  crcOf,
  hasDeleteHorizon,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastSequenceOf,
  partitionLeaderEpochOf,
  producerEpochOf,
  producerIdOf,
  recordsCountOf,
} from "../record/batch.ts";
import {
  type CompressionName,
  compressionNameOf,
} from "../record/batch-format.ts";
import { parseMarker } from "../record/control-record.ts";
import { openRecords, type StoredRecord } from "../record/record.ts";
import { RecordError } from "../record/record-error.ts";
import type { ScannedBatch } from "../storage/batch-scan.ts";
import { type Damage, walkBatches } from "./batch-walk.ts";
import { type ReadableFile, readRange } from "../storage/file-window.ts";

/** Records of one batch may inflate to this: more is said to be too large. */
const INFLATED_SIZE_BYTES_MAX = 256 * 1024 * 1024;

/** What the tools look at: a file of the broker's disk, or one that the command line has opened. */
export type InspectedFile = ReadableFile;

export interface InspectedBatch extends ScannedBatch {
  readonly kind: "batch";
  readonly leaderEpoch: number;
  readonly recordCount: number;
  /** As the header has it, and as the bytes would have it: equal, or the batch is corrupt. */
  readonly crc: number;
  readonly computedCrc: number;
  readonly attributes: number;
  /** Null for a number that stands for no codec. */
  readonly compression: CompressionName | null;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly baseTimestampMs: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly hasDeleteHorizon: boolean;
  /** -1 in these four: the producer is not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  /** Read when asked for; ends with an `error` where the bytes are no records. */
  records(): Generator<InspectedRecord>;
}

export type InspectedRecord =
  | (StoredRecord & {
      readonly error: null;
      /** How a transaction ended, in a record of a control batch that says so. */
      readonly marker: "commit" | "abort" | null;
    })
  | { readonly error: string };

/** Every batch, in order; then the damage that ends the walk, if there is any. */
export async function* inspectSegment(
  file: ReadableFile,
): AsyncGenerator<InspectedBatch | Damage> {
  for await (const walked of walkBatches(file)) {
    if (walked.kind === "damage") {
      yield walked;
      return;
    }
    const bytes = await readRange(file, walked.position, walked.sizeBytes);
    if (bytes.length < walked.sizeBytes) {
      const detail = "the file became shorter while it was read";
      const { position, sizeBytes } = walked;
      yield { kind: "damage", position, sizeBytes, detail };
      return;
    }
    yield describeBatch(bytes, walked);
  }
}

function describeBatch(
  bytes: Uint8Array,
  scanned: ScannedBatch,
): InspectedBatch {
  const { position, sizeBytes, baseOffset, lastOffset, maxTimestampMs } =
    scanned;
  return {
    kind: "batch",
    position,
    sizeBytes,
    baseOffset,
    lastOffset,
    maxTimestampMs,
    leaderEpoch: partitionLeaderEpochOf(bytes, 0),
    recordCount: recordsCountOf(bytes, 0),
    crc: crcOf(bytes, 0),
    computedCrc: computeCrc(bytes, 0),
    attributes: attributesOf(bytes, 0),
    compression: compressionNameOf(compressionOf(bytes, 0)),
    timestampType: isLogAppendTime(bytes, 0) ? "LogAppendTime" : "CreateTime",
    baseTimestampMs: baseTimestampOf(bytes, 0),
    isTransactional: isTransactional(bytes, 0),
    isControl: isControl(bytes, 0),
    hasDeleteHorizon: hasDeleteHorizon(bytes, 0),
    producerId: producerIdOf(bytes, 0),
    producerEpoch: producerEpochOf(bytes, 0),
    baseSequence: baseSequenceOf(bytes, 0),
    lastSequence: lastSequenceOf(bytes, 0),
    records: () => readRecords(bytes),
  };
}

function* readRecords(bytes: Uint8Array): Generator<InspectedRecord> {
  const reader = openRecords(bytes, 0, {
    sizeBytesMax: INFLATED_SIZE_BYTES_MAX,
  });
  if (reader instanceof RecordError) {
    yield { error: reader.message };
    return;
  }
  const holdsMarkers = isControl(bytes, 0);
  for (;;) {
    const record = reader.next();
    if (record === null) return;
    if (record instanceof RecordError) {
      yield { error: record.message };
      return;
    }
    const marker = holdsMarkers ? parseMarker(record) : null;
    if (marker instanceof RecordError) yield { error: marker.message };
    else yield { ...record, error: null, marker: marker?.type ?? null };
  }
}
