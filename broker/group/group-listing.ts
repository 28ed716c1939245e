/** What operators see of groups: DescribeGroups and ListGroups. */
import type { ClassicGroup } from "./classic-group.ts";
import { metadataOf } from "./classic-member.ts";
import type { ClassicState } from "./classic-states.ts";

export interface GroupDescription {
  readonly groupId: string;
  /** `Dead` for a group that nobody knows: Kafka says no error then (before DescribeGroups v6). */
  readonly state: ClassicState;
  readonly protocolType: string;
  /** Empty unless the group is stable, as are the members' metadata. */
  readonly protocol: string;
  readonly members: readonly MemberDescription[];
}

export interface MemberDescription {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly metadata: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: ClassicState;
  readonly type: "classic";
}

/** Empty lists let everything pass; case does not count. */
export interface ListGroupsRequest {
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export function describeGroup(
  groupId: string,
  group: ClassicGroup | null,
): GroupDescription {
  if (group === null) {
    return {
      groupId,
      state: "Dead",
      protocolType: "",
      protocol: "",
      members: [],
    };
  }
  const protocol = group.state === "Stable" ? group.protocol : null;
  return {
    groupId,
    state: group.state,
    protocolType: group.protocolType,
    protocol: protocol ?? "",
    members: Array.from(group.members, (member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: metadataOf(member, protocol) ?? new Uint8Array(0),
      assignment: member.assignment,
    })),
  };
}

export function listGroups(
  groups: Iterable<ClassicGroup>,
  request: ListGroupsRequest,
): readonly ListedGroup[] {
  const states = new Set(request.states.map((state) => state.toLowerCase()));
  const types = new Set(request.types.map((type) => type.toLowerCase()));
  const listed: ListedGroup[] = [];
  if (types.size > 0 && !types.has("classic")) return listed;
  for (const { groupId, protocolType, state } of groups) {
    if (states.size > 0 && !states.has(state.toLowerCase())) continue;
    listed.push({ groupId, protocolType, state, type: "classic" });
  }
  return listed;
}
