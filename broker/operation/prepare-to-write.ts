/**
 * What comes before the first append, in this order, each once:
 *
 *   1. directories that the catalog does not know are taken in, or reported
 *   2. an unclean stop is counted, so that every leader epoch is a new one
 *   3. the coordinators of groups are opened
 *
 * Each appends to a log, and a full disk may refuse it. Then nothing else is
 * appended either, and what is left of it is tried again every second.
 */
import type { Catalog } from "../catalog/catalog.ts";
import { createSnapshotFiles } from "../machine/snapshot-file.ts";
import type { Logger, Settings } from "../options.ts";
import type { Cancel, Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Random } from "../platform/random.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import { joinPath, partitionDirectoryName } from "../storage/layout.ts";
import { adoptDirectories } from "./adopt-directories.ts";
import { openGroupShards } from "./group-shards.ts";
import { machineOptions } from "./machine-options.ts";
import type { CoordinatorShard } from "./manage-groups.ts";
import type { OpenPartitions } from "./open-partitions.ts";
import { refuse } from "./operation-error.ts";

const RETRY_DELAY_MS = 1_000;

export interface PreparationParts {
  readonly catalog: Catalog;
  readonly partitions: OpenPartitions;
  readonly directory: DataDirectory;
  readonly settings: Settings;
  readonly platform: {
    readonly disk: Disk;
    readonly clock: Clock;
    readonly random: Random;
  };
  readonly logger: Logger;
  /** Something that nobody waits for has thrown: a bug. */
  readonly crashed: (error: unknown) => void;
}

export class WritePreparation {
  readonly #parts: PreparationParts;

  // Moves from step to step.
  #isAdoptionDone = false;
  #isOpeningRecorded = false;
  #shards: readonly CoordinatorShard[] = [];

  #trying: Promise<unknown> | null = null;
  #cancelRetry: Cancel = () => {};
  #isStopped = false;

  constructor(parts: PreparationParts) {
    this.#parts = parts;
  }

  /** None until the last step is done. */
  get shards(): readonly CoordinatorShard[] {
    return this.#shards;
  }

  /** Resolves after the first try, whatever becomes of it. */
  async start(): Promise<void> {
    const trying = this.#try();
    this.#trying = trying;
    const failure = await trying;
    if (failure === null) return;
    const { partitions, logger } = this.#parts;
    partitions.refuseAppends(refuse("storage-offline", failure));
    logger.error(
      { reason: failure },
      "nothing can be written yet; trying again every second",
    );
    this.#scheduleRetry();
  }

  /** Nothing is tried any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry();
  }

  /** Resolves when what is under way has ended; what it threw was told. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#trying]);
  }

  #scheduleRetry(): void {
    if (this.#isStopped) return;
    const { clock } = this.#parts.platform;
    this.#cancelRetry = clock.schedule(RETRY_DELAY_MS, () => {
      const trying = this.#try().then((failure) => {
        if (this.#isStopped) return;
        if (failure !== null) this.#scheduleRetry();
        else this.#parts.partitions.refuseAppends(null);
      });
      this.#trying = trying;
      trying.catch(this.#parts.crashed);
    });
  }

  /** Null: done. Otherwise what stands in the way. */
  async #try(): Promise<string | null> {
    const { catalog, partitions, directory, settings, logger } = this.#parts;
    if (!this.#isAdoptionDone) {
      const failure = await adoptDirectories({
        catalog,
        directory,
        logger,
        ...settings,
      });
      if (failure !== null) return failure;
      this.#isAdoptionDone = true;
    }
    if (!directory.isClean && !this.#isOpeningRecorded) {
      const recorded = await catalog.recordUncleanOpening();
      if (recorded.error !== null) {
        return "detail" in recorded ? recorded.detail : recorded.error;
      }
      this.#isOpeningRecorded = true;
      partitions.refreshLeaderEpochs();
    }
    return this.#openShards();
  }

  async #openShards(): Promise<string | null> {
    const { directory, platform, logger, crashed } = this.#parts;
    const { disk, clock, random } = platform;
    const opened = await openGroupShards({
      ...this.#parts,
      clock,
      random,
      snapshotsOf: (at) =>
        createSnapshotFiles(
          disk,
          joinPath(directory.path, partitionDirectoryName(at)),
        ),
      machineOptions: machineOptions(logger, "groups", crashed),
    });
    if (opened.error !== null) return opened.detail;
    this.#shards = opened.shards;
    return null;
  }
}
