/**
 * One member of a group: joins, takes its assignment, keeps its session alive,
 * gives its partitions up when the group rebalances, and joins again.
 *
 *   joining --> syncing --> owning --(rebalance)--> draining --> joining
 *                              \------(lost)----------------------^
 *
 * Heartbeats run on the clock from the assignment until the next join, whatever
 * the handlers above are doing. Draining comes before the join, as the join is
 * what raises the generation: whoever joined first could not commit any more.
 */
import type { Cancel, Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type { TopicPartition } from "../client.ts";
import { ClientError } from "../errors.ts";
import type { Driver, GroupMember, JoinAnswer } from "./driver.ts";
import {
  assignedPartitions,
  assignForAll,
  countPartitions,
  protocolNames,
  subscriptionBytes,
} from "./group-protocol.ts";
import type { ConsumerSettings } from "./options.ts";
import { isPassing, isRetriableAnswer, refused } from "./refusal.ts";
import { backoffMs, sleep, unlessAborted } from "./wait.ts";

/** How often the leader looks whether topics have grown; Java's `metadata.max.age.ms` is longer. */
const TOPICS_CHECK_MS = 30_000;

export interface MembershipEvents {
  /** Awaited before the partitions are looked after; `member` may commit from now on. */
  assigned(
    partitions: readonly TopicPartition[],
    member: GroupMember,
  ): Promise<void>;
  /** Awaited before the member joins again, or leaves. */
  revoked(reason: "revoked" | "lost"): Promise<void>;
}

/** Why a generation ended for this member. */
type End = "rebalance" | "lost" | "left";

export class Membership {
  readonly #driver: Driver;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: ConsumerSettings;
  readonly #events: MembershipEvents;
  readonly #aborter = new AbortController();

  #memberId = "";
  #generation = -1;
  /** What it had last, for the sticky assignor. */
  #owned: readonly TopicPartition[] = [];
  /** Of the leader: what the last assignment was worked out from. */
  #counted: ReadonlyMap<string, number> | null = null;
  #endGeneration: (end: End) => void = () => {};
  #cancelHeartbeat: Cancel = () => {};
  #cancelCheck: Cancel = () => {};
  #sessionEndsMs = Infinity;

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    settings: ConsumerSettings,
    events: MembershipEvents,
  ) {
    this.#driver = driver;
    this.#clock = platform.clock;
    this.#random = platform.random;
    this.#settings = settings;
    this.#events = events;
  }

  get member(): GroupMember {
    return {
      group: this.#settings.group,
      memberId: this.#memberId,
      generation: this.#generation,
      groupInstanceId: this.#settings.groupInstanceId,
    };
  }

  /** A member until `leave`; rejects with what the group refuses it for. */
  async run(): Promise<void> {
    const { signal } = this.#aborter;
    let attempt = 0;
    try {
      while (!signal.aborted) {
        try {
          const partitions = await this.#join();
          if (partitions === null) continue;
          attempt = 0;
          await this.#own(partitions);
        } catch (error) {
          if (!isPassing(error)) throw error;
          attempt += 1;
          await sleep(this.#clock, backoffMs(attempt, this.#random), signal);
        }
      }
    } finally {
      this.#stopHeartbeats();
      await this.#sayGoodbye();
    }
  }

  /** Ends `run`: partitions are revoked first, then the group is told. */
  leave(): void {
    this.#aborter.abort();
    this.#endGeneration("left");
  }

  /** The broker says of a commit that this generation is over. */
  generationIsOver(): void {
    this.#endGeneration("lost");
  }

  /** One round of join and sync; null where it has to be begun anew. */
  async #join(): Promise<readonly TopicPartition[] | null> {
    const { group, groupInstanceId, assignors, topics } = this.#settings;
    const metadata = subscriptionBytes(topics, this.#owned, this.#generation);
    const joining = this.#driver.group.join({
      group,
      memberId: this.#memberId,
      groupInstanceId,
      sessionTimeoutMs: this.#settings.sessionTimeoutMs,
      rebalanceTimeoutMs: this.#settings.rebalanceTimeoutMs,
      protocolType: "consumer",
      protocols: protocolNames(assignors).map((name) => ({ name, metadata })),
    });
    // The broker may keep a join for as long as the others take: who leaves does not wait.
    const answer = await unlessAborted(joining, this.#aborter.signal);
    if (answer === null) return null;
    if (answer.error !== null) {
      this.#joinRefused(answer.error, answer.memberId);
      return null;
    }
    this.#memberId = answer.memberId;
    this.#generation = answer.generation;
    if (this.#aborter.signal.aborted) return null;
    return this.#sync(answer);
  }

  async #sync(answer: JoinAnswer): Promise<readonly TopicPartition[] | null> {
    const isLeader = answer.leader === answer.memberId;
    const work = isLeader ? await assignForAll(this.#driver, answer) : null;
    this.#counted = work?.partitionCounts ?? null;
    const syncing = this.#driver.group.sync({
      ...this.member,
      protocolType: "consumer",
      protocolName: answer.protocolName ?? "",
      assignments: work?.assignments ?? [],
    });
    const synced = await unlessAborted(syncing, this.#aborter.signal);
    if (synced === null) return null;
    // Somebody joined meanwhile: all begin again.
    if (synced.error === "rebalance-in-progress") return null;
    if (synced.error !== null) {
      this.#joinRefused(synced.error, this.#memberId);
      return null;
    }
    return assignedPartitions(synced.assignment);
  }

  #joinRefused(answer: string, memberId: string): void {
    if (answer === "member-id-required") {
      this.#memberId = memberId;
      return;
    }
    if (answer === "unknown-member-id" || answer === "illegal-generation") {
      this.#forget();
      return;
    }
    throw refused(`joining the group ${this.#settings.group}`, answer);
  }

  /** From the assignment to the end of the generation, the handlers included. */
  async #own(partitions: readonly TopicPartition[]): Promise<void> {
    this.#owned = partitions;
    const ended = new Promise<End>((resolve) => {
      this.#endGeneration = resolve;
    });
    this.#startHeartbeats();
    if (this.#aborter.signal.aborted) this.#endGeneration("left");
    await this.#events.assigned(partitions, this.member);
    this.#scheduleTopicsCheck();
    const end = await ended;
    await this.#events.revoked(end === "lost" ? "lost" : "revoked");
    this.#stopHeartbeats();
    if (end === "lost") this.#forget();
  }

  #forget(): void {
    // A static member is known by its instance, under whatever id.
    this.#memberId = "";
    this.#generation = -1;
    this.#owned = [];
  }

  #startHeartbeats(): void {
    this.#sessionEndsMs =
      this.#clock.monotonic() + this.#settings.sessionTimeoutMs;
    this.#scheduleHeartbeat();
  }

  #stopHeartbeats(): void {
    this.#cancelHeartbeat();
    this.#cancelCheck();
    this.#sessionEndsMs = Infinity;
  }

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat();
    const delayMs = this.#settings.heartbeatIntervalMs;
    this.#cancelHeartbeat = this.#clock.schedule(delayMs, () => {
      void this.#heartbeat();
      // The next one does not wait for this one: an answer may never come.
      this.#scheduleHeartbeat();
      if (this.#clock.monotonic() >= this.#sessionEndsMs) {
        this.#endGeneration("lost");
      }
    });
  }

  async #heartbeat(): Promise<void> {
    const { generation } = this.member;
    const answer = await this.#askHeartbeat();
    if (generation !== this.#generation) return;
    if (answer === null || answer === "rebalance-in-progress") {
      this.#sessionEndsMs =
        this.#clock.monotonic() + this.#settings.sessionTimeoutMs;
    }
    if (answer === null || isRetriableAnswer(answer)) return;
    this.#endGeneration(
      answer === "rebalance-in-progress" ? "rebalance" : "lost",
    );
  }

  /** An answer that does not come is one of the passing kind: the session says when it is too late. */
  async #askHeartbeat(): Promise<string | null> {
    try {
      return (await this.#driver.group.heartbeat(this.member)).error;
    } catch (error) {
      if (error instanceof ClientError) return "network-exception";
      throw error;
    }
  }

  /** The leader joins again when topics have grown or appeared: then all do. */
  #scheduleTopicsCheck(): void {
    const counted = this.#counted;
    if (counted === null) return;
    this.#cancelCheck = this.#clock.schedule(TOPICS_CHECK_MS, () => {
      void this.#checkTopics(counted);
    });
  }

  async #checkTopics(counted: ReadonlyMap<string, number>): Promise<void> {
    const { topics } = this.#settings;
    try {
      const now = await countPartitions(this.#driver, topics);
      const hasChanged = topics.some(
        (topic) => now.get(topic) !== counted.get(topic),
      );
      if (hasChanged) this.#endGeneration("rebalance");
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // Asked again at the next check.
    }
    if (this.#counted === counted) this.#scheduleTopicsCheck();
  }

  /** A static member does not leave: it comes back, and its partitions wait for it (KIP-345). */
  async #sayGoodbye(): Promise<void> {
    if (this.#memberId === "" || this.#settings.groupInstanceId !== null)
      return;
    try {
      await this.#driver.group.leave(this.member);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // The session ends by itself.
    }
  }
}
