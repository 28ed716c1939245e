/**
 * The coordinator's records as they lie in `__consumer_offsets`: Kafka's own
 * schemas, DO NOT CHANGE: on disk.
 *
 *   key   := type: int16, fields     // 0 and 1: OffsetCommitKey, 2: GroupMetadataKey
 *   value := version: int16, fields  // or null, a tombstone
 *
 * Offset keys of type 0 (Kafka 0.8) have the same fields as those of type 1,
 * and values of the same schema. Types above 2 belong to group protocols that
 * we do not speak; `decode` answers null for them.
 */
import { readInt16, writeInt16 } from "../lib/bytes.ts";
import type { EncodedRecord, RecordCodec } from "../machine/machine.ts";
import { compile } from "../wire/compile.ts";
import { Reader } from "../wire/reader.ts";
import {
  array,
  bytes,
  int32,
  int64,
  message,
  string,
  struct,
  uuid,
  type Fields,
  type FieldsIn,
  type FieldsOut,
  type Message,
} from "../wire/schema.ts";
import { Writer } from "../wire/writer.ts";
import type {
  CommittedOffset,
  GroupMetadata,
  GroupRecord,
} from "./group-record.ts";

export const offsetCommitKey = message({
  apiKey: 1,
  name: "OffsetCommitKey",
  versions: "0",
  flexible: "none",
  fields: {
    group: string,
    topic: string,
    partition: int32,
  },
});

export const offsetCommitValue = message({
  apiKey: 1,
  name: "OffsetCommitValue",
  versions: "0-4",
  flexible: "4+",
  fields: {
    offset: int64,
    leaderEpoch: int32.versions("3+").default(-1),
    metadata: string,
    commitTimestamp: int64,
    expireTimestamp: int64.versions("1").default(-1),
    topicId: uuid.versions("4+").tagged(0, "4+"),
  },
});

export const groupMetadataKey = message({
  apiKey: 2,
  name: "GroupMetadataKey",
  versions: "0",
  flexible: "none",
  fields: {
    group: string,
  },
});

export const groupMetadataValue = message({
  apiKey: 2,
  name: "GroupMetadataValue",
  versions: "0-4",
  flexible: "4+",
  fields: {
    protocolType: string,
    generation: int32,
    protocol: string.nullable(),
    leader: string.nullable(),
    currentStateTimestamp: int64.versions("2+").default(-1),
    members: array(
      struct({
        memberId: string,
        groupInstanceId: string.versions("3+").nullable().default(null),
        clientId: string,
        clientHost: string,
        rebalanceTimeout: int32.versions("1+").default(-1),
        sessionTimeout: int32,
        subscription: bytes,
        assignment: bytes,
      }),
    ),
  },
});

const LEGACY_OFFSET_KEY_TYPE = 0;
const OFFSET_KEY_TYPE = 1;
const GROUP_KEY_TYPE = 2;

/** What Kafka writes: the last version that every Kafka since 2.3 can read. */
const VALUE_VERSION = 3;
/** The only version that can say when an offset is to expire. */
const EXPIRING_OFFSET_VERSION = 1;

/** `decode` throws a `WireError` for a known record that is malformed, a `RangeError` for its unknown version. */
export const groupRecordCodec: RecordCodec<GroupRecord> = {
  encode: encodeGroupRecord,
  decode: decodeGroupRecord,
};

function encodeGroupRecord(record: GroupRecord): EncodedRecord {
  if (record.kind === "group") {
    const key = { group: record.groupId };
    return {
      key: prefixed(GROUP_KEY_TYPE, groupMetadataKey, 0, key),
      value: record.value && groupValue(record.value),
    };
  }
  const { groupId, topic, partition } = record;
  const key = { group: groupId, topic, partition };
  return {
    key: prefixed(OFFSET_KEY_TYPE, offsetCommitKey, 0, key),
    value: record.value && offsetValue(record.value),
  };
}

function groupValue(group: GroupMetadata): Uint8Array {
  return prefixed(VALUE_VERSION, groupMetadataValue, VALUE_VERSION, {
    protocolType: group.protocolType,
    generation: group.generation,
    protocol: group.protocol,
    leader: group.leader,
    currentStateTimestamp: group.stateTimestampMs ?? -1,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  });
}

/** An offset that expires loses its leader epoch, as in Kafka: no version holds both. */
function offsetValue(committed: CommittedOffset): Uint8Array {
  const version =
    committed.expireTimestampMs === null
      ? VALUE_VERSION
      : EXPIRING_OFFSET_VERSION;
  return prefixed(version, offsetCommitValue, version, {
    offset: committed.offset,
    leaderEpoch: committed.leaderEpoch ?? -1,
    metadata: committed.metadata,
    commitTimestamp: committed.commitTimestampMs,
    expireTimestamp: committed.expireTimestampMs ?? -1,
  });
}

function decodeGroupRecord(
  key: Uint8Array | null,
  value: Uint8Array | null,
): GroupRecord | null {
  if (key === null) return null;
  const reader = new Reader(key);
  switch (readInt16(key, reader.take(2))) {
    case LEGACY_OFFSET_KEY_TYPE:
    case OFFSET_KEY_TYPE: {
      const fields = compile(offsetCommitKey, 0).decode(reader);
      const { group: groupId, topic, partition } = fields;
      const committed = value && committedOffset(value);
      return { kind: "offset", groupId, topic, partition, value: committed };
    }
    case GROUP_KEY_TYPE: {
      const { group: groupId } = compile(groupMetadataKey, 0).decode(reader);
      return { kind: "group", groupId, value: value && groupMetadata(value) };
    }
    default:
      return null;
  }
}

function committedOffset(bytes: Uint8Array): CommittedOffset {
  const value = readValue(offsetCommitValue, bytes);
  return {
    offset: value.offset,
    leaderEpoch: noneIfNegative(value.leaderEpoch),
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: noneIfNegative(value.expireTimestamp),
  };
}

function groupMetadata(bytes: Uint8Array): GroupMetadata {
  const value = readValue(groupMetadataValue, bytes);
  return {
    protocolType: value.protocolType,
    generation: value.generation,
    protocol: value.protocol,
    leader: value.leader,
    stateTimestampMs: noneIfNegative(value.currentStateTimestamp),
    members: value.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      // Version 0 knew only one of the two.
      rebalanceTimeoutMs:
        noneIfNegative(member.rebalanceTimeout) ?? member.sessionTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      // A group is kept for days; a view would keep all that was read with it.
      subscription: new Uint8Array(member.subscription),
      assignment: new Uint8Array(member.assignment),
    })),
  };
}

function noneIfNegative(value: number): number | null {
  return value < 0 ? null : value;
}

/** A version from the future fails the load, as in Kafka: skipping it would lose an offset. */
function readValue<F extends Fields>(
  schema: Message<F>,
  value: Uint8Array,
): FieldsOut<F> {
  const reader = new Reader(value);
  const version = readInt16(value, reader.take(2));
  return compile(schema, version).decode(reader);
}

function prefixed<F extends Fields>(
  prefix: number,
  schema: Message<F>,
  version: number,
  value: FieldsIn<F>,
): Uint8Array {
  const writer = new Writer(128);
  const start = writer.reserve(2);
  writeInt16(writer.bytes, start, prefix);
  compile(schema, version).encode(writer, value);
  return writer.finishBytes();
}
