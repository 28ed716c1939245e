/**
 * Offsets that nobody has needed for Kafka's `offsets.retention.minutes` go,
 * and with its last offset an empty group.
 *
 * What counts is (KIP-211): for a group that became empty, how long ago, or
 * when an operator committed after that; for offsets without a group behind them, and for topics that a stable group of
 * consumers is no longer subscribed to, when they were committed. Where the
 * client set an expiry of its own, that one. A group that rebalances keeps all.
 */
import type { ClassicGroup } from "./classic-group.ts";
import type { CommittedOffset } from "./group-record.ts";
import { offsetTombstone, type GroupOffsets } from "./group-offsets.ts";
import type { Turn } from "./group-turn.ts";
import { isSubscribed, subscribedTopics } from "./subscription.ts";

/** Since when an offset has not been needed; null: it is. */
type UnneededSince = (offset: CommittedOffset) => number | null;

/** Appends the tombstones of one group, and says what it leaves. */
export function expireOffsets(
  group: ClassicGroup,
  offsets: GroupOffsets,
  turn: Turn,
): "bare" | "offsets left" | "no room left" {
  const unneededSince = expiryRule(group);
  const subscribed = subscribedTopics(group);
  const nowMs = turn.world.clock.now();
  const { offsetsRetentionMs } = turn.settings;
  let isAnyKept = false;
  for (const record of offsets.recordsOf(group.groupId)) {
    const { topic, value } = record;
    if (value === null) continue;
    const sinceMs = unneededSince(value);
    const isExpired =
      sinceMs !== null &&
      nowMs >= (value.expireTimestampMs ?? sinceMs + offsetsRetentionMs) &&
      !isSubscribed(subscribed, topic);
    if (!isExpired) isAnyKept = true;
    else if (!turn.maybeAppend(offsetTombstone(record))) return "no room left";
  }
  return isAnyKept ? "offsets left" : "bare";
}

function expiryRule(group: ClassicGroup): UnneededSince {
  const sinceCommit: UnneededSince = ({ commitTimestampMs }) =>
    commitTimestampMs;
  if (group.protocolType === "") return sinceCommit;
  if (group.state === "Empty") {
    const emptySinceMs = group.persisted?.stateTimestampMs ?? null;
    if (emptySinceMs === null) return sinceCommit;
    return ({ commitTimestampMs }) => Math.max(commitTimestampMs, emptySinceMs);
  }
  return group.state === "Stable" && group.protocolType === "consumer"
    ? sinceCommit
    : () => null;
}
