/** From a typed record to the bytes of one, before anything is queued. */
import type { NewRecord } from "../../broker/record/record.ts";
import type { SendRecord } from "../client.ts";
import { ClientError } from "../errors.ts";
import type { Encoder, TopicSink } from "../topic.ts";
import { mustBeTopic } from "./checked-arguments.ts";

const text = new TextEncoder();

/** Throws `encode-failed`, `invalid-argument`, or whatever `ClientError` the topic's own encoder throws. */
export function encodeRecord<K, V>(
  topic: TopicSink<K, V>,
  record: SendRecord<K, V>,
  nowMs: number,
): NewRecord {
  mustBeTopic(topic, "send");
  const given: unknown = record;
  if (typeof given !== "object" || given === null) {
    throw new ClientError(
      "invalid-argument",
      "send takes a record such as { key: null, value: ... } behind the topic",
    );
  }
  const timestampMs = record.timestamp ?? nowMs;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new ClientError(
      "invalid-argument",
      `the timestamp ${timestampMs} is not in ms since the epoch`,
    );
  }
  return {
    // Left out, where no compiler asks for it: no key, as with most clients.
    key:
      record.key === undefined
        ? null
        : encode(topic.name, "key", topic.key, record.key),
    value: encode(topic.name, "value", topic.value, record.value),
    headers: encodeHeaders(record.headers),
    timestampMs,
  };
}

function encode<T>(
  topic: string,
  what: "key" | "value",
  encoder: Encoder<T>,
  value: T,
): Uint8Array | null {
  let encoded: Uint8Array | null;
  try {
    encoded = encoder.encode(value);
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError(
      "encode-failed",
      `a ${what} for ${topic} could not be encoded`,
      { cause },
    );
  }
  mustBeBytes(encoded, `the ${what} of a record for ${topic}`);
  return encoded;
}

/**
 * What is no bytes would only show when its batch is made, where it takes the
 * records around it along. The types say so already; plain JavaScript does not.
 */
function mustBeBytes(value: unknown, what: string): void {
  if (value === null || value instanceof Uint8Array) return;
  throw new ClientError(
    "encode-failed",
    `${what} is neither bytes nor null but ${typeof value}`,
  );
}

function encodeHeaders(
  headers: SendRecord<unknown, unknown>["headers"],
): NewRecord["headers"] {
  if (headers === undefined) return [];
  const encoded = isList(headers)
    ? headers.map(({ name, value }) => ({ key: name, value }))
    : Object.entries(headers).map(([key, value]) => ({
        key,
        value: typeof value === "string" ? text.encode(value) : value,
      }));
  for (const { key, value } of encoded) mustBeBytes(value, `the header ${key}`);
  return encoded;
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isList<T>(
  headers: readonly T[] | Readonly<Record<string, unknown>>,
): headers is readonly T[] {
  return Array.isArray(headers);
}
