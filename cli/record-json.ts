/**
 * Records as JSON, one a line, as `consume --json` writes and `produce --json`
 * reads them:
 *
 *   {"topic":"t","partition":0,"offset":7,"timestamp":1760000000000,
 *    "key":"k","value":"v","headers":[["trace","1"]]}
 *
 * Bytes are text where they are UTF-8, `{"base64":"..."}` where they are not,
 * null where there are none. On the way in a value may also be any other JSON:
 * its text is the value. Headers may be an object.
 */
import { isUtf8 } from "node:buffer";
import type { Header, RawRecord } from "../client/index.ts";
import { CliFailure } from "./failure.ts";

export interface InputRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
  readonly timestamp?: number;
  readonly partition?: number;
}

/** What `consume --json` writes: where a record was read does not say where it goes. */
const fieldNames = [
  "topic",
  "partition",
  "offset",
  "timestamp",
  "key",
  "value",
  "headers",
];

type JsonBytes = string | null | { readonly base64: string };

export function formatJsonRecord(record: RawRecord): string {
  return JSON.stringify({
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: record.timestamp,
    key: jsonOf(record.key),
    value: jsonOf(record.value),
    headers: record.headerList.map(({ name, value }) => [name, jsonOf(value)]),
  });
}

export function jsonOf(bytes: Uint8Array | null): JsonBytes {
  if (bytes === null) return null;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString("utf8");
  return { base64: buffer.toString("base64") };
}

/** `where` names the line in what is thrown. */
export function parseJsonRecord(line: Uint8Array, where: string): InputRecord {
  const fields = parseObject(line, where);
  // A name mistyped would be a record without a value, which deletes in some topics.
  const unknown = Object.keys(fields).find((one) => !fieldNames.includes(one));
  if (unknown !== undefined) {
    throw new CliFailure(
      `${where} has a field ${JSON.stringify(unknown)}, which no record has`,
      'write {"key":"k","value":"v"}; a value may be any JSON',
    );
  }
  const timestamp = wholeNumber(fields["timestamp"], `timestamp of ${where}`);
  const partition = wholeNumber(fields["partition"], `partition of ${where}`);
  return {
    key: bytesOf(fields["key"]),
    value: bytesOf(fields["value"]),
    headers: headersOf(fields["headers"], where),
    ...(timestamp === null ? {} : { timestamp }),
    ...(partition === null ? {} : { partition }),
  };
}

function parseObject(line: Uint8Array, where: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(line).toString("utf8"));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure(
      `${where} is no JSON: ${detail}`,
      'write one object a line, such as {"key":"k","value":"v"}',
    );
  }
  if (!isObject(parsed)) {
    throw new CliFailure(
      `${where} is no JSON object`,
      'write one object a line, such as {"key":"k","value":"v"}',
    );
  }
  return parsed;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return Buffer.from(value, "utf8");
  if (isObject(value) && Object.keys(value).length === 1) {
    const { base64 } = value;
    if (typeof base64 === "string") return Buffer.from(base64, "base64");
  }
  return Buffer.from(JSON.stringify(value), "utf8");
}

function headersOf(value: unknown, where: string): readonly Header[] {
  if (value === null || value === undefined) return [];
  const pairs: unknown[] = isObject(value)
    ? Object.entries(value)
    : Array.isArray(value)
      ? value
      : [null];
  return pairs.map((pair) => {
    const [name, content] = Array.isArray(pair) ? pair : [];
    if (typeof name !== "string") {
      throw new CliFailure(
        `the headers of ${where} are neither an object nor a list of pairs`,
        'write "headers":{"name":"value"}',
      );
    }
    return { name, value: bytesOf(content) };
  });
}

function wholeNumber(value: unknown, what: string): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new CliFailure(`the ${what} is not a whole number`);
  }
  return value;
}
