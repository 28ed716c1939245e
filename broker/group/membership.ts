/**
 * The members of one classic group, and the figures that follow from them: who
 * is static, who waits for the end of the join phase, which protocols all can
 * use, who leads, how much they sent along. Kept up to date here, because a
 * group of thousands joins one member at a time.
 *
 * A *pending* member got an id and has yet to join with it (KIP-394); it is
 * none of the members.
 *
 * Invariants: a group with members has a leader among them; `supporterCount`
 * of a protocol is how many members list it.
 */
import {
  protocolsSizeBytes,
  type ClassicMember,
  type JoinProtocol,
} from "./classic-member.ts";
import type { JoinAnswer } from "./group-answers.ts";
import type { Ticket } from "../machine/machine.ts";

/** Over all groups of a coordinator. */
export interface GroupTotals {
  memberCount: number;
  sizeBytes: number;
}

export class Membership {
  readonly totals: GroupTotals;
  readonly #members = new Map<string, ClassicMember>();
  readonly #memberIdByInstance = new Map<string, string>();
  readonly #supporterCounts = new Map<string, number>();
  #leader: string | null = null;
  #joiningCount = 0;
  #sizeBytes = 0;

  readonly #pending = new Set<string>();

  constructor(totals: GroupTotals) {
    this.totals = totals;
  }

  get size(): number {
    return this.#members.size;
  }

  get leader(): string | null {
    return this.#leader;
  }

  /** How many wait for the end of the join phase. */
  get joiningCount(): number {
    return this.#joiningCount;
  }

  /** What the members sent along and the group keeps. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The longest any member may take to join again: how long a rebalance waits. */
  get rebalanceTimeoutMs(): number {
    let longestMs = 0;
    for (const { rebalanceTimeoutMs } of this.#members.values()) {
      longestMs = Math.max(longestMs, rebalanceTimeoutMs);
    }
    return longestMs;
  }

  get hasAllJoined(): boolean {
    return (
      this.#joiningCount === this.#members.size && this.#pending.size === 0
    );
  }

  /** Ids given out and not yet joined with. */
  get pending(): ReadonlySet<string> {
    return this.#pending;
  }

  addPending(memberId: string): void {
    if (this.#pending.has(memberId)) return;
    this.#pending.add(memberId);
    this.totals.memberCount += 1;
  }

  removePending(memberId: string): void {
    if (this.#pending.delete(memberId)) this.totals.memberCount -= 1;
  }

  get(memberId: string): ClassicMember | null {
    return this.#members.get(memberId) ?? null;
  }

  /** The id under which the static member is known now. */
  staticMemberId(instanceId: string): string | null {
    return this.#memberIdByInstance.get(instanceId) ?? null;
  }

  /** In the order in which they were added. */
  [Symbol.iterator](): IterableIterator<ClassicMember> {
    return this.#members.values();
  }

  /** The first one leads. A pending member is so no longer. */
  add(member: ClassicMember): void {
    this.#members.set(member.memberId, member);
    if (member.instanceId !== null) {
      this.#memberIdByInstance.set(member.instanceId, member.memberId);
    }
    this.#leader ??= member.memberId;
    this.removePending(member.memberId);
    this.totals.memberCount += 1;
    if (member.join !== null) this.#joiningCount += 1;
    this.#grow(ownSizeBytes(member));
    this.#count(member.protocols, 1);
  }

  /** If it led, the longest-standing of the others leads. */
  remove(member: ClassicMember): void {
    if (!this.#members.delete(member.memberId)) return;
    if (member.instanceId !== null) {
      this.#memberIdByInstance.delete(member.instanceId);
    }
    this.totals.memberCount -= 1;
    if (member.join !== null) this.#joiningCount -= 1;
    this.#grow(-ownSizeBytes(member));
    this.#count(member.protocols, -1);
    if (this.#leader !== member.memberId) return;
    this.#leader = this.#members.keys().next().value ?? null;
  }

  /** A static member under a new id: all it had stays, its leadership too. */
  replace(old: ClassicMember, memberId: string): ClassicMember {
    const hasLed = this.#leader === old.memberId;
    const renamed = { ...old, memberId, join: null, sync: null };
    this.remove(old);
    this.add(renamed);
    if (hasLed) this.#leader = memberId;
    return renamed;
  }

  setProtocols(
    member: ClassicMember,
    protocols: readonly JoinProtocol[],
  ): void {
    this.#count(member.protocols, -1);
    this.#count(protocols, 1);
    this.#grow(
      protocolsSizeBytes(protocols) - protocolsSizeBytes(member.protocols),
    );
    member.protocols = protocols;
  }

  setJoin(member: ClassicMember, join: Ticket<JoinAnswer> | null): void {
    this.#joiningCount += Number(join !== null) - Number(member.join !== null);
    member.join = join;
  }

  /** Names the leader a record tells. One that is no member is not taken. */
  setLeader(memberId: string | null): void {
    if (memberId !== null && this.#members.has(memberId)) {
      this.#leader = memberId;
    }
  }

  /** Makes sure that who leads has joined. False if nobody has. */
  electJoinedLeader(): boolean {
    if (this.#leader === null) return false;
    if (this.get(this.#leader)?.join) return true;
    for (const { memberId, join } of this) {
      if (join === null) continue;
      this.#leader = memberId;
      return true;
    }
    return false;
  }

  /** Whether all members can use one of these. True for any, of an empty group. */
  supportAny(protocols: readonly JoinProtocol[]): boolean {
    return protocols.some(({ name }) => this.#isCommon(name));
  }

  /**
   * The protocol with the most votes: each member votes for the first of its
   * own that all can use. Null for an empty group.
   */
  selectProtocol(): string | null {
    const votes = new Map<string, number>();
    for (const { protocols } of this) {
      const choice = protocols.find(({ name }) => this.#isCommon(name));
      if (choice === undefined) continue;
      votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
    }
    let winner: string | null = null;
    let mostVotes = 0;
    for (const [name, count] of votes) {
      if (count <= mostVotes) continue;
      winner = name;
      mostVotes = count;
    }
    return winner;
  }

  #grow(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
    this.totals.sizeBytes += sizeBytes;
  }

  #isCommon(name: string): boolean {
    return (this.#supporterCounts.get(name) ?? 0) === this.#members.size;
  }

  #count(protocols: readonly JoinProtocol[], by: 1 | -1): void {
    for (const { name } of protocols) {
      const count = (this.#supporterCounts.get(name) ?? 0) + by;
      if (count === 0) this.#supporterCounts.delete(name);
      else this.#supporterCounts.set(name, count);
    }
  }
}

function ownSizeBytes(member: ClassicMember): number {
  return (
    member.memberId.length +
    member.clientId.length +
    protocolsSizeBytes(member.protocols)
  );
}
