/**
 * From fetched bytes to records.
 *
 * The bytes are a stranger's: sizes are checked before they are believed, the
 * CRC before the records are looked at, and inflating is bounded. What does not
 * hold is a `corrupt-batch`. Records below the offset that was asked for, and
 * the control batches of transactions, are left out; the last batch may be cut
 * short, as brokers answer in bytes and not in batches.
 */
import {
  batchSizeBytesOf,
  crcHolds,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffsetOf,
  magicOf,
  partitionLeaderEpochOf,
  producerIdOf,
  wholeBatchSizeBytes,
} from "../../broker/record/batch.ts";
import {
  HEADER_SIZE,
  LENGTH_PREFIX_SIZE,
  MAGIC,
} from "../../broker/record/batch-format.ts";
import { openRecords, type StoredRecord } from "../../broker/record/record.ts";
import { RecordError } from "../../broker/record/record-error.ts";
import type { Header, RawRecord, TopicPartition } from "../client.ts";
import { ClientError } from "../errors.ts";
import type { AbortedTransaction, FetchedBatches } from "./driver.ts";

/** Of one batch, inflated; many times what a broker takes by default (1 MB). */
const BATCH_SIZE_BYTES_MAX = 256 * 1024 * 1024;

export interface DecodedRecords {
  readonly records: readonly RawRecord[];
  /** Behind the last whole batch, of records and of control; where to go on. */
  readonly nextOffset: number;
  readonly leaderEpoch: number | null;
}

/**
 * The records from `fetchOffset` on, without those of transactions that were
 * rolled back. Keys, values and headers are views of the bytes. Throws
 * `corrupt-batch`.
 */
export function decodeRecords(
  { topic, partition }: TopicPartition,
  fetched: Pick<
    FetchedBatches,
    "bytes" | "fetchOffset" | "abortedTransactions"
  >,
): DecodedRecords {
  const { bytes, fetchOffset } = fetched;
  const id = { topic, partition };
  const aborted = new AbortedProducers(fetched.abortedTransactions ?? []);
  const records: RawRecord[] = [];
  let nextOffset = fetchOffset;
  let leaderEpoch = -1;
  for (const at of batchesIn(id, bytes)) {
    leaderEpoch = partitionLeaderEpochOf(bytes, at);
    aborted.reach(lastOffsetOf(bytes, at));
    if (lastOffsetOf(bytes, at) < fetchOffset) continue;
    nextOffset = lastOffsetOf(bytes, at) + 1;
    if (isControl(bytes, at)) {
      // Whichever way it ended: what this producer writes next is another transaction.
      aborted.ended(producerIdOf(bytes, at));
      continue;
    }
    const isAborted =
      isTransactional(bytes, at) && aborted.has(producerIdOf(bytes, at));
    if (!isAborted) decodeBatch(id, bytes, at, fetchOffset, records);
  }
  return {
    records,
    nextOffset,
    leaderEpoch: leaderEpoch < 0 ? null : leaderEpoch,
  };
}

/** Which producers are inside a transaction that was rolled back (Java's `CompletedFetch`). */
class AbortedProducers {
  readonly #ahead: AbortedTransaction[];
  readonly #inside = new Set<number>();

  constructor(transactions: readonly AbortedTransaction[]) {
    this.#ahead = [...transactions].sort(
      (a, b) => a.firstOffset - b.firstOffset,
    );
  }

  /** Reading has come to a batch that ends with `offset`. */
  reach(offset: number): void {
    for (;;) {
      const next = this.#ahead[0];
      if (next === undefined || next.firstOffset > offset) return;
      this.#inside.add(next.producerId);
      this.#ahead.shift();
    }
  }

  ended(producerId: number): void {
    this.#inside.delete(producerId);
  }

  has(producerId: number): boolean {
    return this.#inside.has(producerId);
  }
}

export interface NextPosition {
  readonly offset: number;
  /** Of the last whole batch; null where there is none, or it has none. */
  readonly leaderEpoch: number | null;
}

/**
 * Behind the last whole batch of `bytes`: where a fetcher goes on. Looks at
 * headers only. `fetchOffset` where there is no whole batch.
 */
export function nextPositionOf(
  bytes: Uint8Array,
  fetchOffset: number,
): NextPosition {
  let offset = fetchOffset;
  let leaderEpoch = -1;
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) break;
    offset = Math.max(offset, lastOffsetOf(bytes, at) + 1);
    leaderEpoch = partitionLeaderEpochOf(bytes, at);
    at += sizeBytes;
  }
  return { offset, leaderEpoch: leaderEpoch < 0 ? null : leaderEpoch };
}

export function nextOffsetOf(bytes: Uint8Array, fetchOffset: number): number {
  return nextPositionOf(bytes, fetchOffset).offset;
}

/** Positions of the whole batches, each with a CRC that holds. */
function* batchesIn(id: TopicPartition, bytes: Uint8Array): Iterable<number> {
  let at = 0;
  for (;;) {
    const sizeBytes = wholeBatchSizeBytes(bytes, at);
    if (sizeBytes === null) {
      checkRest(id, bytes, at);
      return;
    }
    if (magicOf(bytes, at) !== MAGIC) {
      throw corruptBatch(id, `magic ${magicOf(bytes, at)} at byte ${at}`);
    }
    if (!crcHolds(bytes, at)) {
      throw corruptBatch(id, `the checksum at byte ${at} does not hold`);
    }
    if (!Number.isSafeInteger(lastOffsetOf(bytes, at))) {
      throw corruptBatch(id, `offset ${lastOffsetOf(bytes, at)}`);
    }
    yield at;
    at += sizeBytes;
  }
}

/** The rest is the beginning of a batch, or it is nothing. */
function checkRest(id: TopicPartition, bytes: Uint8Array, at: number): void {
  if (bytes.length - at < LENGTH_PREFIX_SIZE) return;
  const sizeBytes = batchSizeBytesOf(bytes, at);
  if (sizeBytes < HEADER_SIZE) {
    throw corruptBatch(id, `a batch of ${sizeBytes} bytes at byte ${at}`);
  }
}

function decodeBatch(
  id: TopicPartition,
  bytes: Uint8Array,
  at: number,
  fetchOffset: number,
  records: RawRecord[],
): void {
  const reader = openRecords(bytes, at, { sizeBytesMax: BATCH_SIZE_BYTES_MAX });
  if (reader instanceof RecordError)
    throw corruptBatch(id, reader.message, reader);
  const timestampType = isLogAppendTime(bytes, at)
    ? "LogAppendTime"
    : "CreateTime";
  for (;;) {
    const record = reader.next();
    if (record === null) return;
    if (record instanceof RecordError) {
      throw corruptBatch(id, record.message, record);
    }
    if (record.offset < fetchOffset) continue;
    records.push(rawRecord(id, record, timestampType));
  }
}

const NO_HEADERS: ReadonlyMap<string, Uint8Array | null> = new Map();
const NO_HEADER_LIST: readonly Header[] = [];

function rawRecord(
  id: TopicPartition,
  { offset, timestampMs, key, value, headers }: StoredRecord,
  timestampType: RawRecord["timestampType"],
): RawRecord {
  const hasHeaders = headers.length > 0;
  return {
    topic: id.topic,
    partition: id.partition,
    offset,
    timestamp: timestampMs,
    timestampType,
    key,
    value,
    headers: hasHeaders
      ? new Map(headers.map((header) => [header.key, header.value]))
      : NO_HEADERS,
    headerList: hasHeaders
      ? headers.map((header) => ({ name: header.key, value: header.value }))
      : NO_HEADER_LIST,
  };
}

function corruptBatch(
  { topic, partition }: TopicPartition,
  detail: string,
  cause?: unknown,
): ClientError {
  return new ClientError(
    "corrupt-batch",
    `corrupt batch from ${topic}-${partition}: ${detail}`,
    cause === undefined ? {} : { cause },
  );
}
