/**
 * A record that could not be processed, as the dead-letter topic keeps it: the
 * bytes as they were read, the record's own headers, and Spring Kafka's
 * `kafka_dlt-*` headers, which its tools and many dashboards read.
 *
 * Numbers in Spring's headers are big-endian (`DeadLetterRecordManager`):
 * partition int32, offset and timestamp int64. A few headers of our own say
 * which pipeline and branch gave up, and with which code.
 */
import type { Header, RawRecord } from "../client/index.ts";
import type { Failure } from "./errors.ts";

/**
 * Of a message and of a stack trace each: a dead letter that outgrows the
 * largest record its topic takes could not be written, and would stop the run.
 */
const TEXT_SIZE_BYTES_MAX = 4_096;

const PIPELINE_NAME = "x-pipeline-name";
const PIPELINE_BRANCH = "x-pipeline-branch";
const ERROR_CODE = "x-pipeline-error-code";
const FAILED_AT = "x-pipeline-failed-at";

export interface DeadLetterOrigin {
  readonly pipeline: string;
  /** Null: before any branch. */
  readonly branch: string | null;
  readonly group: string;
  readonly failedAtMs: number;
}

export function deadLetterHeaders(
  record: RawRecord,
  failure: Failure,
  origin: DeadLetterOrigin,
): readonly Header[] {
  const part = failure.isKeyFailure ? "key-exception" : "exception";
  const headers: Header[] = [
    ...record.headerList.filter((header) => !isOfAnEarlierFailure(header.name)),
    ...originalHeaders(record, origin),
    { name: `kafka_dlt-${part}-fqcn`, value: text(failure.errorName) },
    { name: `kafka_dlt-${part}-message`, value: text(failure.message) },
  ];
  if (failure.causeName !== null) {
    headers.push({
      name: "kafka_dlt-exception-cause-fqcn",
      value: text(failure.causeName),
    });
  }
  if (failure.stack !== null) {
    headers.push({
      name: `kafka_dlt-${part}-stacktrace`,
      value: text(failure.stack),
    });
  }
  headers.push(
    { name: PIPELINE_NAME, value: text(origin.pipeline) },
    { name: ERROR_CODE, value: text(failure.errorCode) },
    { name: FAILED_AT, value: text(isoTime(origin.failedAtMs)) },
  );
  if (origin.branch !== null) {
    headers.push({ name: PIPELINE_BRANCH, value: text(origin.branch) });
  }
  return headers;
}

/** Where the record came from. A record that was dead-lettered before keeps its first origin. */
function originalHeaders(
  record: RawRecord,
  origin: DeadLetterOrigin,
): readonly Header[] {
  if (record.headers.has("kafka_dlt-original-topic")) return [];
  return [
    { name: "kafka_dlt-original-topic", value: text(record.topic) },
    { name: "kafka_dlt-original-partition", value: int32(record.partition) },
    { name: "kafka_dlt-original-offset", value: int64(record.offset) },
    { name: "kafka_dlt-original-timestamp", value: int64(record.timestamp) },
    {
      name: "kafka_dlt-original-timestamp-type",
      value: text(record.timestampType),
    },
    { name: "kafka_dlt-original-consumer-group", value: text(origin.group) },
  ];
}

/** Spring's `stripPreviousExceptionHeaders`: only the last failure is told. */
function isOfAnEarlierFailure(name: string): boolean {
  return (
    name.startsWith("kafka_dlt-exception-") ||
    name.startsWith("kafka_dlt-key-exception-") ||
    name === PIPELINE_NAME ||
    name === PIPELINE_BRANCH ||
    name === ERROR_CODE ||
    name === FAILED_AT
  );
}

const encoder = new TextEncoder();

/** UTF-8, cut between two characters where it is too long. */
function text(value: string): Uint8Array {
  if (value.length * 3 <= TEXT_SIZE_BYTES_MAX) return encoder.encode(value);
  const bytes = new Uint8Array(TEXT_SIZE_BYTES_MAX);
  return bytes.slice(0, encoder.encodeInto(value, bytes).written);
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function int64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
}

/** A time as ISO 8601; the argument makes it pure, unlike `new Date()`. */
function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
