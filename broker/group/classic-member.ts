/** A member of a classic group, and the protocols it can assign by. */
import type { Ticket } from "../machine/machine.ts";
import type { JoinAnswer, SyncAnswer } from "./group-answers.ts";

/** A way to assign, by name, with what the member has to say to it. */
export interface JoinProtocol {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface ClassicMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  rebalanceTimeoutMs: number;
  sessionTimeoutMs: number;
  /** In order of preference. Only `Membership` sets it: it counts the supporters. */
  protocols: readonly JoinProtocol[];
  assignment: Uint8Array;

  // Soft: what the member waits for. Only `Membership` sets `join`: it counts those who wait.
  join: Ticket<JoinAnswer> | null;
  sync: Ticket<SyncAnswer> | null;
  /** Until its first generation: it knows no id yet, so it cannot show that it lives. */
  isNew: boolean;
}

/** Empty for a protocol the member does not know. */
export function metadataOf(
  member: ClassicMember,
  protocol: string | null,
): Uint8Array | null {
  for (const { name, metadata } of member.protocols) {
    if (name === protocol) return metadata;
  }
  return null;
}

/** Whether these are the protocols the member has now: names, order and metadata. */
export function hasProtocols(
  member: ClassicMember,
  protocols: readonly JoinProtocol[],
): boolean {
  if (protocols.length !== member.protocols.length) return false;
  return protocols.every(({ name, metadata }, index) => {
    const own = member.protocols[index];
    return (
      own !== undefined &&
      own.name === name &&
      isSameBytes(own.metadata, metadata)
    );
  });
}

export function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  return left.every((byte, index) => byte === right[index]);
}

/**
 * Protocols to keep: the first of each name, with metadata of their own,
 * because what came in is a view of a whole frame.
 */
export function ownProtocols(
  protocols: readonly JoinProtocol[],
): readonly JoinProtocol[] {
  const byName = new Map<string, JoinProtocol>();
  for (const { name, metadata } of protocols) {
    if (byName.has(name)) continue;
    byName.set(name, { name, metadata: new Uint8Array(metadata) });
  }
  return [...byName.values()];
}

/** What keeping these protocols takes, near enough for a limit. */
export function protocolsSizeBytes(protocols: readonly JoinProtocol[]): number {
  let sizeBytes = 0;
  for (const { name, metadata } of protocols) {
    sizeBytes += PROTOCOL_OVERHEAD_BYTES + name.length + metadata.length;
  }
  return sizeBytes;
}

/** So that a million empty protocols are not free. */
const PROTOCOL_OVERHEAD_BYTES = 64;

/** A waiting member counts as alive: it cannot beat while its request is parked. */
export function isExcused(member: ClassicMember): boolean {
  return !member.isNew && (member.join !== null || member.sync !== null);
}
