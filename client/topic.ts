/**
 * Topics as typed values: a name, and how keys and values become bytes.
 *
 * Encoders and decoders are function-typed properties and not methods: methods
 * are checked bivariantly, and would let a wrong shape through.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { topicNameFault } from "../broker/catalog/topic-name.ts";
import { ClientError } from "./errors.ts";

export interface Encoder<in T> {
  readonly encode: (value: T) => Uint8Array | null;
}

export interface Decoder<out T> {
  /** Throws `decode-failed` on bytes that do not fit. */
  readonly decode: (bytes: Uint8Array | null) => T;
}

export interface TopicSink<in K, in V> {
  readonly name: string;
  readonly key: Encoder<K>;
  readonly value: Encoder<V>;
}

export interface TopicSource<out K, out V> {
  readonly name: string;
  readonly key: Decoder<K>;
  readonly value: Decoder<V>;
}

export interface Topic<K, V> extends TopicSink<K, V>, TopicSource<K, V> {
  readonly key: Encoder<K> & Decoder<K>;
  readonly value: Encoder<V> & Decoder<V>;
}

export type KeyOf<T> = T extends Topic<infer K, infer _V> ? K : never;
export type ValueOf<T> = T extends Topic<infer _K, infer V> ? V : never;

type Codec<T> = Encoder<T> & Decoder<T>;
type Bytes = Uint8Array | null;

/** A topic whose keys are text (or absent) and whose values are JSON of a schema. */
export function topic<S extends StandardSchemaV1>(
  name: string,
  options: { readonly value: S },
): Topic<string | null, StandardSchemaV1.InferOutput<S>>;
/** A topic whose keys and values are both JSON of a schema. */
export function topic<S extends StandardSchemaV1, KS extends StandardSchemaV1>(
  name: string,
  options: { readonly value: S; readonly key: KS },
): Topic<StandardSchemaV1.InferOutput<KS>, StandardSchemaV1.InferOutput<S>>;
/** A topic of text: UTF-8 keys and values, either of which may be absent. */
export function topic(
  name: string,
  options: { readonly format: "text" },
): Topic<string | null, string | null>;
/** A topic of bytes, handed through as they are. */
export function topic(
  name: string,
  options?: { readonly format: "bytes" },
): Topic<Bytes, Bytes>;
export function topic(
  name: string,
  options: {
    readonly value?: StandardSchemaV1;
    readonly key?: StandardSchemaV1;
    readonly format?: "text" | "bytes";
  } = {},
): never {
  if (typeof name !== "string" || name === "") {
    throw new ClientError("invalid-argument", "a topic needs a name");
  }
  const fault = topicNameFault(name);
  if (fault !== null) throw new ClientError("invalid-argument", fault);
  const format: unknown = options.format ?? "bytes";
  if (format !== "text" && format !== "bytes") {
    const detail = `the format ${JSON.stringify(format)} is neither "text" nor "bytes"; JSON takes a schema: topic(name, { value: schema })`;
    throw new ClientError("invalid-argument", detail);
  }
  // The overloads state the types; `never` is what all of them accept.
  if (options.value !== undefined) {
    const key = options.key === undefined ? text : json(options.key);
    return { name, key, value: json(options.value) } as never;
  }
  const codec = format === "text" ? text : bytes;
  return { name, key: codec, value: codec } as never;
}

const bytes: Codec<Bytes> = {
  encode: (value) => value,
  decode: (value) => value,
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const text: Codec<string | null> = {
  encode: (value) => (value === null ? null : encodeText(value)),
  decode: (value) => (value === null ? null : decodeText(value)),
};

/** An encoder of text takes anything, and makes `[object Object]` of an object. */
function encodeText(value: unknown): Uint8Array {
  if (typeof value === "string") return encoder.encode(value);
  throw new ClientError(
    "encode-failed",
    `a topic of text takes strings and null, not ${typeof value}`,
  );
}

/** JSON that is checked on both ways: what is sent fits the schema, as does what was read. */
function json<S extends StandardSchemaV1>(
  schema: S,
): Codec<StandardSchemaV1.InferOutput<S>> {
  return {
    encode: (value) => {
      const encoded = JSON.stringify(value);
      if (encoded === undefined) {
        throw new ClientError("encode-failed", "the value has no JSON form");
      }
      return encoder.encode(encoded);
    },
    decode: (value) => {
      const parsed = value === null ? null : parseJson(decodeText(value));
      return conform(schema, parsed);
    },
  };
}

function conform<S extends StandardSchemaV1>(
  schema: S,
  value: unknown,
): StandardSchemaV1.InferOutput<S> {
  const result = schema["~standard"].validate(value);
  if (result instanceof Promise) {
    throw new ClientError(
      "invalid-argument",
      `the ${schema["~standard"].vendor} schema validates asynchronously; topics need a synchronous one`,
    );
  }
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map((issue) => {
    const path = (issue.path ?? [])
      .map((step) => String(typeof step === "object" ? step.key : step))
      .join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new ClientError(
    "decode-failed",
    `the value does not fit its schema: ${issues.join("; ")}`,
  );
}

function decodeText(value: Uint8Array): string {
  try {
    return decoder.decode(value);
  } catch (cause) {
    throw new ClientError("decode-failed", "the bytes are not UTF-8", {
      cause,
    });
  }
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new ClientError("decode-failed", "the text is not JSON", { cause });
  }
}
