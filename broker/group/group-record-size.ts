/**
 * What a record takes in the log, never estimated too low. A decision is one
 * batch, and the log refuses one that is larger than the topic's
 * `max.message.bytes`; the coordinator must refuse first, as after a failed
 * append all that is soft in it is lost.
 */
import type { GroupMetadataMember, GroupRecord } from "./group-record.ts";

/** Lengths, versions and numbers of a record, of a member. */
const RECORD_OVERHEAD_BYTES = 96;
const MEMBER_OVERHEAD_BYTES = 32;

export function recordSizeBytes(record: GroupRecord): number {
  let sizeBytes = RECORD_OVERHEAD_BYTES + textSizeBytes(record.groupId);
  if (record.kind === "offset") {
    sizeBytes += textSizeBytes(record.topic);
    if (record.value !== null)
      sizeBytes += textSizeBytes(record.value.metadata);
    return sizeBytes;
  }
  if (record.value === null) return sizeBytes;
  const { protocolType, protocol, leader, members } = record.value;
  sizeBytes += textSizeBytes(protocolType);
  sizeBytes += textSizeBytes(protocol) + textSizeBytes(leader);
  for (const member of members) sizeBytes += memberSizeBytes(member);
  return sizeBytes;
}

function memberSizeBytes(member: GroupMetadataMember): number {
  return (
    MEMBER_OVERHEAD_BYTES +
    textSizeBytes(member.memberId) +
    textSizeBytes(member.instanceId) +
    textSizeBytes(member.clientId) +
    textSizeBytes(member.clientHost) +
    member.subscription.length +
    member.assignment.length
  );
}

function textSizeBytes(text: string | null): number {
  return text === null ? 0 : Buffer.byteLength(text);
}
