/**
 * What members ask of their group, and what they hear. Errors are words; each
 * protocol has its own table to say them. `null` stands for what Kafka's wire
 * says with an empty string or -1: no member id yet, no generation.
 */
import type { JoinProtocol } from "./classic-member.ts";

/** The member is not, or no longer, who it says. */
export type MemberError = "unknown-member-id" | "fenced-instance-id";

export interface JoinRequest {
  readonly groupId: string;
  /** Null for who has none yet. */
  readonly memberId: string | null;
  /** Of a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string | null;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  /** Null in the first version: as long as the session. */
  readonly rebalanceTimeoutMs: number | null;
  readonly protocolType: string;
  /** In order of preference. */
  readonly protocols: readonly JoinProtocol[];
  /** A new member gets its id first and joins with it (KIP-394: JoinGroup v4). */
  readonly requiresMemberId: boolean;
  /** The client knows `skipAssignment` (KIP-814: JoinGroup v9). */
  readonly canSkipAssignment: boolean;
}

export type JoinError =
  | MemberError
  | "invalid-group-id"
  | "invalid-session-timeout"
  | "member-id-required"
  | "inconsistent-group-protocol"
  | "group-max-size-reached"
  /** A newer join of the same member took this one's place. */
  | "rebalance-in-progress"
  /** A name in the request is longer than can be stored. */
  | "unknown-server-error";

export type JoinAnswer = JoinedAnswer | RefusedJoin;

export interface RefusedJoin {
  readonly error: JoinError;
  /** The id to join with, after `member-id-required`; else the one that was sent. */
  readonly memberId: string | null;
}

export interface JoinedAnswer {
  readonly error: null;
  readonly memberId: string;
  readonly generation: number;
  readonly protocolType: string;
  readonly protocol: string;
  readonly leader: string;
  /** The leader is to keep the assignment there is (KIP-814). */
  readonly skipAssignment: boolean;
  /** For the leader, which assigns; empty for the others. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Uint8Array;
}

export interface SyncRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
  /** Null where the client does not say (before SyncGroup v5). */
  readonly protocolType: string | null;
  readonly protocol: string | null;
  /** From the leader; empty from the others. */
  readonly assignments: readonly Assignment[];
}

export interface Assignment {
  readonly memberId: string;
  readonly assignment: Uint8Array;
}

export type SyncError =
  | MemberError
  | "invalid-group-id"
  | "illegal-generation"
  | "inconsistent-group-protocol"
  | "rebalance-in-progress"
  /** The assignment is larger than a group may store. */
  | "unknown-server-error";

export type SyncAnswer =
  | { readonly error: SyncError }
  | {
      readonly error: null;
      readonly protocolType: string;
      readonly protocol: string;
      readonly assignment: Uint8Array;
    };

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export type HeartbeatError =
  | MemberError
  | "invalid-group-id"
  | "illegal-generation"
  | "rebalance-in-progress";

export interface HeartbeatAnswer {
  readonly error: HeartbeatError | null;
}

export interface LeaveRequest {
  readonly groupId: string;
  readonly members: readonly LeavingMember[];
}

/** Without a member id: an operator removes a static member. */
export interface LeavingMember {
  readonly memberId: string | null;
  readonly instanceId: string | null;
}

export interface LeftMember extends LeavingMember {
  readonly error: MemberError | null;
}

export type LeaveAnswer =
  | { readonly error: "invalid-group-id" }
  | { readonly error: null; readonly members: readonly LeftMember[] };
