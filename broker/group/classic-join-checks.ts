/**
 * What keeps a request to join out before anything else is looked at: names
 * that cannot be stored, limits, and protocols that the others do not share.
 */
import type { ClassicGroup } from "./classic-group.ts";
import { protocolsSizeBytes } from "./classic-member.ts";
import type { JoinRequest } from "./group-answers.ts";
import type { GroupSettings } from "./group-settings.ts";
import { isStorable } from "./stored-text.ts";

/** Kafka's clients allow no longer ones. */
const INSTANCE_ID_LENGTH_MAX = 249;

/** Kafka too fails with this error, when it comes to write them. */
export function canBeStored(request: JoinRequest): boolean {
  const { instanceId, clientHost, protocolType, protocols } = request;
  return (
    (instanceId === null || instanceId.length <= INSTANCE_ID_LENGTH_MAX) &&
    isStorable(clientHost) &&
    isStorable(protocolType) &&
    protocols.every(({ name }) => isStorable(name))
  );
}

/**
 * The members may be more than the limit, after it was lowered: those that
 * join again last find no room.
 */
export function hasRoom(
  group: ClassicGroup,
  request: JoinRequest,
  settings: GroupSettings,
): boolean {
  const { members } = group;
  const { totals } = members;
  const { groupSizeMax } = settings;
  const known =
    request.memberId === null ? null : members.get(request.memberId);
  const growthSizeBytes =
    protocolsSizeBytes(request.protocols) -
    (known === null ? 0 : protocolsSizeBytes(known.protocols));
  if (
    members.sizeBytes + growthSizeBytes > settings.groupMetadataSizeBytesMax ||
    totals.sizeBytes + growthSizeBytes > settings.metadataSizeBytesMax
  ) {
    return false;
  }
  if (request.memberId === null) {
    if (members.pending.size >= groupSizeMax) return false;
    if (totals.memberCount >= settings.memberCountMax) return false;
  }
  if (group.state === "PreparingRebalance") {
    return known?.join != null || members.joiningCount < groupSizeMax;
  }
  return known !== null || members.size < groupSizeMax;
}

/** Whether the group could assign with this member in it. */
export function supports(group: ClassicGroup, request: JoinRequest): boolean {
  const { protocolType, protocols } = request;
  if (protocolType === "" || protocols.length === 0) return false;
  if (group.state === "Empty") return true;
  return (
    group.protocolType === protocolType && group.members.supportAny(protocols)
  );
}
