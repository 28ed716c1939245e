/**
 * What bounds the groups of a broker. Everything a stranger can make grow
 * (members, members that never come back, what they send along, groups) has a
 * limit here. The first six have the names of the broker's options, so that
 * the parsed options fit; the rest are Kafka's internal settings or our caps.
 */
export interface GroupSettings {
  /** Kafka's `group.initial.rebalance.delay.ms`: how long the first members wait for others. */
  readonly groupInitialRebalanceDelayMs: number;
  /** Kafka's `group.min.session.timeout.ms`. */
  readonly groupSessionTimeoutMsMin: number;
  /** Kafka's `group.max.session.timeout.ms`. */
  readonly groupSessionTimeoutMsMax: number;
  /** Kafka's `group.max.size`: members of one group, and as many on their way in. */
  readonly groupSizeMax: number;
  /** Kafka's `offset.metadata.max.bytes`; Kafka too counts UTF-16 units. */
  readonly offsetMetadataSizeBytesMax: number;
  /** Kafka's `offsets.retention.minutes`, in ms. */
  readonly offsetsRetentionMs: number;

  /** Kafka's `offsets.retention.check.interval.ms`. */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** Kafka's `group.new.member.join.timeout.ms`: a join that nobody waits for any more. */
  readonly newMemberJoinTimeoutMs: number;
  /** Groups of one coordinator. Kafka has no limit. */
  readonly groupCountMax: number;
  /** Members of all groups of one coordinator, and those on their way in. */
  readonly memberCountMax: number;
  /** All that the members of one group sent along. */
  readonly groupMetadataSizeBytesMax: number;
  /** The same of all groups of one coordinator, with what is persisted of them. */
  readonly metadataSizeBytesMax: number;
  /**
   * One decision, which is one batch. Must be less than what the log takes:
   * `max.message.bytes` of `__consumer_offsets`, where Kafka has this limit.
   */
  readonly decisionSizeBytesMax: number;
}

export const standardGroupSettings: GroupSettings = {
  groupInitialRebalanceDelayMs: 0,
  groupSessionTimeoutMsMin: 6_000,
  groupSessionTimeoutMsMax: 1_800_000,
  groupSizeMax: 10_000,
  offsetMetadataSizeBytesMax: 4_096,
  offsetsRetentionMs: 7 * 24 * 3_600_000,
  offsetsRetentionCheckIntervalMs: 600_000,
  newMemberJoinTimeoutMs: 300_000,
  groupCountMax: 100_000,
  memberCountMax: 100_000,
  groupMetadataSizeBytesMax: 16 * 1024 * 1024,
  metadataSizeBytesMax: 256 * 1024 * 1024,
  decisionSizeBytesMax: 1_000_000,
};
