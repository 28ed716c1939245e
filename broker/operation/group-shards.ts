/**
 * The coordinators: one machine for each partition of `__consumer_offsets`,
 * loaded in the background. Until a coordinator is loaded its groups are told
 * to come again.
 */
import type { Catalog } from "../catalog/catalog.ts";
import { offsetsTopic } from "../catalog/internal-topics.ts";
import { OFFSETS_TOPIC } from "../catalog/topic-name.ts";
import { GroupCoordinator } from "../group/group-coordinator.ts";
import { groupRecordCodec } from "../group/group-record-codec.ts";
import {
  type GroupSettings,
  standardGroupSettings,
} from "../group/group-settings.ts";
import {
  type MachineOptions,
  MachineRuntime,
} from "../machine/machine-runtime.ts";
import type { SnapshotStore } from "../machine/machine-log.ts";
import type { Settings } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import { createMachineLog } from "./machine-log-of.ts";
import type { CoordinatorShard } from "./manage-groups.ts";
import type { Partitions } from "./partitions.ts";

export interface GroupShardsParts {
  readonly catalog: Catalog;
  readonly partitions: Partitions;
  readonly directory: Pick<DataDirectory, "log">;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Settings;
  /** Where the snapshots of a partition's machine lie. */
  readonly snapshotsOf: (at: {
    readonly topic: string;
    readonly partition: number;
  }) => SnapshotStore;
  readonly machineOptions: MachineOptions;
}

/** Why there are no coordinators; the caller may try again. */
export type OpenedShards =
  | { readonly error: null; readonly shards: readonly CoordinatorShard[] }
  | { readonly error: "unavailable"; readonly detail: string };

/** Creates the offsets topic where it is missing, opens its logs, and begins to load them. */
export async function openGroupShards(
  parts: GroupShardsParts,
): Promise<OpenedShards> {
  const { catalog, settings } = parts;
  if (catalog.topicByName(OFFSETS_TOPIC) === null) {
    const created = await catalog.createTopics({
      topics: [offsetsTopic(settings.offsetsPartitionCount)],
      validateOnly: false,
      isInternal: true,
    });
    const failure =
      created.error === null ? created.answer.get(OFFSETS_TOPIC) : created;
    if (failure !== undefined && failure.error !== null) {
      const detail = "detail" in failure ? failure.detail : failure.error;
      return { error: "unavailable", detail };
    }
  }
  const partitionCount =
    catalog.topicByName(OFFSETS_TOPIC)?.partitionCount ?? 0;
  const shards: CoordinatorShard[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const shard = await openShard(parts, partition);
    if ("error" in shard) return shard;
    shards.push(shard);
  }
  // Not before all are open: a caller that tries again must not find a log
  // that a machine of the first try writes to.
  for (const { runtime } of shards) void runtime.start();
  return { error: null, shards };
}

async function openShard(
  { partitions, clock, random, settings, ...parts }: GroupShardsParts,
  partition: number,
): Promise<
  CoordinatorShard | { readonly error: "unavailable"; readonly detail: string }
> {
  const at = { topic: OFFSETS_TOPIC, partition };
  const found = await partitions.find(at.topic, at.partition);
  if (found.error !== null) {
    return { error: "unavailable", detail: found.detail ?? found.error };
  }
  const groupSettings: GroupSettings = {
    ...standardGroupSettings,
    ...settings,
  };
  const coordinator = new GroupCoordinator({
    settings: groupSettings,
    clock,
    random,
  });
  const runtime = new MachineRuntime(
    {
      machine: coordinator,
      codec: groupRecordCodec,
      log: createMachineLog(parts.directory, at, found.log),
      snapshots: parts.snapshotsOf(at),
      clock,
    },
    parts.machineOptions,
  );
  return { coordinator, runtime };
}
