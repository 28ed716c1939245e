/** A topic as the catalog knows it. Never changes: a change makes a new one. */
import type { ConfigOverrides, TopicConfig } from "./topic-config.ts";

export interface Topic {
  /** Kafka's form of a uuid: 22 letters of base64url. */
  readonly id: string;
  readonly name: string;
  /** Kept by the broker for itself. */
  readonly isInternal: boolean;
  readonly partitionCount: number;
  /** What was set for it, by name; everything else is default. */
  readonly overrides: ConfigOverrides;
  readonly config: TopicConfig;
  /**
   * Leader epochs less the count of unclean openings, for partitions from
   * `firstPartition` on up to the next run: one number for all that were created
   * together, whatever their count.
   */
  readonly epochRuns: readonly EpochRun[];
}

export interface EpochRun {
  readonly firstPartition: number;
  readonly baseEpoch: number;
}

/**
 * A partition's leader epoch: its own at creation, plus one for each time the
 * data directory was opened after anything but a clean stop since.
 */
export function leaderEpochOf(
  topic: Topic,
  partition: number,
  uncleanOpeningCount: number,
): number {
  let baseEpoch = 0;
  for (const run of topic.epochRuns) {
    if (run.firstPartition > partition) break;
    baseEpoch = run.baseEpoch;
  }
  return baseEpoch + uncleanOpeningCount;
}
