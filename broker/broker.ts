/**
 * The composition root: builds every part of a broker once, opens them from the
 * bottom up, and closes them from the top down. Nothing else knows them all.
 *
 *   disk -> data directory -> catalog -> partitions -> coordinators
 *        -> operations -> sessions -> listeners
 *
 * A broker is a guest in someone's process: a bug stops the broker, never the
 * process. Its files are then closed without the mark of a clean stop, and
 * `closed` rejects.
 */
import type { Catalog } from "./catalog/catalog.ts";
import { OFFSETS_TOPIC } from "./catalog/topic-name.ts";
import { BrokerError } from "./errors.ts";
import { AssertionError } from "./lib/assert.ts";
import { TimingWheel } from "./lib/timing-wheel.ts";
import type { MachineOptions } from "./machine/machine-runtime.ts";
import { createSnapshotFiles } from "./machine/snapshot-file.ts";
import { adoptDirectories } from "./operation/adopt-directories.ts";
import { createRetention } from "./operation/apply-retention.ts";
import { createCompaction } from "./operation/compact-logs.ts";
import { createCommitOffsets } from "./operation/commit-offsets.ts";
import { createDeleteOffsets } from "./operation/delete-offsets.ts";
import { createDeleteRecords } from "./operation/delete-records.ts";
import { createDescribeCluster } from "./operation/describe-cluster.ts";
import { createFetch } from "./operation/fetch.ts";
import { openGroupShards } from "./operation/group-shards.ts";
import { createInitProducer } from "./operation/init-producer.ts";
import { type LogJob, LogMaintenance } from "./operation/maintain-logs.ts";
import { createListOffsets } from "./operation/list-offsets.ts";
import { createManageConfigs } from "./operation/manage-configs.ts";
import {
  type CoordinatorShard,
  createManageGroups,
} from "./operation/manage-groups.ts";
import { createManageTopics } from "./operation/manage-topics.ts";
import { openCatalog } from "./operation/open-catalog.ts";
import { brokerErrorOf, openDirectory } from "./operation/open-directory.ts";
import { OpenPartitions } from "./operation/open-partitions.ts";
import { refuse } from "./operation/operation-error.ts";
import type { Operations } from "./operation/operations.ts";
import { createProduce } from "./operation/produce.ts";
import type { ListenOptions, Logger, Settings } from "./options.ts";
import type { Clock } from "./platform/clock.ts";
import type { Disk } from "./platform/disk.ts";
import { connectionPair } from "./platform/memory/loopback-connection.ts";
import type { Connection, Network } from "./platform/network.ts";
import type { Random } from "./platform/random.ts";
import { Acceptor } from "./server/acceptor.ts";
import { listenOn, type ListenerAddress } from "./server/listen.ts";
import { createOpenSession } from "./server/open-session.ts";
import { ReceiveBudget } from "./server/receive-budget.ts";
import type { Stage } from "./server/stages.ts";
import type { DataDirectory } from "./storage/data-directory.ts";
import {
  joinPath,
  partitionDirectoryName,
  type TopicPartition,
} from "./storage/layout.ts";
import { StorageError } from "./storage/storage-error.ts";

export interface BrokerPlatform {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
}

export interface BrokerParts {
  readonly platform: BrokerPlatform;
  readonly settings: Settings;
  readonly directoryPath: string;
  readonly clusterId: string | null;
  readonly logger: Logger;
}

const SNAPSHOT_INTERVAL_SIZE_BYTES = 16 * 1024 * 1024;
const RELOAD_DELAY_MS = 1_000;
/** Kafka's: what is wanted at once comes before what can wait. */
const MAINTENANCE_DELAY_MS = 30_000;

/** The same time, with every deadline of a broker on one timer: thousands may wait. */
function withWheel(platform: BrokerPlatform): BrokerPlatform {
  const { clock } = platform;
  const wheel = new TimingWheel(clock);
  return {
    ...platform,
    clock: {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      schedule: (delayMs, fire) => wheel.schedule(delayMs, fire),
      defer: (fire) => clock.defer(fire),
    },
  };
}

export class MillraceBroker {
  // Fixed at open.
  readonly operations: Operations;
  readonly directory: DataDirectory;
  readonly #parts: BrokerParts;
  readonly #catalog: Catalog;
  readonly #partitions: OpenPartitions;
  readonly #maintenance: readonly LogMaintenance[];
  readonly #acceptor: Acceptor;
  readonly #addresses = new Map<string, ListenerAddress>();
  readonly #closed = Promise.withResolvers<void>();

  // Moves while the broker opens and closes.
  #shards: readonly CoordinatorShard[] = [];
  #closing: Promise<void> | null = null;
  #preparing: Promise<unknown> | null = null;
  #cancelRetry: () => void = () => {};

  constructor(parts: BrokerParts, directory: DataDirectory, catalog: Catalog) {
    const { settings, logger, platform } = parts;
    this.#parts = parts;
    this.directory = directory;
    this.#catalog = catalog;
    this.#partitions = new OpenPartitions({
      catalog,
      directory,
      clock: platform.clock,
      logger,
      producerIdExpirationMs: settings.producerIdExpirationMs,
      crashed: (error) => this.fail(error),
    });
    catalog.onChange((change) => {
      this.#partitions.changed(change);
      if (change.kind === "deleted") {
        this.#inBackground(this.#forgetOffsets(change.topic.name));
      }
    });
    this.#maintenance = this.#createMaintenance();
    this.operations = this.#createOperations();
    const openSession = createOpenSession(this.operations, [this.#stopOnBug]);
    this.#acceptor = new Acceptor(
      platform.clock,
      new ReceiveBudget(settings.receivedSizeBytesMax),
      openSession,
      logger,
      settings,
    );
    // Whoever does not look at it must not be ended by it.
    this.#closed.promise.catch(() => {});
  }

  /** Resolves after `close`; rejects when the broker had to stop by itself. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get addresses(): readonly ListenerAddress[] {
    return [...this.#addresses.values()];
  }

  /** Everything that a request may need has been loaded. */
  get isReady(): boolean {
    return (
      this.#closing === null &&
      this.#partitions.appendRefusal === null &&
      this.#shards.length > 0 &&
      this.#shards.every(({ runtime }) => runtime.state.phase === "ready")
    );
  }

  /** A connection from this process: no socket, the same code. */
  connect(): Connection {
    if (this.#closing !== null) {
      throw new BrokerError("broker-closed", "the broker is closed");
    }
    const [ours, theirs] = connectionPair(this.#parts.platform.clock);
    this.#acceptor.accept(ours, "in-process");
    return theirs;
  }

  async listen(options: ListenOptions): Promise<void> {
    const { platform, logger } = this.#parts;
    const listening = await listenOn(
      this.#acceptor,
      platform.network,
      logger,
      options,
    );
    for (const address of listening) this.#addresses.set(address.name, address);
  }

  /** Counts an unclean stop before anything is appended, then starts the coordinators. */
  async start(): Promise<void> {
    const preparing = this.#prepareToWrite();
    this.#preparing = preparing;
    const failure = await preparing;
    if (!this.directory.isClean) {
      this.#inBackground(this.#openEveryPartition());
    }
    for (const loop of this.#maintenance) loop.start();
    if (failure === null) return;
    this.#partitions.refuseAppends(refuse("storage-offline", failure));
    this.#parts.logger.error(
      { reason: failure },
      "nothing can be written yet; trying again every second",
    );
    this.#retryStart();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(null);
    return this.#closing;
  }

  /** For a bug: what is in memory cannot be trusted any more. */
  fail(error: unknown): void {
    const failure = this.#internalFailure(error);
    this.#closing ??= this.#close(failure);
  }

  /** The log of a partition went offline: the others go on. */
  partitionFailed(at: TopicPartition, fault: StorageError): void {
    this.#partitions.failed(at, fault);
  }

  #internalFailure(error: unknown): BrokerError {
    const reason = error instanceof Error ? error.message : String(error);
    this.#parts.logger.error(
      { err: error },
      `the broker stops: internal failure: ${reason}`,
    );
    return new BrokerError(
      "internal-failure",
      `internal failure: ${reason}`,
      error,
    );
  }

  /** What nobody waits for must not end the process: what it throws is a bug. */
  #inBackground(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.fail(error));
  }

  // Opening.

  /** Null: done. Otherwise what stands in the way. */
  async #prepareToWrite(): Promise<string | null> {
    if (!this.#isAdoptionDone) {
      const { settings, logger } = this.#parts;
      const failure = await adoptDirectories({
        catalog: this.#catalog,
        directory: this.directory,
        logger,
        ...settings,
      });
      if (failure !== null) return failure;
      this.#isAdoptionDone = true;
    }
    if (!this.directory.isClean && !this.#isOpeningRecorded) {
      const recorded = await this.#catalog.recordUncleanOpening();
      if (recorded.error !== null) return failureOf(recorded);
      this.#isOpeningRecorded = true;
      this.#partitions.refreshLeaderEpochs();
    }
    const opened = await openGroupShards({
      catalog: this.#catalog,
      partitions: this.#partitions,
      directory: this.directory,
      clock: this.#parts.platform.clock,
      random: this.#parts.platform.random,
      settings: this.#parts.settings,
      snapshotsOf: (at) =>
        createSnapshotFiles(
          this.#parts.platform.disk,
          joinPath(this.directory.path, partitionDirectoryName(at)),
        ),
      machineOptions: machineOptions(this.#parts.logger, "groups", (error) =>
        this.fail(error),
      ),
    });
    if (opened.error !== null) return opened.detail;
    this.#shards = opened.shards;
    return null;
  }

  #isAdoptionDone = false;
  #isOpeningRecorded = false;

  /** What an unclean stop left is looked at once, so that the next stop can be a clean one. */
  async #openEveryPartition(): Promise<void> {
    for (const { topic, partition } of this.directory.partitions()) {
      if (this.#closing !== null) return;
      await this.#partitions.find(topic, partition);
    }
  }

  #retryStart(): void {
    const { clock } = this.#parts.platform;
    this.#cancelRetry = clock.schedule(RELOAD_DELAY_MS, () => {
      const preparing = this.#prepareToWrite().then((failure) => {
        if (this.#closing !== null) return;
        if (failure !== null) this.#retryStart();
        else this.#partitions.refuseAppends(null);
      });
      this.#preparing = preparing;
      this.#inBackground(preparing);
    });
  }

  /** A loop for each job: a pass of compaction may take as long as it likes. */
  #createMaintenance(): readonly LogMaintenance[] {
    const { settings, platform, logger } = this.#parts;
    const { directory } = this;
    const { clock, random } = platform;
    const parts = {
      clock,
      directory,
      logger,
      partitions: this.#partitions,
      topics: () => this.#catalog.topics(),
      crashed: (error: unknown) => this.fail(error),
    };
    const loop = (job: LogJob, intervalMs: number): LogMaintenance =>
      new LogMaintenance(parts, [job], {
        firstDelayMs: Math.min(MAINTENANCE_DELAY_MS, intervalMs),
        intervalMs,
      });
    const compaction = createCompaction({
      directory,
      logger,
      random,
      settings,
      saveSnapshot: async (topic, partition) =>
        topic !== OFFSETS_TOPIC ||
        (await this.#shards[partition]?.runtime.saveSnapshot()) === true,
    });
    return [
      loop(
        createRetention(parts.clock, logger),
        settings.retentionCheckIntervalMs,
      ),
      loop(compaction, settings.compactionCheckIntervalMs),
    ];
  }

  #createOperations(): Operations {
    const { settings, platform } = this.#parts;
    const { clock } = platform;
    const catalog = this.#catalog;
    const partitions = this.#partitions;
    const { commitOffsets, ...groups } = createManageGroups(() => this.#shards);
    const { acksAll, transfer, autoCreateTopics } = settings;
    return {
      produce: createProduce({ partitions, clock, acksAll }),
      fetch: createFetch({
        partitions,
        clock,
        transfer,
        sizeBytesMax: settings.fetchSizeBytesMax,
      }),
      listOffsets: createListOffsets(partitions),
      deleteRecords: createDeleteRecords(
        partitions,
        (topic) =>
          catalog.topicByName(topic)?.config.cleanupPolicy.delete ?? false,
      ),
      initProducer: createInitProducer(catalog),
      topics: createManageTopics({
        catalog,
        autoCreateTopics,
        offline: partitions.offline,
        leaderEpochOf: (topic, partition) =>
          partitions.leaderEpochOf(topic, partition),
      }),
      configs: createManageConfigs({ catalog, settings }),
      groups: {
        ...groups,
        deleteOffsets: createDeleteOffsets(catalog, groups.deleteOffsets),
      },
      commitOffsets: createCommitOffsets(catalog, commitOffsets),
      describeCluster: createDescribeCluster({
        clusterId: this.directory.meta.clusterId,
        nodeId: settings.nodeId,
        advertisedAt: (name) => this.#addresses.get(name)?.advertised ?? null,
      }),
    };
  }

  /** A coordinator forgets as many as fit one decision at a time. */
  async #forgetOffsets(topic: string): Promise<void> {
    for (const { coordinator, runtime } of this.#shards) {
      for (;;) {
        const command = coordinator.deleteTopicOffsets([topic]);
        const result = await runtime.run(command);
        if (result.error !== null || result.answer === 0) break;
      }
    }
  }

  readonly #stopOnBug: Stage = (_request, next) => {
    const look = (error: unknown): void => {
      if (error instanceof AssertionError) this.fail(error);
    };
    try {
      const handled = next();
      handled.processed?.catch(look);
      if (handled.answer instanceof Promise) handled.answer.catch(look);
      return handled;
    } catch (error) {
      look(error);
      throw error;
    }
  };

  // Closing.

  /** Never rejects, as after a bug nobody may be waiting: `closed` tells. */
  async #close(cause: BrokerError | null): Promise<void> {
    let failure = cause;
    try {
      await this.#stopParts();
    } catch (error) {
      failure ??= this.#internalFailure(error);
    }
    // In any case: it gives up the lock.
    try {
      await this.directory.close({ isClean: failure === null });
    } catch (error) {
      if (error instanceof StorageError) {
        this.#parts.logger.error(
          { code: error.code },
          `the data directory could not be closed cleanly: ${error.message}`,
        );
      } else failure ??= this.#internalFailure(error);
    }
    if (failure === null) this.#closed.resolve();
    else this.#closed.reject(failure);
  }

  async #stopParts(): Promise<void> {
    this.#cancelRetry();
    const maintained = this.#maintenance.map((loop) => loop.close());
    await this.#acceptor.close();
    await Promise.all(maintained);
    // Whatever it opens by now is closed with the rest; what it throws it tells.
    await Promise.allSettled([this.#preparing]);
    for (const { runtime } of this.#shards) await runtime.close();
    await this.#partitions.close();
    await this.#catalog.close();
  }
}

/** Opens the directory and the catalog, and starts everything but listeners. Throws `BrokerError`. */
export async function startBroker(given: BrokerParts): Promise<MillraceBroker> {
  const parts = { ...given, platform: withWheel(given.platform) };
  let broker: MillraceBroker | null = null;
  const directory = await openDirectory({
    ...parts,
    failed: (at, fault) => broker?.partitionFailed(at, fault),
  });
  // A directory keeps the node id that it was made with.
  const { nodeId } = directory.meta;
  const own = { ...parts, settings: { ...parts.settings, nodeId } };
  try {
    const catalog = await openCatalog(
      directory,
      own.platform,
      own.settings,
      machineOptions(own.logger, "catalog", (error) => broker?.fail(error)),
    );
    broker = new MillraceBroker(own, directory, catalog);
    await broker.start();
    return broker;
  } catch (error) {
    // A broker closes its directory itself.
    if (broker === null) await directory.close({ isClean: false });
    else {
      broker.fail(error);
      await broker.close();
    }
    throw brokerErrorOf(error);
  }
}

function machineOptions(
  logger: Logger,
  machine: string,
  crashed: (error: unknown) => void,
): MachineOptions {
  return {
    snapshotIntervalSizeBytes: SNAPSHOT_INTERVAL_SIZE_BYTES,
    reloadDelayMs: RELOAD_DELAY_MS,
    stateChanged: (state) =>
      logger.debug({ machine, ...state }, "state machine"),
    warn: (detail) => logger.warn({ machine }, detail),
    crashed,
  };
}

function failureOf(failure: {
  readonly error: string;
  readonly detail?: string;
}): string {
  return failure.detail ?? failure.error;
}
