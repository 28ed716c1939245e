/** From a typed record to the bytes of one, before anything is queued. */
import type { NewRecord } from "../../broker/record/record.ts";
import type { SendRecord } from "../client.ts";
import { ClientError } from "../errors.ts";
import type { Encoder, TopicSink } from "../topic.ts";

const text = new TextEncoder();

/** Throws `encode-failed`, or whatever `ClientError` the topic's own encoder throws. */
export function encodeRecord<K, V>(
  topic: TopicSink<K, V>,
  record: SendRecord<K, V>,
  nowMs: number,
): NewRecord {
  const timestampMs = record.timestamp ?? nowMs;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new ClientError(
      "invalid-argument",
      `the timestamp ${timestampMs} is not in ms since the epoch`,
    );
  }
  return {
    key: encode(topic.name, "key", topic.key, record.key),
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
  try {
    return encoder.encode(value);
  } catch (cause) {
    if (cause instanceof ClientError) throw cause;
    throw new ClientError(
      "encode-failed",
      `a ${what} for ${topic} could not be encoded`,
      { cause },
    );
  }
}

function encodeHeaders(
  headers: SendRecord<unknown, unknown>["headers"],
): NewRecord["headers"] {
  if (headers === undefined) return [];
  if (isList(headers)) {
    return headers.map(({ name, value }) => ({ key: name, value }));
  }
  return Object.entries(headers).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? text.encode(value) : value,
  }));
}

/** `Array.isArray` does not narrow a readonly array out of a union. */
function isList<T>(
  headers: readonly T[] | Readonly<Record<string, unknown>>,
): headers is readonly T[] {
  return Array.isArray(headers);
}
