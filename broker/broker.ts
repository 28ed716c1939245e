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
import { BrokerError } from "./errors.ts";
import { AssertionError } from "./lib/assert.ts";
import { TimingWheel } from "./lib/timing-wheel.ts";
import { createMaintenance } from "./operation/create-maintenance.ts";
import { createOperations } from "./operation/create-operations.ts";
import { forgetTopicOffsets } from "./operation/delete-offsets.ts";
import { machineOptions } from "./operation/machine-options.ts";
import type { LogMaintenance } from "./operation/maintain-logs.ts";
import { openCatalog } from "./operation/open-catalog.ts";
import { brokerErrorOf, openDirectory } from "./operation/open-directory.ts";
import { OpenPartitions } from "./operation/open-partitions.ts";
import type { Operations } from "./operation/operations.ts";
import { WritePreparation } from "./operation/prepare-to-write.ts";
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
import type { TopicPartition } from "./storage/layout.ts";
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
  readonly #preparation: WritePreparation;
  readonly #maintenance: readonly LogMaintenance[];
  readonly #acceptor: Acceptor;
  readonly #addresses = new Map<string, ListenerAddress>();
  readonly #closed = Promise.withResolvers<void>();

  // Moves while the broker opens and closes.
  #closing: Promise<void> | null = null;

  constructor(parts: BrokerParts, directory: DataDirectory, catalog: Catalog) {
    const { settings, logger, platform } = parts;
    this.#parts = parts;
    this.directory = directory;
    this.#catalog = catalog;
    const { clock, random } = platform;
    const crashed = (error: unknown): void => this.fail(error);
    const { producerIdExpirationMs } = settings;
    const partitions = new OpenPartitions({
      ...{ catalog, directory, clock, logger, producerIdExpirationMs },
      crashed,
    });
    this.#partitions = partitions;
    const common = {
      ...{ catalog, partitions, directory, settings, logger },
      shards: () => this.#preparation.shards,
      crashed,
    };
    this.#preparation = new WritePreparation({ ...common, platform });
    this.#maintenance = createMaintenance({ ...common, clock, random });
    this.operations = createOperations({
      ...common,
      clock,
      clusterId: directory.meta.clusterId,
      advertisedAt: (name) => this.#addresses.get(name)?.advertised ?? null,
    });
    catalog.onChange((change) => {
      partitions.changed(change);
      if (change.kind !== "deleted") return;
      const { shards } = this.#preparation;
      this.#inBackground(forgetTopicOffsets(shards, change.topic.name));
    });
    const openSession = createOpenSession(this.operations, [this.#stopOnBug]);
    this.#acceptor = new Acceptor(
      clock,
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
    const { shards } = this.#preparation;
    return (
      this.#closing === null &&
      this.#partitions.appendRefusal === null &&
      shards.length > 0 &&
      shards.every(({ runtime }) => runtime.state.phase === "ready")
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
    await this.#preparation.start();
    if (!this.directory.isClean) {
      this.#inBackground(this.#openEveryPartition());
    }
    for (const loop of this.#maintenance) loop.start();
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

  /** What an unclean stop left is looked at once, so that the next stop can be a clean one. */
  async #openEveryPartition(): Promise<void> {
    for (const { topic, partition } of this.directory.partitions()) {
      if (this.#closing !== null) return;
      await this.#partitions.find(topic, partition);
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
    this.#preparation.stop();
    const maintained = this.#maintenance.map((loop) => loop.close());
    await this.#acceptor.close();
    await Promise.all(maintained);
    // Whatever it opens by now is closed with the rest; what it throws it tells.
    await this.#preparation.settled();
    for (const { runtime } of this.#preparation.shards) await runtime.close();
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
