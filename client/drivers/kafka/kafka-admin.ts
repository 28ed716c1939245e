/** The topics' half of administration; groups are in kafka-admin-groups.ts. */
import type { Clock } from "../../../broker/platform/clock.ts";
import type { Random } from "../../../broker/platform/random.ts";
import { apis } from "../../../broker/wire/kafka/apis.ts";
import { ZERO_UUID } from "../../../broker/wire/schema.ts";
import type {
  ClusterDescription,
  NewTopic,
  TopicDescription,
  TopicSummary,
} from "../../client.ts";
import { refused } from "../../core/refusal.ts";
import { backoffMs } from "../../core/wait.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import { wordOf } from "./kafka-errors.ts";
import { offsetsAt } from "./kafka-partitions.ts";

const TIMEOUT_MS = 30_000;
/** How long a new topic may take until a broker knows it. */
const VISIBLE_TIMEOUT_MS = 10_000;
/** In DescribeConfigs: a topic, and a setting made on that topic. */
const TOPIC_RESOURCE = 2;
const DYNAMIC_TOPIC_CONFIG = 1;

export class KafkaTopics {
  readonly #cluster: KafkaCluster;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(
    cluster: KafkaCluster,
    platform: { readonly clock: Clock; readonly random: Random },
  ) {
    this.#cluster = cluster;
    this.#clock = platform.clock;
    this.#random = platform.random;
  }

  async describeCluster(): Promise<ClusterDescription> {
    const { clusterId, controllerId, brokers } = await this.#cluster.metadata(
      [],
    );
    return {
      clusterId,
      controllerId,
      brokers: brokers.map(({ nodeId, host, port }) => ({
        nodeId,
        host,
        port,
      })),
    };
  }

  async listTopics(
    options: { readonly includeInternal?: boolean } = {},
  ): Promise<readonly TopicSummary[]> {
    const { topics } = await this.#cluster.metadata(null);
    return topics
      .filter(
        ({ isInternal }) => !isInternal || options.includeInternal === true,
      )
      .map(({ name, partitions, isInternal }) => ({
        name: name ?? "",
        partitionCount: partitions.length,
        isInternal,
      }));
  }

  async describeTopic(name: string): Promise<TopicDescription> {
    const { topics } = await this.#cluster.metadata([name]);
    const found = topics[0];
    const word = wordOf(found?.errorCode ?? 3);
    if (found === undefined || word !== null) {
      throw refused(`describing ${name}`, word ?? "unknown-topic-or-partition");
    }
    const partitions = [...found.partitions].sort(
      (a, b) => a.partitionIndex - b.partitionIndex,
    );
    const ids = partitions.map(({ partitionIndex }) => ({
      topic: name,
      partition: partitionIndex,
    }));
    const [starts, ends, configs] = await Promise.all([
      this.#offsets(ids, "earliest"),
      this.#offsets(ids, "latest"),
      this.#configs(name),
    ]);
    return {
      name,
      partitionCount: partitions.length,
      isInternal: found.isInternal,
      topicId: found.topicId === ZERO_UUID ? null : found.topicId,
      partitions: partitions.map((one, index) => ({
        partition: one.partitionIndex,
        leader: one.leaderId,
        leaderEpoch: one.leaderEpoch < 0 ? null : one.leaderEpoch,
        startOffset: starts[index] ?? 0,
        endOffset: ends[index] ?? 0,
        offline: null,
      })),
      configs,
    };
  }

  async createTopic(topic: NewTopic): Promise<boolean> {
    const answer = await this.#cluster.askAny(apis[19], {
      topics: [
        {
          name: topic.name,
          numPartitions: topic.partitionCount ?? -1,
          // The broker's own default (KIP-464).
          replicationFactor: -1,
          assignments: [],
          configs: Object.entries(topic.configs ?? {}).map(([name, value]) => ({
            name,
            value,
          })),
        },
      ],
      timeoutMs: TIMEOUT_MS,
    });
    const result = answer.topics[0];
    const word = wordOf(result?.errorCode ?? -1);
    if (word === "topic-already-exists") return false;
    if (word !== null) {
      throw refused(
        `creating ${topic.name}`,
        word,
        result?.errorMessage ?? null,
      );
    }
    await this.#untilVisible(topic.name, true);
    return true;
  }

  async deleteTopic(name: string): Promise<void> {
    const answer = await this.#cluster.askAny(apis[20], {
      topics: [{ name, topicId: ZERO_UUID }],
      topicNames: [name],
      timeoutMs: TIMEOUT_MS,
    });
    const result = answer.responses[0];
    const word = wordOf(result?.errorCode ?? -1);
    if (word !== null) {
      throw refused(`deleting ${name}`, word, result?.errorMessage ?? null);
    }
    await this.#untilVisible(name, false);
  }

  async createPartitions(topic: string, partitionCount: number): Promise<void> {
    const answer = await this.#cluster.askAny(apis[37], {
      topics: [{ name: topic, count: partitionCount, assignments: null }],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    });
    const result = answer.results[0];
    const word = wordOf(result?.errorCode ?? -1);
    if (word !== null) {
      throw refused(
        `growing ${topic} to ${partitionCount} partitions`,
        word,
        result?.errorMessage ?? null,
      );
    }
  }

  async #offsets(
    ids: readonly { readonly topic: string; readonly partition: number }[],
    at: "earliest" | "latest",
  ): Promise<readonly (number | null)[]> {
    const found = await offsetsAt(
      this.#cluster,
      ids.map((id) => ({ ...id, at })),
      "read_uncommitted",
    );
    // A partition without a leader has none; the rest of the topic is told all the same.
    return found.map(({ offset }) => offset);
  }

  async #configs(name: string): Promise<Readonly<Record<string, string>>> {
    const answer = await this.#cluster.askAny(apis[32], {
      resources: [
        {
          resourceType: TOPIC_RESOURCE,
          resourceName: name,
          configurationKeys: null,
        },
      ],
    });
    const result = answer.results[0];
    const word = wordOf(result?.errorCode ?? -1);
    if (word !== null) {
      throw refused(
        `the settings of ${name}`,
        word,
        result?.errorMessage ?? null,
      );
    }
    const own = (result?.configs ?? []).filter(
      ({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG,
    );
    return Object.fromEntries(
      own.map((entry) => [entry.name, entry.value ?? ""]),
    );
  }

  /** The controller knows first; brokers hear of it a little later. */
  async #untilVisible(name: string, isVisible: boolean): Promise<void> {
    const deadlineMs = this.#clock.monotonic() + VISIBLE_TIMEOUT_MS;
    for (let attempt = 1; ; attempt += 1) {
      const { topics } = await this.#cluster.metadata([name]);
      const found = topics[0];
      const hasLeaders =
        found !== undefined &&
        found.errorCode === 0 &&
        found.partitions.every(({ leaderId }) => leaderId >= 0);
      if (hasLeaders === isVisible) return;
      if (this.#clock.monotonic() > deadlineMs) return;
      await new Promise<void>((resolve) => {
        this.#clock.schedule(backoffMs(attempt, this.#random), resolve);
      });
    }
  }
}
