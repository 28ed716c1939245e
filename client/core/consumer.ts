/**
 * A consumer of a group: a membership that says which partitions, a feed that
 * reads them, and the caller's handlers between the two.
 *
 * Joining begins with the iteration, so that handlers are there before the
 * first assignment. Until `onRevoke` has resolved the partitions are still ours
 * and may be committed; they are not read any more.
 */
import type { Clock } from "../../broker/platform/clock.ts";
import type { Random } from "../../broker/platform/random.ts";
import type {
  GroupConsumer,
  PartitionBatch,
  SeekTarget,
  TopicPartition,
  TopicPartitionOffset,
} from "../client.ts";
import { ClientError } from "../errors.ts";
import { mustBeSeekTarget } from "./checked-arguments.ts";
import { commitOffsets } from "./commit.ts";
import type { Driver, GroupMember } from "./driver.ts";
import { Membership } from "./membership.ts";
import type { ConsumerSettings } from "./options.ts";
import { PartitionFeed } from "./partition-feed.ts";
import { offsetsOf, startPositions } from "./positions.ts";
import { closedError, isPassing } from "./refusal.ts";
import { keyOf, sameId } from "./topic-partitions.ts";
import { abortedError, backoffMs, Deferred, sleep } from "./wait.ts";

type RevokeHandler = Parameters<GroupConsumer["onRevoke"]>[0];
type AssignHandler = Parameters<GroupConsumer["onAssign"]>[0];

interface HandedOut {
  readonly endOffset: number;
  readonly leaderEpoch: number | null;
}

export class CoreConsumer implements GroupConsumer {
  readonly #driver: Driver;
  readonly #platform: { readonly clock: Clock; readonly random: Random };
  readonly #settings: ConsumerSettings;
  readonly #membership: Membership;
  readonly #feed: PartitionFeed;
  /** Ends waits for the broker when the consumer closes. */
  readonly #aborter = new AbortController();

  #onRevoke: RevokeHandler = () => Promise.resolve();
  #onAssign: AssignHandler = () => Promise.resolve();
  #assignment: readonly TopicPartition[] = [];
  /** Since the assignment. */
  readonly #sought = new Map<string, number>();
  /** Since the assignment: the end and the leader epoch of what was last handed out. */
  readonly #handed = new Map<string, HandedOut>();
  /** Null while no generation is ours to commit in. */
  #member: GroupMember | null = null;
  #running: Promise<void> | null = null;
  readonly #closed = new Deferred();
  #closing: Promise<void> | null = null;
  readonly #abort = (): void => void this.close();

  constructor(
    driver: Driver,
    platform: { readonly clock: Clock; readonly random: Random },
    settings: ConsumerSettings,
  ) {
    this.#driver = driver;
    this.#platform = platform;
    this.#settings = settings;
    this.#feed = new PartitionFeed(driver, platform, {
      isolation: settings.isolation,
      bufferedSizeBytesMax: settings.bufferedSizeBytesMax,
      // As Java's consumer: what took the place of a lost tail is read.
      reset: async (id, divergingOffset) =>
        divergingOffset ?? (await this.#offsetOf(id, settings.from)),
    });
    this.#membership = new Membership(driver, platform, settings, {
      assigned: (partitions, member) => this.#assigned(partitions, member),
      revoked: (reason) => this.#revoked(reason),
    });
    settings.signal?.addEventListener("abort", this.#abort, { once: true });
    if (settings.signal?.aborted === true) this.#abort();
  }

  get assignment(): readonly TopicPartition[] {
    return this.#assignment;
  }

  onRevoke(handler: RevokeHandler): void {
    this.#onRevoke = handler;
  }

  onAssign(handler: AssignHandler): void {
    this.#onAssign = handler;
  }

  pause(partitions: readonly TopicPartition[]): void {
    const owned = new Set(this.#assignment.map(keyOf));
    const ours = partitions.filter((id) => owned.has(keyOf(id)));
    this.#feed.pause(ours, true);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#feed.pause(partitions, false);
  }

  async seek(
    target: TopicPartition & { readonly offset: SeekTarget },
  ): Promise<void> {
    mustBeSeekTarget(target.offset);
    this.#mustOwn([target], "invalid-argument");
    const offset = await this.#offsetOf(target, target.offset);
    this.#sought.set(keyOf(target), offset);
    this.#feed.seek(target, offset);
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (this.#closing !== null && this.#member === null) {
      throw closedError("consumer");
    }
    if (offsets.length === 0) return;
    this.#mustOwn(offsets, "commit-failed");
    const member = this.#member;
    if (member === null) {
      throw new ClientError("commit-failed", "the group is rebalancing");
    }
    const outcome = await commitOffsets(
      this.#driver,
      this.#platform,
      member,
      offsets.map((one) => this.#withEpoch(one)),
    );
    if (outcome !== "lost") return;
    // The heartbeat would tell, only later.
    if (this.#member === member) this.#membership.generationIsOver();
    throw new ClientError(
      "commit-failed",
      `the group ${member.group} has gone on without this member`,
    );
  }

  committed(
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartitionOffset | null)[]> {
    return this.#driver.group.committed(this.#settings.group, partitions);
  }

  [Symbol.asyncIterator](): AsyncIterator<PartitionBatch> {
    this.#start();
    return { next: () => this.#next() };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().finally(() => this.#closed.resolve());
    return this.#closing;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #next(): Promise<IteratorResult<PartitionBatch>> {
    const batch = await this.#feed.next();
    if (batch !== null) {
      const { records, leaderEpoch } = batch;
      const endOffset = (records.at(-1)?.offset ?? -1) + 1;
      this.#handed.set(keyOf(batch), { endOffset, leaderEpoch });
      return { done: false, value: batch };
    }
    const { signal } = this.#settings;
    if (signal?.aborted === true) throw abortedError(signal);
    return { done: true, value: undefined };
  }

  #start(): void {
    if (this.#running !== null || this.#closing !== null) return;
    this.#running = this.#membership.run().catch((error: unknown) => {
      this.#feed.fail(error);
    });
  }

  async #close(): Promise<void> {
    this.#settings.signal?.removeEventListener("abort", this.#abort);
    this.#aborter.abort();
    this.#membership.leave();
    const feedClosed = this.#feed.close();
    await this.#running;
    await feedClosed;
  }

  async #assigned(
    partitions: readonly TopicPartition[],
    member: GroupMember,
  ): Promise<void> {
    this.#member = member;
    this.#assignment = partitions;
    this.#sought.clear();
    this.#handed.clear();
    const positions = await this.#positions(partitions);
    if (positions === null) return;
    await this.#onAssign(positions);
    if (this.#aborter.signal.aborted) return;
    // Whoever has sought since the assignment knows better.
    this.#feed.add(
      positions.map((position) => {
        const offset = this.#sought.get(keyOf(position));
        return offset === undefined
          ? position
          : { ...sameId(position), offset };
      }),
    );
  }

  /** Asks until it is told; null when the consumer closes meanwhile. */
  async #positions(
    partitions: readonly TopicPartition[],
  ): Promise<readonly TopicPartitionOffset[] | null> {
    const { clock, random } = this.#platform;
    const { signal } = this.#aborter;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await startPositions(this.#driver, partitions, this.#settings);
      } catch (error) {
        if (!isPassing(error)) throw error;
        await sleep(clock, backoffMs(attempt, random), signal);
      }
    }
    return null;
  }

  async #revoked(reason: "revoked" | "lost"): Promise<void> {
    const partitions = this.#assignment;
    this.#feed.remove(partitions);
    if (reason === "lost") this.#member = null;
    try {
      if (partitions.length > 0) await this.#onRevoke(partitions, reason);
    } finally {
      this.#member = null;
      this.#assignment = [];
    }
  }

  async #offsetOf(id: TopicPartition, at: SeekTarget): Promise<number> {
    if (typeof at === "number") return at;
    const { isolation } = this.#settings;
    const targets = [{ ...sameId(id), at }];
    const [offset] = await offsetsOf(this.#driver, targets, isolation);
    return offset ?? 0;
  }

  /**
   * With the leader epoch of the record before it, so that whoever begins there
   * is told when the log was cut below it. A later epoch than the record's own
   * serves as well: it is cut off whenever the record is.
   */
  #withEpoch(position: TopicPartitionOffset): TopicPartitionOffset {
    if (position.leaderEpoch !== undefined) return position;
    const handed = this.#handed.get(keyOf(position));
    if (handed === undefined || position.offset > handed.endOffset) {
      return position;
    }
    const { leaderEpoch } = handed;
    return leaderEpoch === null ? position : { ...position, leaderEpoch };
  }

  #mustOwn(
    partitions: readonly TopicPartition[],
    code: "commit-failed" | "invalid-argument",
  ): void {
    const owned = new Set(this.#assignment.map(keyOf));
    const foreign = partitions.find((id) => !owned.has(keyOf(id)));
    if (foreign === undefined) return;
    throw new ClientError(
      code,
      `${foreign.topic}-${foreign.partition} is not assigned to this member`,
    );
  }
}
