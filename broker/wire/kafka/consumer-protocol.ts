/**
 * What the members of a consumer group say to each other through the broker:
 * a subscription in JoinGroup's metadata, an assignment in SyncGroup's.
 *
 *   version: int16, fields
 *
 * v1   partitions the member owns now (KIP-429)
 * v2   generation in which it got them (KIP-792)
 * v3   rack (KIP-881)
 *
 * Later versions only add fields at the end, so a version we do not know is
 * read as the last one we do, and bytes left over are no error. Assignors of
 * kafkajs may say v1 and write v0: what is too short for its version is read as
 * v0, as librdkafka does. The writers are clients of every language: what they
 * wrote may be anything.
 */
import { readInt16, writeInt16 } from "../../lib/bytes.ts";
import { compile } from "../compile.ts";
import { Reader } from "../reader.ts";
import {
  array,
  bytes,
  int32,
  message,
  string,
  struct,
  type Fields,
  type FieldsIn,
  type FieldsOut,
  type Infer,
  type Input,
  type Message,
} from "../schema.ts";
import { WireError } from "../wire-error.ts";
import { Writer } from "../writer.ts";

export const consumerProtocolSubscription = message({
  name: "ConsumerProtocolSubscription",
  versions: "0-3",
  flexible: "none",
  fields: {
    topics: array(string),
    userData: bytes.nullable().default(null),
    ownedPartitions: array(
      struct({
        topic: string,
        partitions: array(int32),
      }),
    ).versions("1+"),
    generationId: int32.versions("2+").default(-1),
    rackId: string.versions("3+").nullable().default(null),
  },
});
export type Subscription = Infer<typeof consumerProtocolSubscription>;

export const consumerProtocolAssignment = message({
  name: "ConsumerProtocolAssignment",
  versions: "0-3",
  flexible: "none",
  fields: {
    assignedPartitions: array(
      struct({
        topic: string,
        partitions: array(int32),
      }),
    ),
    userData: bytes.nullable().default(null),
  },
});
export type Assignment = Infer<typeof consumerProtocolAssignment>;

const VERSION_SIZE = 2;

/** In the last version: every client reads it, by the rule above. */
export function encodeSubscription(
  subscription: Input<typeof consumerProtocolSubscription>,
): Uint8Array {
  return encode(consumerProtocolSubscription, subscription);
}

/** In the last version. */
export function encodeAssignment(
  assignment: Input<typeof consumerProtocolAssignment>,
): Uint8Array {
  return encode(consumerProtocolAssignment, assignment);
}

/** Null for bytes that are no subscription. */
export function decodeSubscription(bytes: Uint8Array): Subscription | null {
  return decode(consumerProtocolSubscription, bytes);
}

/** Null for bytes that are no assignment: no bytes at all, too, which is what a member without one has. */
export function decodeAssignment(bytes: Uint8Array): Assignment | null {
  return decode(consumerProtocolAssignment, bytes);
}

function encode<F extends Fields>(
  schema: Message<F>,
  value: FieldsIn<F>,
): Uint8Array {
  const version = schema.versions.last;
  const writer = new Writer(128);
  const start = writer.reserve(VERSION_SIZE);
  writeInt16(writer.bytes, start, version);
  compile(schema, version).encode(writer, value);
  return writer.finishBytes();
}

function decode<F extends Fields>(
  schema: Message<F>,
  bytes: Uint8Array,
): FieldsOut<F> | null {
  if (bytes.length < VERSION_SIZE) return null;
  const version = readInt16(bytes, 0);
  if (version < schema.versions.first) return null;
  const known = Math.min(version, schema.versions.last);
  return decodeAs(schema, known, bytes) ?? decodeAs(schema, 0, bytes);
}

function decodeAs<F extends Fields>(
  schema: Message<F>,
  version: number,
  bytes: Uint8Array,
): FieldsOut<F> | null {
  try {
    return compile(schema, version).decode(new Reader(bytes, VERSION_SIZE));
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
