/**
 * Is this batch, which a stranger produced, fit to be stored?
 *
 * By its header and its CRC only. The rules are those of Kafka's `LogValidator`
 * and `UnifiedLog.analyzeAndValidateRecords` for clients, with these of our
 * own, as Kafka also walks the records and repairs the header from them:
 * numbers must be exact (below 2^53), a transactional batch has a producer, and
 * the bits that only a broker sets are not set.
 *
 * Deliberately not checked, as clients in use differ: epoch and sequence of a
 * batch without a producer id (kafkajs sends 0), and whether the maximum
 * timestamp lies below the base (kafkajs sends the last record's).
 */
import {
  attributesOf,
  baseOffsetOf,
  baseSequenceOf,
  baseTimestampOf,
  batchSizeBytesOf,
  compressionOf,
  computeCrc,
  crcOf,
  isControl,
  isTransactional,
  lastOffsetDeltaOf,
  magicOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
  recordsCountOf,
  wholeBatchSizeBytes,
} from "./batch.ts";
import {
  Compression,
  compressionNameOf,
  DELETE_HORIZON_BIT,
  HEADER_SIZE,
  LENGTH_PREFIX_SIZE,
  LOG_APPEND_TIME_BIT,
  MAGIC,
  MAGIC_END,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
} from "./batch-format.ts";
import { openRecords, RECORD_SIZE_MIN } from "./record.ts";
import { RecordError } from "./record-error.ts";

export interface BatchRefusal {
  readonly error:
    | "corrupt-batch"
    | "invalid-record"
    | "invalid-timestamp"
    | "message-too-large"
    | "unsupported-compression";
  readonly detail: string;
  /** Which record, where it is one's fault. */
  readonly recordIndex?: number;
}

export interface BatchLimits {
  /** The topic's `max.message.bytes`: of one batch with its header. */
  readonly sizeBytesMax: number;
  /** Timestamps must lie between these, both inclusive; -1, "none", is always allowed. */
  readonly timestampMsMin: number;
  readonly timestampMsMax: number;
}

/** Produce since version 3: exactly one batch a partition, and nothing else. Null: fit to store. */
export function validateOneBatch(
  bytes: Uint8Array,
  limits: BatchLimits,
): BatchRefusal | null {
  if (bytes.length === 0) return refuse("invalid-record", "no batch at all");
  const refusal = validateBatch(bytes, 0, limits);
  if (refusal !== null) return refusal;
  const sizeBytes = batchSizeBytesOf(bytes, 0);
  return sizeBytes === bytes.length
    ? null
    : refuse("invalid-record", "more than one batch for a partition");
}

/** Batches one behind the other, to the last byte: how many, or what is wrong with the first bad one. */
export function validateBatches(
  bytes: Uint8Array,
  limits: BatchLimits,
): number | BatchRefusal {
  let count = 0;
  let at = 0;
  while (at < bytes.length) {
    const refusal = validateBatch(bytes, at, limits);
    if (refusal !== null) return refusal;
    at += batchSizeBytesOf(bytes, at);
    count++;
  }
  return count;
}

/** The batch at `at`, whatever may lie behind it. Null: fit to store. */
export function validateBatch(
  bytes: Uint8Array,
  at: number,
  limits: BatchLimits,
): BatchRefusal | null {
  return (
    checkFrame(bytes, at, limits) ??
    checkOffsets(bytes, at) ??
    checkAttributes(bytes, at) ??
    checkTimestamps(bytes, at, limits) ??
    checkProducer(bytes, at)
  );
}

/** Size, magic and CRC: after this the header's fields are what was sent. */
function checkFrame(
  bytes: Uint8Array,
  at: number,
  limits: BatchLimits,
): BatchRefusal | null {
  const left = bytes.length - at;
  if (left < MAGIC_END) {
    // As Kafka: where no batch is whole, there is none.
    return refuse("invalid-record", `${left} bytes are no batch`);
  }
  // Before the size, as the smallest message of an older format has less.
  const magic = magicOf(bytes, at);
  if (magic < MAGIC) {
    // What Kafka says since Produce 3, the first version for batches of today.
    return refuse("invalid-record", `magic ${magic}`);
  }
  if (magic > MAGIC) return refuse("corrupt-batch", `magic ${magic}`);
  const sizeBytes = batchSizeBytesOf(bytes, at);
  if (sizeBytes > limits.sizeBytesMax) {
    const detail = `batch of ${sizeBytes} bytes, at most ${limits.sizeBytesMax}`;
    return refuse("message-too-large", detail);
  }
  if (wholeBatchSizeBytes(bytes, at) === null) {
    const length = sizeBytes - LENGTH_PREFIX_SIZE;
    const error = sizeBytes > left ? "invalid-record" : "corrupt-batch";
    return refuse(error, `batch length ${length} in ${left} bytes`);
  }
  const crc = computeCrc(bytes, at);
  if (crc !== crcOf(bytes, at)) {
    const detail = `crc ${hex(crcOf(bytes, at))}, expected ${hex(crc)}`;
    return refuse("corrupt-batch", detail);
  }
  return null;
}

function checkOffsets(bytes: Uint8Array, at: number): BatchRefusal | null {
  const baseOffset = baseOffsetOf(bytes, at);
  if (baseOffset !== 0) {
    return refuse("invalid-record", `base offset ${baseOffset}, expected 0`);
  }
  const count = recordsCountOf(bytes, at);
  const lastOffsetDelta = lastOffsetDeltaOf(bytes, at);
  if (count < 1 || lastOffsetDelta !== count - 1) {
    const detail = `${count} records with last offset delta ${lastOffsetDelta}`;
    return refuse("invalid-record", detail);
  }
  // Compressed records may be smaller than that, so nothing is known of them.
  const recordsSize = batchSizeBytesOf(bytes, at) - HEADER_SIZE;
  const isPlain = compressionOf(bytes, at) === Compression.none;
  if (isPlain && count > recordsSize / RECORD_SIZE_MIN) {
    return refuse("invalid-record", `${count} records in ${recordsSize} bytes`);
  }
  return null;
}

function checkAttributes(bytes: Uint8Array, at: number): BatchRefusal | null {
  const attributes = attributesOf(bytes, at);
  const compression = compressionOf(bytes, at);
  if (compressionNameOf(compression) === null) {
    return refuse("unsupported-compression", `codec ${compression}`);
  }
  if (isControl(bytes, at)) {
    return refuse("invalid-record", "clients may not write control records");
  }
  if ((attributes & LOG_APPEND_TIME_BIT) !== 0) {
    const detail = "only the broker sets the timestamp type to LogAppendTime";
    return refuse("invalid-timestamp", detail);
  }
  if ((attributes & DELETE_HORIZON_BIT) !== 0) {
    return refuse("invalid-record", "only the broker sets a delete horizon");
  }
  return null;
}

function checkTimestamps(
  bytes: Uint8Array,
  at: number,
  limits: BatchLimits,
): BatchRefusal | null {
  return (
    checkTimestamp("base", baseTimestampOf(bytes, at), limits) ??
    checkTimestamp("maximum", maxTimestampOf(bytes, at), limits)
  );
}

function checkTimestamp(
  name: string,
  timestampMs: number,
  limits: BatchLimits,
): BatchRefusal | null {
  if (timestampMs === NO_TIMESTAMP) return null;
  const { timestampMsMin, timestampMsMax } = limits;
  const isSane =
    timestampMs >= 0 &&
    Number.isSafeInteger(timestampMs) &&
    timestampMs >= timestampMsMin &&
    timestampMs <= timestampMsMax;
  if (isSane) return null;
  const detail = `${name} timestamp ${timestampMs}, expected ${timestampMsMin} to ${timestampMsMax}`;
  return refuse("invalid-timestamp", detail);
}

function checkProducer(bytes: Uint8Array, at: number): BatchRefusal | null {
  const id = producerIdOf(bytes, at);
  if (id === NO_PRODUCER_ID) {
    return isTransactional(bytes, at)
      ? refuse("invalid-record", "transactional without a producer id")
      : null;
  }
  const epoch = producerEpochOf(bytes, at);
  const sequence = baseSequenceOf(bytes, at);
  if (!Number.isSafeInteger(id) || id < 0 || epoch < 0 || sequence < 0) {
    const detail = `producer ${id} with epoch ${epoch} and sequence ${sequence}`;
    return refuse("invalid-record", detail);
  }
  return null;
}

/**
 * Walks the records of a batch whose header holds: for compacted topics, where
 * every record needs a key, and for `record.validation=full`. Costs more than
 * all the rest of an append.
 */
export function validateRecords(
  bytes: Uint8Array,
  at: number,
  options: { readonly needsKeys: boolean; readonly sizeBytesMax: number },
): BatchRefusal | null {
  const reader = openRecords(bytes, at, options);
  if (reader instanceof RecordError) return refuseRecords(reader);
  for (let index = 0; ; index++) {
    const record = reader.next();
    if (record === null) return null;
    if (record instanceof RecordError) return refuseRecords(record);
    if (options.needsKeys && record.key === null) {
      const detail = `record ${index} has no key`;
      return { ...refuse("invalid-record", detail), recordIndex: index };
    }
  }
}

/** What a batch is refused with whose records do not hold. */
export function refuseRecords(error: RecordError): BatchRefusal {
  switch (error.code) {
    case "corrupt-records":
      return refuse("invalid-record", error.message);
    case "records-too-large":
      return refuse("message-too-large", error.message);
    case "unsupported-compression":
      return refuse("unsupported-compression", error.message);
  }
}

function refuse(error: BatchRefusal["error"], detail: string): BatchRefusal {
  return { error, detail };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}
