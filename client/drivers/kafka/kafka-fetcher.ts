/**
 * Fetches from the leaders of many partitions in the background.
 *
 * Each partition is in at most one request; one that becomes free or new while
 * others are being waited for goes out in a request of its own, up to a few a
 * broker: it does not wait for their long poll, and with time they meet again.
 *
 * With each offset goes the leader epoch of the record before it: a broker
 * whose log was cut below it since then answers where, instead of sending what
 * took the lost offsets. Only from version 12 on: before Kafka 2.7 nobody tells.
 */
import { apis } from "../../../broker/wire/kafka/apis.ts";
import type { FetchResponse } from "../../../broker/wire/kafka/messages/01-fetch.ts";
import type { Clock } from "../../../broker/platform/clock.ts";
import type { Random } from "../../../broker/platform/random.ts";
import { ZERO_UUID } from "../../../broker/wire/schema.ts";
import { EMPTY_BYTES } from "../../../broker/lib/bytes.ts";
import type { TopicPartition, TopicPartitionOffset } from "../../client.ts";
import type {
  FetchedBatches,
  Fetcher,
  FetcherOptions,
} from "../../core/driver.ts";
import { nextPositionOf } from "../../core/records.ts";
import { groupByTopic, keyOf } from "../../core/topic-partitions.ts";
import { backoffMs, Bell, sleep } from "../../core/wait.ts";
import { ClientError } from "../../errors.ts";
import type { KafkaCluster } from "./kafka-cluster.ts";
import type { BrokerAddress } from "./kafka-connections.ts";
import { isAboutLeader, wordOf } from "./kafka-errors.ts";

/** From version 13 on topics go by id; names serve both ends as well. */
const FETCH_VERSION_MAX = 12;
/** Java's `fetch.max.bytes`. */
const ANSWER_SIZE_BYTES_MAX = 50 * 1024 * 1024;
const REQUESTS_PER_BROKER_MAX = 4;
/** Besides the wait that was asked for. */
const ANSWER_TIMEOUT_MS = 30_000;

interface Position extends TopicPartition {
  /** What to ask for next. */
  offset: number;
  /** Of the record before it; -1 where it is not known. */
  lastEpoch: number;
  /** In a request, backing off, or with an error that has been handed over. */
  isBusy: boolean;
  failures: number;
}

export class KafkaFetcher implements Fetcher {
  readonly #cluster: KafkaCluster;
  readonly #platform: { readonly clock: Clock; readonly random: Random };
  readonly #options: FetcherOptions;
  readonly #aborter = new AbortController();
  readonly #bell = new Bell();
  #positions = new Map<string, Position>();
  #fetched: FetchedBatches[] = [];
  #fetchedSizeBytes = 0;
  readonly #requestCounts = new Map<BrokerAddress, number>();
  #isKicking = false;
  #mustKickAgain = false;

  constructor(
    cluster: KafkaCluster,
    platform: { readonly clock: Clock; readonly random: Random },
    options: FetcherOptions,
  ) {
    this.#cluster = cluster;
    this.#platform = platform;
    this.#options = options;
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    const before = this.#positions;
    this.#positions = new Map();
    for (const { topic, partition, offset, leaderEpoch = -1 } of positions) {
      const key = keyOf({ topic, partition });
      const known = before.get(key);
      // Where it is already: neither what was fetched nor the request under way is lost.
      const isSame = known !== undefined && this.#startOf(known) === offset;
      this.#positions.set(
        key,
        isSame
          ? known
          : {
              topic,
              partition,
              offset,
              lastEpoch: leaderEpoch,
              isBusy: false,
              failures: 0,
            },
      );
    }
    this.#dropStale(before);
    this.#kick();
  }

  async next(): Promise<readonly FetchedBatches[] | null> {
    for (;;) {
      if (this.#aborter.signal.aborted) return null;
      if (this.#fetched.length > 0) {
        const fetched = this.#fetched;
        this.#fetched = [];
        this.#fetchedSizeBytes = 0;
        this.#kick();
        return fetched;
      }
      await this.#bell.rung();
    }
  }

  close(): Promise<void> {
    this.#aborter.abort();
    this.#positions.clear();
    this.#fetched = [];
    this.#bell.ring();
    return Promise.resolve();
  }

  /** The offset that the next item of this position begins with. */
  #startOf(position: Position): number {
    const first = this.#fetched.find((item) => keyOf(item) === keyOf(position));
    return first?.fetchOffset ?? position.offset;
  }

  #dropStale(before: ReadonlyMap<string, Position>): void {
    this.#fetched = this.#fetched.filter((item) => {
      const key = keyOf(item);
      return before.get(key) === this.#positions.get(key);
    });
    this.#fetchedSizeBytes = 0;
    for (const { bytes } of this.#fetched) {
      this.#fetchedSizeBytes += bytes.length;
    }
  }

  /** Sends requests for whatever is free. Finding leaders takes time: one search at a time. */
  #kick(): void {
    this.#mustKickAgain = true;
    if (!this.#isKicking) void this.#kickAll();
  }

  async #kickAll(): Promise<void> {
    this.#isKicking = true;
    while (this.#mustKickAgain && !this.#aborter.signal.aborted) {
      this.#mustKickAgain = false;
      if (this.#fetchedSizeBytes >= this.#options.bufferedSizeBytesMax) break;
      const free = [...this.#positions.values()].filter(
        ({ isBusy }) => !isBusy,
      );
      if (free.length > 0) await this.#request(free);
    }
    this.#isKicking = false;
  }

  async #request(free: readonly Position[]): Promise<void> {
    try {
      for (const [leader, of] of await this.#cluster.byLeader(free)) {
        // They may have been replaced while the leaders were looked up.
        const current = of.filter((position) => this.#isCurrent(position));
        if (leader === null) this.#backOff(current, true);
        else if (current.length > 0) this.#maybeFetch(leader, current);
      }
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#backOff(free, false);
    }
  }

  #maybeFetch(leader: BrokerAddress, positions: readonly Position[]): void {
    const count = this.#requestCounts.get(leader) ?? 0;
    if (count >= REQUESTS_PER_BROKER_MAX) return;
    this.#requestCounts.set(leader, count + 1);
    for (const position of positions) position.isBusy = true;
    void this.#fetch(leader, positions);
  }

  async #fetch(
    leader: BrokerAddress,
    positions: readonly Position[],
  ): Promise<void> {
    const asked = positions.map((position) => ({
      position,
      offset: position.offset,
    }));
    try {
      const answer = await this.#ask(leader, positions);
      const word = wordOf(answer.errorCode);
      if (word === null) this.#answered(asked, answer);
      else this.#backOff(positions, isAboutLeader(word));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#backOff(positions, true);
    } finally {
      const count = this.#requestCounts.get(leader) ?? 1;
      if (count <= 1) this.#requestCounts.delete(leader);
      else this.#requestCounts.set(leader, count - 1);
    }
    this.#kick();
  }

  #ask(
    leader: BrokerAddress,
    positions: readonly Position[],
  ): Promise<FetchResponse> {
    const { waitMsMax, isolation, partitionSizeBytesMax } = this.#options;
    return this.#cluster.connections.request(
      leader,
      apis[1],
      {
        maxWaitMs: waitMsMax,
        minBytes: 1,
        maxBytes: ANSWER_SIZE_BYTES_MAX,
        isolationLevel: isolation === "read_committed" ? 1 : 0,
        topics: groupByTopic(positions).map(({ topic, items }) => ({
          topic,
          topicId: ZERO_UUID,
          partitions: items.map(({ partition, offset, lastEpoch }) => ({
            partition,
            currentLeaderEpoch: this.#cluster.leaderEpochOf({
              topic,
              partition,
            }),
            fetchOffset: offset,
            lastFetchedEpoch: lastEpoch,
            partitionMaxBytes: partitionSizeBytesMax,
          })),
        })),
        forgottenTopicsData: [],
      },
      {
        isKept: true,
        timeoutMs: waitMsMax + ANSWER_TIMEOUT_MS,
        versionMax: FETCH_VERSION_MAX,
      },
    );
  }

  #answered(
    asked: readonly { readonly position: Position; readonly offset: number }[],
    answer: FetchResponse,
  ): void {
    const byKey = new Map(asked.map((one) => [keyOf(one.position), one]));
    for (const { position } of asked) position.isBusy = false;
    for (const { topic, partitions } of answer.responses) {
      for (const part of partitions) {
        const id = { topic, partition: part.partitionIndex };
        const one = byKey.get(keyOf(id));
        if (one === undefined || !this.#isCurrent(one.position)) continue;
        this.#took(one.position, one.offset, part);
      }
    }
    this.#bell.ring();
  }

  #took(
    position: Position,
    fetchOffset: number,
    part: FetchResponse["responses"][number]["partitions"][number],
  ): void {
    // The log was cut: for whoever reads that is a position that is not there.
    const isCut = part.errorCode === 0 && part.divergingEpoch.endOffset >= 0;
    const error = isCut ? "offset-out-of-range" : wordOf(part.errorCode);
    if (error !== null && isAboutLeader(error) && position.failures < 3) {
      this.#backOff([position], true);
      return;
    }
    const bytes = part.records ?? EMPTY_BYTES;
    if (error === null && bytes.length === 0) return;
    // After an error it waits for a new position.
    if (error !== null) position.isBusy = true;
    else position.failures = 0;
    const next = nextPositionOf(bytes, fetchOffset);
    position.offset = next.offset;
    position.lastEpoch = next.leaderEpoch ?? position.lastEpoch;
    this.#fetchedSizeBytes += bytes.length;
    this.#fetched.push({
      topic: position.topic,
      partition: position.partition,
      error,
      fetchOffset,
      bytes,
      highWatermark: part.highWatermark,
      startOffset: part.logStartOffset < 0 ? null : part.logStartOffset,
      divergingOffset: isCut ? part.divergingEpoch.endOffset : null,
      abortedTransactions: part.abortedTransactions ?? [],
    });
  }

  #isCurrent(position: Position): boolean {
    return this.#positions.get(keyOf(position)) === position;
  }

  #backOff(positions: readonly Position[], forgetLeader: boolean): void {
    for (const position of positions) {
      position.isBusy = true;
      position.failures += 1;
      if (forgetLeader) this.#cluster.forgetLeader(position);
      const delayMs = backoffMs(position.failures, this.#platform.random);
      const { signal } = this.#aborter;
      void sleep(this.#platform.clock, delayMs, signal).then(() => {
        position.isBusy = false;
        this.#kick();
      });
    }
  }
}
