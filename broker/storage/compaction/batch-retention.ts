/**
 * What becomes of a batch, and of a record, when a log is compacted: the rules,
 * without the reading and writing (Kafka's `Cleaner`).
 *
 * A batch, by the first line that fits:
 *
 *   it holds a producer's last sequence or epoch   stays, empty if need be
 *   it is the last one of what is compacted        stays, empty if need be
 *   aborted data, or a marker nobody needs any     goes
 *   anything else                                  stays with the records that stay
 *
 * A record with a key stays while nothing newer with that key is known; a
 * tombstone, besides, until the delete horizon of its batch. A record without a
 * key goes. Behind the end of the key map all records stay.
 */
import {
  baseTimestampOf,
  hasDeleteHorizon,
  hasProducerId,
  isControl,
  lastOffsetOf,
  producerEpochOf,
  producerIdOf,
} from "../../record/batch.ts";
import type { StoredRecord } from "../../record/record.ts";
import { NEVER } from "../log-config.ts";
import type { ProducerState } from "../producer-state.ts";
import { controlContentOf } from "./cleaned-transactions.ts";
import type { CleanedTransactions } from "./cleaned-transactions.ts";
import type { KeyMap } from "./key-map.ts";

/** One pass over one log, as it was when the pass began. */
export interface RetentionContext {
  readonly map: KeyMap;
  readonly producers: ProducerState;
  readonly transactions: CleanedTransactions;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
  /** Behind the last offset that may be compacted. */
  readonly endOffset: number;
}

export interface BatchVerdict {
  /** No record stays. */
  readonly dropsRecords: boolean;
  /** The header stays even without records. */
  readonly keepsHeader: boolean;
  /** Every record that is not dropped stays, whatever the key map says: a marker. */
  readonly keepsRecords: boolean;
  /** Nothing needs the marker: it gets a delete horizon, if it has none. */
  readonly isIdleMarker: boolean;
}

/** Each batch of a log is judged once a pass, in order. */
export function judgeBatch(
  bytes: Uint8Array,
  at: number,
  context: RetentionContext,
): BatchVerdict {
  const { transactions, nowMs, endOffset } = context;
  const control = controlContentOf(bytes, at);
  const isMarker = control !== null;
  const mayGo = isMarker
    ? transactions.seeControl(bytes, at, control)
    : transactions.seeData(bytes, at);
  const horizonMs = deleteHorizonOf(bytes, at);
  const isLast = lastOffsetOf(bytes, at) + 1 === endOffset;
  return {
    dropsRecords: isMarker
      ? mayGo && horizonMs !== null && horizonMs <= nowMs
      : mayGo,
    keepsHeader: isLast || isLastOfProducer(bytes, at, context.producers),
    keepsRecords: isMarker,
    isIdleMarker: isMarker && mayGo,
  };
}

/**
 * Whether a record of a batch that was judged stays. `holdsTombstones`: records
 * that could not be read lie before it, so a tombstone may not go, as it could
 * be theirs.
 */
export function keepsRecord(
  record: StoredRecord,
  horizonMs: number | null,
  context: RetentionContext,
  holdsTombstones: boolean,
): boolean {
  const { map, nowMs } = context;
  if (record.offset >= map.endOffset) return true;
  if (record.key === null) return false;
  if (map.get(record.key) > record.offset) return false;
  if (record.value !== null || holdsTombstones) return true;
  return horizonMs === null || nowMs < horizonMs;
}

/** Until when tombstones stay that are compacted now. */
export function newDeleteHorizon(context: RetentionContext): number {
  return Math.min(NEVER, context.nowMs + context.deleteRetentionMs);
}

export function deleteHorizonOf(bytes: Uint8Array, at: number): number | null {
  return hasDeleteHorizon(bytes, at) ? baseTimestampOf(bytes, at) : null;
}

/**
 * The producer's next batch is held against its last sequence, which recovery
 * reads from the log. Where a marker is all that is left of it, the marker has
 * its epoch.
 */
function isLastOfProducer(
  bytes: Uint8Array,
  at: number,
  producers: ProducerState,
): boolean {
  if (!hasProducerId(bytes, at)) return false;
  const entry = producers.get(producerIdOf(bytes, at));
  if (entry === null) return false;
  const last = entry.batches.at(-1);
  if (last !== undefined) return last.lastOffset === lastOffsetOf(bytes, at);
  return isControl(bytes, at) && producerEpochOf(bytes, at) === entry.epoch;
}
