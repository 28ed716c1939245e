/**
 * Control records: markers that end a transaction in each partition it wrote
 * to. A batch with the control bit holds exactly one.
 *
 *   key    := version: int16, type: int16          // 0 abort, 1 commit
 *   value  := version: int16, coordinatorEpoch: int32
 *
 * Kafka's `EndTransactionMarker`. Consumers skip control records; the broker
 * reads them to know how a transaction ended.
 *
 * DO NOT CHANGE: on disk.
 */
import { readInt16, readInt32, writeInt16, writeInt32 } from "../lib/bytes.ts";
import { NO_SEQUENCE } from "./batch-format.ts";
import { buildBatch } from "./batch-builder.ts";
import type { StoredRecord } from "./record.ts";
import { corrupt, type RecordError } from "./record-error.ts";

const KEY_VERSION = 0;
const KEY_SIZE = 4;
const MARKER_VERSION = 0;
const MARKER_SIZE = 6;

export const ControlType = { abort: 0, commit: 1 } as const;

export interface TransactionMarker {
  readonly type: keyof typeof ControlType;
  readonly coordinatorEpoch: number;
}

/** A batch of one marker, as the transaction's own producer. */
export function buildMarkerBatch(
  marker: TransactionMarker,
  options: {
    readonly producerId: number;
    readonly producerEpoch: number;
    readonly timestampMs: number;
  },
): Uint8Array {
  const key = new Uint8Array(KEY_SIZE);
  writeInt16(key, 0, KEY_VERSION);
  writeInt16(key, 2, ControlType[marker.type]);
  const value = new Uint8Array(MARKER_SIZE);
  writeInt16(value, 0, MARKER_VERSION);
  writeInt32(value, 2, marker.coordinatorEpoch);
  const { producerId, producerEpoch, timestampMs } = options;
  return buildBatch([{ key, value, headers: [], timestampMs }], {
    producer: {
      id: producerId,
      epoch: producerEpoch,
      baseSequence: NO_SEQUENCE,
    },
    isTransactional: true,
    isControl: true,
  });
}

/**
 * What a record of a control batch says; null for types that are not ours to
 * know: Kafka's KRaft has some, and readers skip them. Later versions only ever
 * add fields at the end.
 */
export function parseMarker(
  record: StoredRecord,
): TransactionMarker | RecordError | null {
  const { key, value } = record;
  if (key === null || key.length < KEY_SIZE || readInt16(key, 0) < 0) {
    return corrupt(`control record ${record.offset}: bad key`);
  }
  const type = readInt16(key, 2);
  if (type !== ControlType.abort && type !== ControlType.commit) return null;
  if (value === null || value.length < MARKER_SIZE || readInt16(value, 0) < 0) {
    return corrupt(`control record ${record.offset}: bad marker`);
  }
  return {
    type: type === ControlType.commit ? "commit" : "abort",
    coordinatorEpoch: readInt32(value, 2),
  };
}
