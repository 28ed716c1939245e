/**
 * The catalog: the truth of which topics exist, how they are configured, and
 * which producer ids are given away. Reads are synchronous and see what is
 * durable; changes are commands of its machine.
 */
import type { Settings } from "../options.ts";
import type { MachineResult } from "../machine/machine.ts";
import type { MachineLog, SnapshotStore } from "../machine/machine-log.ts";
import {
  MachineRuntime,
  type MachineOptions,
  type MachineState,
} from "../machine/machine-runtime.ts";
import type { Clock } from "../platform/clock.ts";
import type { Random } from "../platform/random.ts";
import {
  decideAdoptTopics,
  type AdoptTopicsAnswer,
  type FoundTopic,
} from "./adopt-topics.ts";
import {
  decideAlterConfigs,
  type AlterConfigsAnswer,
  type AlterConfigsRequest,
} from "./alter-configs.ts";
import { createCatalogCodec, type CatalogRecord } from "./catalog-codec.ts";
import { CatalogMachine, type CatalogChange } from "./catalog-machine.ts";
import {
  decideCreatePartitions,
  type CreatePartitionsAnswer,
  type CreatePartitionsRequest,
} from "./create-partitions.ts";
import {
  decideCreateTopics,
  type CreateTopicsAnswer,
  type CreateTopicsRequest,
} from "./create-topics.ts";
import {
  decideDeleteTopics,
  type DeleteTopicsAnswer,
  type TopicReference,
} from "./delete-topics.ts";
import {
  decideProducerIdBlock,
  type ProducerIdBlock,
} from "./producer-id-block.ts";
import { createRandomUuid } from "./random-uuid.ts";
import type { Topic } from "./topic.ts";

export interface CatalogParts {
  readonly log: MachineLog;
  readonly snapshots: SnapshotStore | null;
  readonly clock: Clock;
  readonly random: Random;
}

export type CatalogSettings = Pick<
  Settings,
  "nodeId" | "defaultPartitionCount" | "partitionCountMax"
>;

export class Catalog {
  readonly #random: Random;
  readonly #settings: CatalogSettings;
  readonly #machine: CatalogMachine;
  readonly #runtime: MachineRuntime<CatalogRecord>;
  #changed: (change: CatalogChange) => void = () => {};

  constructor(
    parts: CatalogParts,
    settings: CatalogSettings,
    options: MachineOptions,
  ) {
    const { log, snapshots, clock, random } = parts;
    this.#random = random;
    this.#settings = settings;
    this.#machine = new CatalogMachine((change) => this.#changed(change));
    this.#runtime = new MachineRuntime(
      {
        machine: this.#machine,
        codec: createCatalogCodec(settings.nodeId),
        log,
        snapshots,
        clock,
      },
      options,
    );
  }

  get state(): MachineState {
    return this.#runtime.state;
  }

  /** Loads the log; `state` says how it ended. */
  start(): Promise<void> {
    return this.#runtime.start();
  }

  close(): Promise<void> {
    return this.#runtime.close();
  }

  /**
   * Calls `changed` for every difference that becomes durable from now on, before
   * the command that made it is answered. It must not throw, and not wait.
   */
  onChange(changed: (change: CatalogChange) => void): void {
    this.#changed = changed;
  }

  // Reads, each O(1).

  topicByName(name: string): Topic | null {
    return this.#machine.topicByName(name);
  }

  topicById(id: string): Topic | null {
    return this.#machine.topicById(id);
  }

  /** All topics, by name. The array is never changed. */
  topics(): readonly Topic[] {
    return this.#machine.topics();
  }

  /** By the catalog; the partition's own checkpoint may know a higher one. */
  leaderEpoch(topic: Topic, partition: number): number {
    return this.#machine.leaderEpoch(topic, partition);
  }

  /**
   * Whether the topic was deleted before this start. Not known of all there ever
   * were: a snapshot, as a clean stop leaves one, has none of them.
   */
  wasDeleted(topicId: string): boolean {
    return this.#machine.wasDeleted(topicId);
  }

  // Commands.

  createTopics(
    request: CreateTopicsRequest,
  ): Promise<MachineResult<CreateTopicsAnswer>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() =>
      decideCreateTopics(decided, request, this.#settings, this.#random),
    );
  }

  deleteTopics(
    references: readonly TopicReference[],
  ): Promise<MachineResult<DeleteTopicsAnswer>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() => decideDeleteTopics(decided, references));
  }

  createPartitions(
    request: CreatePartitionsRequest,
  ): Promise<MachineResult<CreatePartitionsAnswer>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() =>
      decideCreatePartitions(decided, request, this.#settings),
    );
  }

  /** Topics that exist only as directories begin to exist here. */
  adoptTopics(
    topics: readonly FoundTopic[],
  ): Promise<MachineResult<AdoptTopicsAnswer>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() =>
      decideAdoptTopics(decided, topics, this.#settings, this.#random),
    );
  }

  alterConfigs(
    request: AlterConfigsRequest,
  ): Promise<MachineResult<AlterConfigsAnswer>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() => decideAlterConfigs(decided, request));
  }

  /** A thousand producer ids that nobody else gets. */
  allocateProducerIds(): Promise<MachineResult<ProducerIdBlock>> {
    const { decided } = this.#machine;
    return this.#runtime.run(() => decideProducerIdBlock(decided));
  }

  /**
   * To be called after a crash, before anything is appended to any partition:
   * raises every leader epoch by one record. When it fails, for example on a
   * full disk, nothing may be appended until it has succeeded.
   */
  recordUncleanOpening(): Promise<MachineResult<null>> {
    const incarnationId = createRandomUuid(this.#random);
    return this.#runtime.run(() => ({
      records: [{ type: "opening", incarnationId }],
      answer: null,
      releases: [],
    }));
  }
}
