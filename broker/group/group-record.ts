/**
 * What the coordinator persists, in its own nouns. Two kinds of record, each of
 * which replaces the one before it with the same key; a null value is a
 * tombstone.
 *
 *   group   all that is known of a group's last settled generation, written
 *           when a generation gets its assignment, when the group becomes
 *           empty, and when a static member changes its id
 *   offset  what a group has committed for one partition
 */
export type GroupRecord = GroupMetadataRecord | OffsetRecord;

export interface GroupMetadataRecord {
  readonly kind: "group";
  readonly groupId: string;
  readonly value: GroupMetadata | null;
}

export interface GroupMetadata {
  /** Empty for a group that never had members. */
  readonly protocolType: string;
  readonly generation: number;
  /** Null while the group is empty. */
  readonly protocol: string | null;
  readonly leader: string | null;
  /** When the group came into this state, ms since the epoch; null in old records. */
  readonly stateTimestampMs: number | null;
  readonly members: readonly GroupMetadataMember[];
}

export interface GroupMetadataMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** What the member said to the protocol that was chosen. */
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

export interface OffsetRecord {
  readonly kind: "offset";
  readonly groupId: string;
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset | null;
}

export interface CommittedOffset {
  readonly offset: number;
  /** Of the last record consumed; null where the client does not say. */
  readonly leaderEpoch: number | null;
  /** Whatever the client wants to keep. */
  readonly metadata: string;
  readonly commitTimestampMs: number;
  /** When the client, and not the broker, wants it gone; null mostly. */
  readonly expireTimestampMs: number | null;
}
