/**
 * One classic group: its members assign partitions among themselves, the broker
 * only brings them together, generation after generation.
 *
 * `persisted` is the last record replayed; the rest is soft, set by commands
 * and time-outs, and after a crash built anew from that record and by the
 * clients. Invariant: the members of a Stable group, and what they are
 * assigned, are those of its record.
 */
import { assert } from "../lib/assert.ts";
import { metadataOf, type ClassicMember } from "./classic-member.ts";
import { stateRules, type ClassicState } from "./classic-states.ts";
import type { MemberError } from "./group-answers.ts";
import type {
  GroupMetadata,
  GroupMetadataMember,
  GroupMetadataRecord,
} from "./group-record.ts";
import { recordSizeBytes } from "./group-record-size.ts";
import { Membership, type GroupTotals } from "./membership.ts";

export class ClassicGroup {
  readonly groupId: string;

  // Moves with each replayed record only.
  #persisted: GroupMetadata | null = null;
  #persistedSizeBytes = 0;

  // Soft: moves with each command and time-out.
  readonly members: Membership;
  #state: ClassicState = "Empty";
  /** Empty until the first member: what offsets alone make is a simple group. */
  protocolType = "";
  protocol: string | null = null;
  generation = 0;
  /** The first rebalance of an empty group waits for a while, even if all have joined. */
  isFirstRebalance = false;
  /** Somebody new came during that wait, so that it goes on. */
  hasNewcomer = false;
  /** Who has the present generation and has yet to ask for its assignment. */
  readonly unsynced = new Set<string>();

  constructor(groupId: string, totals: GroupTotals) {
    this.groupId = groupId;
    this.members = new Membership(totals);
  }

  get persisted(): GroupMetadata | null {
    return this.#persisted;
  }

  get state(): ClassicState {
    return this.#state;
  }

  /** Whether nothing would be lost with the group, but its offsets. */
  get isVacant(): boolean {
    return this.#state === "Empty" && this.members.pending.size === 0;
  }

  moveTo(state: ClassicState): void {
    const next: readonly ClassicState[] = stateRules[this.#state].next;
    assert(
      next.includes(state),
      `group ${this.groupId}: no way from ${this.#state} to ${state}`,
    );
    this.#state = state;
  }

  /**
   * Takes over what a record says. Live, the members are those that the record
   * was made from, and keep what they wait for; while a log is loaded they are
   * made here.
   */
  replay(value: GroupMetadata): void {
    this.#persist(value);
    this.protocolType = value.protocolType;
    this.protocol = value.protocol;
    this.generation = value.generation;
    const kept = new Set(value.members.map(({ memberId }) => memberId));
    for (const member of [...this.members]) {
      if (!kept.has(member.memberId)) this.members.remove(member);
    }
    for (const stored of value.members) this.#takeOver(stored, value.protocol);
    this.members.setLeader(value.leader);
    this.#state = this.members.size === 0 ? "Empty" : "Stable";
  }

  /** The group is gone from the coordinator, and no longer counted. */
  bury(): void {
    for (const member of [...this.members]) this.members.remove(member);
    for (const memberId of this.members.pending) {
      this.members.removePending(memberId);
    }
    this.#persist(null);
    this.moveTo("Dead");
  }

  #persist(value: GroupMetadata | null): void {
    const { groupId, members } = this;
    members.totals.sizeBytes -= this.#persistedSizeBytes;
    this.#persistedSizeBytes =
      value === null ? 0 : recordSizeBytes({ kind: "group", groupId, value });
    members.totals.sizeBytes += this.#persistedSizeBytes;
    this.#persisted = value;
  }

  #takeOver(stored: GroupMetadataMember, protocol: string | null): void {
    const known = this.members.get(stored.memberId);
    if (known !== null && metadataOf(known, protocol) === stored.subscription) {
      known.assignment = stored.assignment;
      return;
    }
    if (known !== null) this.members.remove(known);
    const { subscription, ...rest } = stored;
    this.members.add({
      ...rest,
      protocols: [{ name: protocol ?? "", metadata: subscription }],
      join: null,
      sync: null,
      isNew: false,
    });
  }

  /** Of who claims to be a member: null if that is so. */
  check(memberId: string, instanceId: string | null): MemberError | null {
    if (instanceId !== null) {
      const known = this.members.staticMemberId(instanceId);
      if (known === null) return "unknown-member-id";
      if (known !== memberId) return "fenced-instance-id";
    }
    return this.members.get(memberId) === null ? "unknown-member-id" : null;
  }

  /** The group as it stands, to be persisted. */
  record(
    stateTimestampMs: number,
    assignmentOf: (member: ClassicMember) => Uint8Array,
  ): GroupMetadataRecord {
    const members: GroupMetadataMember[] = [];
    for (const member of this.members) {
      const subscription = metadataOf(member, this.protocol);
      assert(
        subscription !== null,
        `group ${this.groupId}: ${member.memberId} has no protocol ${this.protocol}`,
      );
      members.push({
        memberId: member.memberId,
        instanceId: member.instanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeoutMs: member.rebalanceTimeoutMs,
        sessionTimeoutMs: member.sessionTimeoutMs,
        subscription,
        assignment: assignmentOf(member),
      });
    }
    const { protocolType, generation, protocol } = this;
    const { leader } = this.members;
    return {
      kind: "group",
      groupId: this.groupId,
      value: {
        protocolType,
        generation,
        protocol,
        leader,
        stateTimestampMs,
        members,
      },
    };
  }
}
