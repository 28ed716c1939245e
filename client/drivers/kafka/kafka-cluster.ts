/**
 * Who is who in a Kafka cluster: brokers, leaders of partitions, coordinators
 * of groups. What is known is remembered until somebody finds it wrong.
 */
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type { MetadataResponse } from "../../../broker/wire/kafka/messages/03-metadata.ts";
import {
  ZERO_UUID,
  type Fields,
  type FieldsIn,
  type FieldsOut,
} from "../../../broker/wire/schema.ts";
import type { TopicPartition } from "../../client.ts";
import { refused } from "../../core/refusal.ts";
import { keyOf } from "../../core/topic-partitions.ts";
import { ClientError } from "../../errors.ts";
import type {
  BrokerAddress,
  KafkaConnections,
  RequestApi,
  RequestOptions,
} from "./kafka-connections.ts";
import { isAboutCoordinator, wordOf } from "./kafka-errors.ts";

interface Leader {
  readonly nodeId: number;
  /** -1: the broker is too old to tell. */
  readonly epoch: number;
}

export class KafkaCluster {
  readonly connections: KafkaConnections;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #leaders = new Map<string, Leader>();
  readonly #coordinators = new Map<string, BrokerAddress>();
  /** Lookups of leaders under way, by topic. */
  readonly #lookups = new Map<string, Promise<MetadataResponse>>();

  constructor(
    connections: KafkaConnections,
    bootstrap: readonly BrokerAddress[],
  ) {
    this.connections = connections;
    this.#bootstrap = bootstrap;
  }

  /** Of these topics, or of all; what it says of leaders is remembered. */
  async metadata(
    topics: readonly string[] | null,
    autoCreate = false,
  ): Promise<MetadataResponse> {
    const answer = await this.askAny(apis[3], {
      topics:
        topics === null
          ? null
          : topics.map((name) => ({ name, topicId: ZERO_UUID })),
      allowAutoTopicCreation: autoCreate,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    });
    for (const { nodeId, host, port } of answer.brokers) {
      this.#brokers.set(nodeId, { host, port });
    }
    for (const { name, partitions } of answer.topics) {
      if (name === null) continue;
      for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
        const key = keyOf({ topic: name, partition: partitionIndex });
        if (leaderId < 0) this.#leaders.delete(key);
        else this.#leaders.set(key, { nodeId: leaderId, epoch: leaderEpoch });
      }
    }
    return answer;
  }

  /** Asks one broker after the other until one answers. */
  async askAny<Request extends Fields, Response extends Fields>(
    api: RequestApi<Request, Response>,
    body: FieldsIn<Request>,
    options?: RequestOptions,
  ): Promise<FieldsOut<Response>> {
    let failure: unknown = null;
    for (const address of [...this.#brokers.values(), ...this.#bootstrap]) {
      try {
        return await this.connections.request(address, api, body, options);
      } catch (error) {
        const isAway =
          error instanceof ClientError && error.code === "broker-unreachable";
        if (!isAway) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  /** All brokers known after a metadata request. */
  get brokers(): readonly BrokerAddress[] {
    return [...this.#brokers.values()];
  }

  /** The items by the broker that leads them; under null those whose leader nobody knows. */
  async byLeader<T extends TopicPartition>(
    items: readonly T[],
  ): Promise<ReadonlyMap<BrokerAddress | null, readonly T[]>> {
    const unknown = new Set(
      items
        .filter((item) => !this.#leaders.has(keyOf(item)))
        .map(({ topic }) => topic),
    );
    if (unknown.size > 0) {
      await Promise.all([...unknown].map((topic) => this.#lookUp(topic)));
    }
    const groups = new Map<BrokerAddress | null, T[]>();
    for (const item of items) {
      const leader = this.#leaders.get(keyOf(item));
      const address =
        leader === undefined
          ? null
          : (this.#brokers.get(leader.nodeId) ?? null);
      const known = groups.get(address);
      if (known === undefined) groups.set(address, [item]);
      else known.push(item);
    }
    return groups;
  }

  /** Of the leader that `byLeader` would give; -1 where it is not known. */
  leaderEpochOf(partition: TopicPartition): number {
    return this.#leaders.get(keyOf(partition))?.epoch ?? -1;
  }

  forgetLeader(partition: TopicPartition): void {
    this.#leaders.delete(keyOf(partition));
  }

  /** To the group's coordinator; what shows that it is another one forgets it. */
  async askCoordinator<Request extends Fields, Response extends Fields>(
    group: string,
    api: RequestApi<Request, Response>,
    body: FieldsIn<Request>,
    options?: RequestOptions,
  ): Promise<FieldsOut<Response>> {
    const address =
      this.#coordinators.get(group) ?? (await this.#findCoordinator(group));
    this.#coordinators.set(group, address);
    try {
      return await this.connections.request(address, api, body, options);
    } catch (error) {
      this.#coordinators.delete(group);
      throw error;
    }
  }

  /** The word for a coordinator's answer; forgets a coordinator that is none. */
  coordinatorWord(group: string, errorCode: number): string | null {
    const word = wordOf(errorCode);
    if (word !== null && isAboutCoordinator(word)) {
      this.#coordinators.delete(group);
    }
    return word;
  }

  async #findCoordinator(group: string): Promise<BrokerAddress> {
    const answer = await this.askAny(apis[10], {
      key: group,
      keyType: 0,
      coordinatorKeys: [group],
      // Up to v3 the answer is in the top fields, from v4 in the list.
    });
    const found = answer.coordinators[0] ?? answer;
    const word = wordOf(found.errorCode);
    if (word !== null) {
      throw refused(
        `finding the coordinator of ${group}`,
        word,
        found.errorMessage,
      );
    }
    return { host: found.host, port: found.port };
  }

  #lookUp(topic: string): Promise<MetadataResponse> {
    const known = this.#lookups.get(topic);
    if (known !== undefined) return known;
    const lookup = this.metadata([topic]).finally(() => {
      this.#lookups.delete(topic);
    });
    this.#lookups.set(topic, lookup);
    return lookup;
  }
}
