/** The loops that go over the logs: one for each job, as a pass of compaction may take as long as it likes. */
import type { Catalog } from "../catalog/catalog.ts";
import { OFFSETS_TOPIC } from "../catalog/topic-name.ts";
import type { Logger, Settings } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import { createRetention } from "./apply-retention.ts";
import { createCompaction } from "./compact-logs.ts";
import { type LogJob, LogMaintenance } from "./maintain-logs.ts";
import type { CoordinatorShard } from "./manage-groups.ts";
import type { Partitions } from "./partitions.ts";

/** Kafka's: what is wanted at once comes before what can wait. */
const FIRST_DELAY_MS_MAX = 30_000;

export interface MaintenanceParts {
  readonly catalog: Catalog;
  readonly partitions: Partitions;
  readonly directory: DataDirectory;
  readonly shards: () => readonly CoordinatorShard[];
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** A job has thrown what is no fault of the disk: a bug. */
  readonly crashed: (error: unknown) => void;
}

export function createMaintenance(
  parts: MaintenanceParts,
): readonly LogMaintenance[] {
  const { catalog, shards, settings, clock, logger } = parts;
  const common = { ...parts, topics: () => catalog.topics() };
  const loop = (job: LogJob, intervalMs: number): LogMaintenance =>
    new LogMaintenance(common, [job], {
      firstDelayMs: Math.min(FIRST_DELAY_MS_MAX, intervalMs),
      intervalMs,
    });
  const compaction = createCompaction({
    ...parts,
    saveSnapshot: async (topic, partition) =>
      topic !== OFFSETS_TOPIC ||
      (await shards()[partition]?.runtime.saveSnapshot()) === true,
  });
  return [
    loop(createRetention(clock, logger), settings.retentionCheckIntervalMs),
    loop(compaction, settings.compactionCheckIntervalMs),
  ];
}
