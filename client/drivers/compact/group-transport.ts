/**
 * The group protocol over the compact protocol.
 *
 * A join waits until all members have joined, and holds up what is behind it on
 * its connection: two members of one group on one connection would wait for each
 * other. So each member has a connection of its own, as long as it is one.
 */
import { EMPTY_BYTES } from "../../../broker/lib/bytes.ts";
import type { CompactAnswer } from "../../../broker/wire/compact/apis.ts";
import type { TopicPartition, TopicPartitionOffset } from "../../client.ts";
import type {
  GroupMember,
  GroupTransport,
  JoinAnswer,
  JoinRequest,
  SyncAnswer,
  SyncRequest,
} from "../../core/driver.ts";
import { refused } from "../../core/refusal.ts";
import { keyOf } from "../../core/topic-partitions.ts";
import { REQUEST_TIMEOUT_MS } from "./compact-connection.ts";
import { ConnectionSlot, type SlotOptions } from "./connection-slot.ts";

type Who = Pick<GroupMember, "group" | "memberId" | "groupInstanceId">;

/** After these the member is none any more, and comes back under another name. */
const ENDS_MEMBERSHIP: ReadonlySet<string> = new Set([
  "unknown-member-id",
  "fenced-instance-id",
]);

export class CompactGroupTransport implements GroupTransport {
  readonly #options: SlotOptions;
  /** For who is no member. */
  readonly #common: ConnectionSlot;
  readonly #members = new Map<string, ConnectionSlot>();

  constructor(options: SlotOptions, common: ConnectionSlot) {
    this.#options = options;
    this.#common = common;
  }

  async join(request: JoinRequest): Promise<JoinAnswer> {
    const connection = await this.#slotOf(request).get();
    const answer = await connection.request(
      "join",
      {
        groupId: request.group,
        memberId: orNull(request.memberId),
        instanceId: request.groupInstanceId,
        sessionTimeoutMs: request.sessionTimeoutMs,
        rebalanceTimeoutMs: request.rebalanceTimeoutMs,
        protocolType: request.protocolType,
        protocols: request.protocols,
        canSkipAssignment: false,
      },
      { timeoutMs: request.rebalanceTimeoutMs + REQUEST_TIMEOUT_MS },
    );
    if (answer.error !== null) return refusedJoin(request, answer.error);
    const { fields } = answer;
    if (fields.error !== null) {
      this.#maybeForget(request, fields.error.code);
      return refusedJoin(request, fields.error.code, fields.memberId);
    }
    return joined(fields);
  }

  async sync(request: SyncRequest): Promise<SyncAnswer> {
    const connection = await this.#slotOf(request).get();
    const answer = await connection.request("sync", {
      ...memberFields(request),
      protocolType: request.protocolType,
      protocol: request.protocolName,
      assignments: request.assignments,
    });
    if (answer.error === null) {
      return { error: null, assignment: answer.fields.assignment };
    }
    this.#maybeForget(request, answer.error);
    return { error: answer.error, assignment: EMPTY_BYTES };
  }

  async heartbeat(member: GroupMember) {
    const connection = await this.#slotOf(member).get();
    const { error } = await connection.request(
      "heartbeat",
      memberFields(member),
    );
    this.#maybeForget(member, error);
    return { error };
  }

  async leave(member: GroupMember) {
    const connection = await this.#slotOf(member).get();
    const answer = await connection.request("leave", {
      groupId: member.group,
      members: [
        { memberId: member.memberId, instanceId: member.groupInstanceId },
      ],
    });
    this.#forget(member);
    if (answer.error !== null) return { error: answer.error };
    return { error: answer.fields.members[0]?.error?.code ?? null };
  }

  async commit(
    member: GroupMember,
    offsets: readonly TopicPartitionOffset[],
  ): Promise<readonly { readonly error: string | null }[]> {
    const connection = await this.#slotOf(member).get();
    const answer = await connection.request("commit", {
      groupId: member.group,
      memberId: orNull(member.memberId),
      instanceId: member.groupInstanceId,
      generation: member.generation < 0 ? null : member.generation,
      offsets: offsets.map(({ leaderEpoch, metadata, ...offset }) => ({
        ...offset,
        leaderEpoch: leaderEpoch ?? null,
        metadata: metadata ?? null,
      })),
    });
    if (answer.error !== null) {
      const { error } = answer;
      return offsets.map(() => ({ error }));
    }
    return answer.fields.offsets.map(({ error }) => ({
      error: error?.code ?? null,
    }));
  }

  async committed(group: string, partitions: readonly TopicPartition[]) {
    const found = new Map(
      (await this.committedOf(group, partitions)).map((one) => [
        keyOf(one),
        one,
      ]),
    );
    return partitions.map((one) => found.get(keyOf(one)) ?? null);
  }

  /** Null for all partitions there are. Throws what the broker refuses. */
  async committedOf(
    group: string,
    partitions: readonly TopicPartition[] | null,
  ): Promise<readonly TopicPartitionOffset[]> {
    const connection = await this.#common.get();
    const answer = await connection.request("committed", {
      groupId: group,
      partitions,
    });
    if (answer.error !== null) {
      const what = `asking for the offsets of ${group}`;
      throw refused(what, answer.error, answer.detail);
    }
    return answer.fields.offsets.map(({ leaderEpoch, ...offset }) =>
      leaderEpoch === null ? offset : { ...offset, leaderEpoch },
    );
  }

  close(): void {
    for (const slot of this.#members.values()) slot.close();
    this.#members.clear();
  }

  #slotOf(who: Who): ConnectionSlot {
    const key = memberKey(who);
    // Who has no id yet is told one at once, or nobody waits for.
    if (key === null) return this.#common;
    let slot = this.#members.get(key);
    if (slot === undefined) {
      slot = new ConnectionSlot(this.#options);
      this.#members.set(key, slot);
    }
    return slot;
  }

  #maybeForget(who: Who, error: string | null): void {
    if (error !== null && ENDS_MEMBERSHIP.has(error)) this.#forget(who);
  }

  #forget(who: Who): void {
    const key = memberKey(who);
    if (key === null) return;
    this.#members.get(key)?.close();
    this.#members.delete(key);
  }
}

function memberKey({ group, memberId, groupInstanceId }: Who): string | null {
  // A static member waits with its first join, before it knows its id.
  if (groupInstanceId !== null) return JSON.stringify([group, groupInstanceId]);
  return memberId === "" ? null : JSON.stringify([group, null, memberId]);
}

function memberFields(member: GroupMember) {
  return {
    groupId: member.group,
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    generation: member.generation,
  };
}

function joined(fields: CompactAnswer<"join">): JoinAnswer {
  return {
    error: null,
    memberId: fields.memberId ?? "",
    generation: fields.generation ?? -1,
    protocolName: fields.protocol,
    leader: fields.leader ?? "",
    members: fields.members.map(({ memberId, instanceId, metadata }) => ({
      memberId,
      groupInstanceId: instanceId,
      metadata,
    })),
  };
}

function refusedJoin(
  request: JoinRequest,
  error: string,
  memberId: string | null = null,
): JoinAnswer {
  return {
    error,
    memberId: memberId ?? request.memberId,
    generation: -1,
    protocolName: null,
    leader: "",
    members: [],
  };
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}
