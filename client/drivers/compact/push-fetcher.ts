/**
 * A fetcher that is pushed to: one subscription on a connection of its own, so
 * that megabytes of records hold up nobody's heartbeat.
 *
 * When a push arrives, the broker is told at once where its partition goes on:
 * the next push comes while this one is still waiting here. Its bytes are given
 * back as credit when they are handed over, or thrown away. So the broker sends
 * at most the buffer's size ahead of who reads.
 *
 * After a lost connection everything is subscribed again, each partition where
 * its last push ended: nothing is lost and nothing comes twice. With it goes the
 * leader epoch of the last record, so that a broker that came back without a
 * tail of its log says so, instead of sending what took the lost offsets.
 */
import type { TopicPartitionOffset } from "../../client.ts";
import type {
  FetchedBatches,
  Fetcher,
  FetcherOptions,
} from "../../core/driver.ts";
import { nextOffsetOf, nextPositionOf } from "../../core/records.ts";
import { isPassing, refused } from "../../core/refusal.ts";
import { keyOf } from "../../core/topic-partitions.ts";
import { backoffMs, sleep } from "../../core/wait.ts";
import { ClientError } from "../../errors.ts";
import type { CompactConnection, Push } from "./compact-connection.ts";
import { ConnectionSlot, type SlotOptions } from "./connection-slot.ts";
import { watchLiveness } from "./liveness.ts";

/** The only one of its connection. */
const SUBSCRIPTION = 1;
const CREDIT_SIZE_BYTES_MAX = 2 ** 32 - 1;
/** Positions in one request; the broker takes 10,000. */
const POSITION_COUNT_MAX = 5_000;

interface Subscribed {
  readonly topic: string;
  readonly partition: number;
  /** Of the `subscribe` that set its position. */
  round: number;
  /** Where the next push begins, and the epoch of the record before it. */
  nextOffset: number;
  nextEpoch: number | null;
  /** Where what was handed over ends. */
  handedOffset: number;
}

type Place = Pick<Subscribed, "topic" | "partition">;

export class PushFetcher implements Fetcher {
  readonly #slot: ConnectionSlot;
  readonly #slotOptions: SlotOptions;
  readonly #options: FetcherOptions;
  readonly #creditSizeBytesMax: number;
  readonly #closing = new AbortController();

  // Moves with `assign`, pushes and `next`.
  readonly #subscribed = new Map<string, Subscribed>();
  #connection: CompactConnection | null = null;
  #round = 0;
  #queue: FetchedBatches[] = [];
  #wake: () => void = () => {};
  #failure: unknown = null;

  // What the broker is told at the end of this turn.
  #creditSizeBytes = 0;
  #advanced: (Place & { readonly round: number; readonly offset: number })[] =
    [];
  #isTelling = false;

  constructor(slotOptions: SlotOptions, options: FetcherOptions) {
    this.#slotOptions = slotOptions;
    this.#options = options;
    this.#creditSizeBytesMax = Math.min(
      options.bufferedSizeBytesMax,
      CREDIT_SIZE_BYTES_MAX,
    );
    this.#slot = new ConnectionSlot(slotOptions, (_subscription, ...push) =>
      this.#arrived(...push),
    );
    void this.#run();
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    const named = new Set<string>();
    const changed: Subscribed[] = [];
    for (const position of positions) {
      const key = keyOf(position);
      named.add(key);
      // One that goes on where it stands is left alone, with what is under way.
      const { offset } = position;
      if (this.#subscribed.get(key)?.handedOffset === offset) continue;
      const one = {
        topic: position.topic,
        partition: position.partition,
        round: 0,
        nextOffset: offset,
        nextEpoch: position.leaderEpoch ?? null,
        handedOffset: offset,
      };
      this.#subscribed.set(key, one);
      changed.push(one);
    }
    const removed: Place[] = [];
    for (const [key, { topic, partition }] of this.#subscribed) {
      if (named.has(key)) continue;
      this.#subscribed.delete(key);
      removed.push({ topic, partition });
    }
    this.#discardExcept(named, new Set(changed.map(keyOf)));
    if (changed.length === 0 && removed.length === 0) return;
    this.#subscribe(changed, removed, 0);
  }

  async next(): Promise<readonly FetchedBatches[] | null> {
    for (;;) {
      if (this.#closing.signal.aborted) return null;
      if (this.#failure !== null) {
        const failure = this.#failure;
        this.#failure = null;
        throw failure;
      }
      if (this.#queue.length > 0) return this.#handOver();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#slot.close();
    this.#queue = [];
    this.#subscribed.clear();
    this.#wake();
  }

  #handOver(): readonly FetchedBatches[] {
    const items = this.#queue;
    this.#queue = [];
    for (const item of items) {
      const one = this.#subscribed.get(keyOf(item));
      if (one !== undefined && item.error === null) {
        one.handedOffset = nextOffsetOf(item.bytes, item.fetchOffset);
      }
      this.#giveBack(item.bytes.length);
    }
    return items;
  }

  /** Drops what waits here for positions that were replaced, or are not named any more. */
  #discardExcept(
    named: ReadonlySet<string>,
    replaced: ReadonlySet<string>,
  ): void {
    this.#queue = this.#queue.filter((item) => {
      const key = keyOf(item);
      if (named.has(key) && !replaced.has(key)) return true;
      this.#giveBack(item.bytes.length);
      return false;
    });
  }

  #arrived(push: Push, bytes: Uint8Array): void {
    const { topic, partition, round, offset } = push;
    const key = keyOf(push);
    const one = this.#subscribed.get(key);
    if (one === undefined || one.round !== round) {
      this.#giveBack(bytes.length);
      return;
    }
    if (push.error === null) {
      const next = nextPositionOf(bytes, offset);
      one.nextOffset = next.offset;
      one.nextEpoch = next.leaderEpoch ?? one.nextEpoch;
      // Bytes without a whole batch lead nowhere: whoever decodes them says why.
      if (one.nextOffset > offset) {
        const advanced = { topic, partition, round, offset: one.nextOffset };
        this.#advanced.push(advanced);
        this.#tell();
      }
    } else {
      // The broker has dropped it; it comes back with the next `assign`.
      this.#subscribed.delete(key);
    }
    this.#queue.push({
      topic,
      partition,
      error: push.error?.code ?? null,
      fetchOffset: offset,
      bytes,
      highWatermark: push.highWatermark ?? -1,
      startOffset: push.startOffset,
      divergingOffset: push.divergingOffset,
    });
    this.#wake();
  }

  #giveBack(sizeBytes: number): void {
    if (sizeBytes === 0) return;
    this.#creditSizeBytes += sizeBytes;
    this.#tell();
  }

  /** Once for everything of this turn. */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    queueMicrotask(() => {
      this.#isTelling = false;
      const sizeBytes = this.#creditSizeBytes;
      const positions = this.#advanced;
      this.#creditSizeBytes = 0;
      this.#advanced = [];
      if (sizeBytes === 0 && positions.length === 0) return;
      const credit = { subscription: SUBSCRIPTION, sizeBytes, positions };
      this.#connection?.send("credit", credit).catch(ignoreLost);
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, random } = this.#slotOptions;
    while (!signal.aborted) {
      try {
        const connection = await this.#slot.get();
        this.#subscribeAll(connection);
        watchLiveness(connection, clock);
        await connection.closed;
      } catch (error) {
        if (!isPassing(error)) this.#fail(error);
      }
      this.#connection = null;
      // Against a broker that takes connections and drops them at once.
      await sleep(clock, backoffMs(1, random), signal);
    }
  }

  /** On a new connection there is no subscription yet, and all credit is to be given. */
  #subscribeAll(connection: CompactConnection): void {
    this.#connection = connection;
    this.#advanced = [];
    let waitingSizeBytes = 0;
    for (const { bytes } of this.#queue) waitingSizeBytes += bytes.length;
    this.#creditSizeBytes = 0;
    const credit = Math.max(0, this.#creditSizeBytesMax - waitingSizeBytes);
    this.#subscribe([...this.#subscribed.values()], [], credit);
  }

  /** Does nothing without a connection: once there is one, everything is subscribed. */
  #subscribe(
    changed: readonly Subscribed[],
    removed: readonly Place[],
    creditSizeBytes: number,
  ): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#round += 1;
    for (const one of changed) one.round = this.#round;
    const { isolation, partitionSizeBytesMax } = this.#options;
    let first = 0;
    do {
      const positions = changed.slice(first, first + POSITION_COUNT_MAX);
      const isFirst = first === 0;
      first += POSITION_COUNT_MAX;
      const request = {
        subscription: SUBSCRIPTION,
        round: this.#round,
        isCommittedOnly: isolation === "read_committed",
        partitionSizeBytesMax,
        creditSizeBytes: isFirst ? creditSizeBytes : 0,
        positions: positions.map(({ topic, partition, ...next }) => ({
          topic,
          partition,
          offset: next.nextOffset,
          leaderEpoch: null,
          lastEpoch: next.nextEpoch,
        })),
        removed: isFirst ? removed : [],
      };
      connection.request("subscribe", request).then((answer) => {
        if (answer.error === null) return;
        this.#fail(refused("a subscription", answer.error, answer.detail));
      }, ignoreLost);
    } while (first < changed.length);
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure = error;
    this.#wake();
  }
}

/** The connection's end is seen where it is awaited, and everything is subscribed again. */
function ignoreLost(error: unknown): void {
  if (!(error instanceof ClientError)) throw error;
}
