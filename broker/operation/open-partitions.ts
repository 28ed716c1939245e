/**
 * The logs of the partitions that the catalog knows, opened when somebody first
 * needs them. Whoever asks for a partition that is open is answered at once.
 *
 * A topic that was deleted and made again has another id, but the same
 * directory names: its logs open only when the old ones are out of the way.
 */
import type { Catalog } from "../catalog/catalog.ts";
import type { CatalogChange } from "../catalog/catalog-machine.ts";
import { CATALOG_TOPIC } from "../catalog/topic-name.ts";
import type { Topic } from "../catalog/topic.ts";
import type { CompressionType } from "../catalog/topic-config.ts";
import type { Logger } from "../options.ts";
import type { Clock } from "../platform/clock.ts";
import type { DataDirectory } from "../storage/data-directory.ts";
import type { LogConfig } from "../storage/log-config.ts";
import type { TopicPartitionId } from "../storage/partition-directories.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import {
  describeRecovery,
  type RecoveryReport,
} from "../storage/recovery-report.ts";
import type { TopicPartition } from "../storage/layout.ts";
import { StorageError } from "../storage/storage-error.ts";
import { OfflinePartitions } from "./offline-partitions.ts";
import { reopenCatalogLog } from "./open-catalog.ts";
import { type Refusal, refuse } from "./operation-error.ts";
import type { FoundPartition, Partitions } from "./partitions.ts";

export interface OpenPartitionsParts {
  readonly catalog: Catalog;
  readonly directory: DataDirectory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly producerIdExpirationMs: number;
  /** Something that nobody waits for has thrown: a bug. */
  readonly crashed: (error: unknown) => void;
}

/** Of one topic: by partition, what is open. */
type OpenLogs = Map<number, FoundPartition & { readonly error: null }>;

export class OpenPartitions implements Partitions {
  readonly #parts: OpenPartitionsParts;
  /** By topic id. */
  readonly #logs = new Map<string, OpenLogs>();
  /** By topic name: removals that are under way. */
  readonly #removals = new Map<string, Promise<void>>();

  readonly #offline: OfflinePartitions;
  #appendRefusal: Refusal | null = null;

  constructor(parts: OpenPartitionsParts) {
    this.#parts = parts;
    this.#offline = new OfflinePartitions({
      ...parts,
      reopen: (at) => this.#reopen(at),
    });
  }

  get offline(): Pick<OfflinePartitions, "count" | "ofTopic"> {
    return this.#offline;
  }

  get appendRefusal(): Refusal | null {
    return this.#appendRefusal;
  }

  /** Nothing is to be appended until this is called again with null. */
  refuseAppends(refusal: Refusal | null): void {
    this.#appendRefusal = refusal;
  }

  find(
    topicName: string,
    partition: number,
  ): FoundPartition | Promise<FoundPartition> {
    const topic = this.#parts.catalog.topicByName(topicName);
    if (topic === null || partition < 0 || partition >= topic.partitionCount) {
      return unknown;
    }
    const open = this.#logs.get(topic.id)?.get(partition);
    if (open !== undefined) return open;
    const offline = this.#offline.find(topicName, partition);
    if (offline !== null) return refuse("storage-offline", offline.detail);
    return this.#open(topic, partition);
  }

  /** The partition's log has failed. The catalog's own counts as well. */
  failed(at: TopicPartition, fault: StorageError): void {
    this.#parts.logger.error(
      { ...at, code: fault.code },
      `partition goes offline: ${fault.message}`,
    );
    this.#offline.add(at, fault.message);
  }

  /** To be called with every change of the catalog, in order. */
  changed(change: CatalogChange): void {
    const { topic } = change;
    if (change.kind === "deleted") this.#remove(topic);
    if (change.kind === "changed") this.#configure(topic);
  }

  /** What clients are told: never below what an open log's own checkpoint says. */
  leaderEpochOf(topic: Topic, partition: number): number {
    const epoch = this.#parts.catalog.leaderEpoch(topic, partition);
    const log = this.#logs.get(topic.id)?.get(partition)?.log;
    return log === undefined ? epoch : Math.max(epoch, log.leaderEpoch);
  }

  /** Gives every open log the epoch that the catalog says now. */
  refreshLeaderEpochs(): void {
    for (const [topicId, logs] of this.#logs) {
      const topic = this.#parts.catalog.topicById(topicId);
      if (topic === null) continue;
      for (const [partition, { log }] of logs) {
        this.#setLeaderEpoch(topic, partition, log);
      }
    }
  }

  /** Opens no failed log any more; resolves when the removals under way have ended. */
  async close(): Promise<void> {
    await this.#offline.close();
    await Promise.all(this.#removals.values());
  }

  async #open(topic: Topic, partition: number): Promise<FoundPartition> {
    const at = this.#placeOf(topic, partition);
    try {
      await this.#removals.get(topic.name);
      const { log, report } = await this.#parts.directory.openLog(
        at,
        this.#configOf(topic),
      );
      if (report !== null) this.#tell(at, report);
      // It may have been deleted while its files were being opened.
      const current = this.#parts.catalog.topicById(topic.id);
      if (current === null) return unknown;
      log.configure(this.#configOf(current));
      this.#setLeaderEpoch(current, partition, log);
      return this.#keep(topic.id, partition, log);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      // Whoever waited for the same opening comes here too: it is told once.
      if (this.#offline.find(topic.name, partition) === null) {
        this.#parts.logger.error(
          { topic: topic.name, partition, code: error.code },
          `partition cannot be opened: ${error.message}`,
        );
      }
      this.#offline.add(at, error.message);
      return refuse("storage-offline", error.message);
    }
  }

  #placeOf(topic: Topic, partition: number): TopicPartitionId {
    return {
      topic: topic.name,
      partition,
      topicId: topic.id,
      wasDeleted: (topicId) => this.#parts.catalog.wasDeleted(topicId),
    };
  }

  /** Null: it is online, or gone; else what stands in the way. */
  async #reopen({ topic: name, partition }: TopicPartition) {
    const { directory, catalog } = this.#parts;
    try {
      if (name === CATALOG_TOPIC) {
        await reopenCatalogLog(directory);
        return null;
      }
      await this.#removals.get(name);
      const topic = catalog.topicByName(name);
      if (topic === null || partition >= topic.partitionCount) return null;
      const before = this.#logs.get(topic.id)?.get(partition)?.log;
      const { log, report } = await directory.reopenLog(
        this.#placeOf(topic, partition),
        this.#configOf(topic),
      );
      if (report !== null) this.#tell({ topic: name, partition }, report);
      if (log.endOffset < (before?.highWatermark ?? 0)) {
        // Readers saw more than there is now: the epoch tells them (KIP-320).
        const recorded = await catalog.recordUncleanOpening();
        if (recorded.error !== null) return recorded.error;
        this.refreshLeaderEpochs();
      }
      const current = catalog.topicById(topic.id);
      if (current === null) return null;
      log.configure(this.#configOf(current));
      this.#setLeaderEpoch(current, partition, log);
      this.#keep(topic.id, partition, log);
      return null;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return error.message;
    }
  }

  #keep(topicId: string, partition: number, log: PartitionLog): FoundPartition {
    let logs = this.#logs.get(topicId);
    if (logs === undefined) {
      logs = new Map();
      this.#logs.set(topicId, logs);
    }
    const found = { error: null, log } as const;
    logs.set(partition, found);
    return found;
  }

  #remove(topic: Topic): void {
    const logs = this.#logs.get(topic.id);
    this.#logs.delete(topic.id);
    this.#offline.forget(topic.name);
    const before = this.#removals.get(topic.name) ?? Promise.resolve();
    const removal = before
      .then(() => this.#removeLogs(topic, logs))
      .catch(this.#parts.crashed)
      .finally(() => {
        if (this.#removals.get(topic.name) === removal) {
          this.#removals.delete(topic.name);
        }
      });
    this.#removals.set(topic.name, removal);
  }

  async #removeLogs(topic: Topic, logs: OpenLogs | undefined): Promise<void> {
    for (let partition = 0; partition < topic.partitionCount; partition += 1) {
      try {
        await this.#parts.directory.deleteLog({ topic: topic.name, partition });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        this.#parts.logger.error(
          { topic: topic.name, partition, code: error.code },
          `a deleted partition's files are left behind: ${error.message}`,
        );
      }
    }
    logs?.clear();
  }

  #configure(topic: Topic): void {
    const config = this.#configOf(topic);
    for (const { log } of this.#logs.get(topic.id)?.values() ?? []) {
      log.configure(config);
    }
  }

  #configOf({ config }: Topic): LogConfig {
    const { producerIdExpirationMs } = this.#parts;
    const { segmentMs, maxCompactionLagMs, cleanupPolicy } = config;
    return {
      ...config,
      // Only what is no longer written to can be compacted in time.
      segmentMs: cleanupPolicy.compact
        ? Math.min(segmentMs, maxCompactionLagMs)
        : segmentMs,
      producerIdExpirationMs,
      needsKeys: cleanupPolicy.compact,
      compression: compressionOf(config.compressionType),
    };
  }

  /** The catalog counts openings; the log's own checkpoint may have come from elsewhere, and is never below. */
  #setLeaderEpoch(topic: Topic, partition: number, log: PartitionLog): void {
    const epoch = this.#parts.catalog.leaderEpoch(topic, partition);
    if (epoch > log.leaderEpoch) log.setLeaderEpoch(epoch);
  }

  /** Only what was cut or found damaged is worth a line. */
  #tell(
    at: { readonly topic: string; readonly partition: number },
    report: RecoveryReport,
  ): void {
    const line = describeRecovery(report);
    if (line === null) return;
    this.#parts.logger.warn(
      { topic: at.topic, partition: at.partition },
      `recovered after an unclean stop: ${line}`,
    );
  }
}

/** `producer` leaves batches as they came. */
function compressionOf(type: CompressionType): LogConfig["compression"] {
  if (type === "producer") return null;
  return type === "uncompressed" ? "none" : type;
}

const unknown: Refusal = refuse("unknown-topic-or-partition");
