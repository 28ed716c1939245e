/**
 * One subscription: pushes batches as they arrive while credit lasts.
 *
 * A partition is in one of three places. *Ready*: in the queue of those whose
 * position is known; it is read at once when its turn comes, one at a time, so
 * that a backlog in a thousand partitions is not read into memory together.
 * *Parked*: it had nothing; a fetch waits for its next append. *Sent*: pushed,
 * until the client says where it goes on.
 *
 *   ready --read, something--> sent --position--> ready
 *   ready --read, nothing----> parked --append--> sent
 *
 * A parked partition whose append comes when there is no credit, or the peer
 * does not read, gives the bytes back and becomes ready: they are read again.
 * A replaced or removed partition is no longer the map's; whatever is still
 * read for it is dropped.
 */
import type { Payload } from "../../lib/payload.ts";
import type { RequestContext } from "../../operation/context.ts";
import type { Fetch, Fetched, FetchResult } from "../../operation/fetch.ts";
import {
  type OperationError,
  refuse,
} from "../../operation/operation-error.ts";
import {
  batchesFrames,
  compactApis,
  type CompactRequest,
} from "../../wire/compact/apis.ts";
import { FrameKind } from "../../wire/compact/compact-frame.ts";
import { errorOf } from "./errors.ts";

/** After this a parked fetch looks whether its topic still exists. */
const PARK_MS = 10_000;

/** What a parked fetch brings at most: many may wake at once. */
const PARKED_SIZE_BYTES_MAX = 64 * 1024;

export interface Outlet {
  isOpen(): boolean;
  push(payload: Payload): void;
}

interface SubscribedPartition {
  readonly key: string;
  readonly topic: string;
  readonly partition: number;
  readonly round: number;
  /** What the client knows of the partition's epoch, for its first read. */
  readonly leaderEpoch: number | null;
  readonly stop: AbortController;
  offset: number;
  /** Of the last record the client has; null once it was pushed what follows. */
  lastEpoch: number | null;
  isSent: boolean;
}

export class Subscription {
  // Fixed when it was opened.
  readonly #fetch: Fetch;
  readonly #outlet: Outlet;
  readonly #context: RequestContext;
  readonly #options: {
    readonly id: number;
    readonly isCommittedOnly: boolean;
    readonly partitionSizeBytesMax: number;
  };

  // Moves with requests, appends and pushes.
  readonly #partitions = new Map<string, SubscribedPartition>();
  #ready: SubscribedPartition[] = [];
  #creditSizeBytes = 0;
  #isReading = false;

  constructor(
    fetch: Fetch,
    outlet: Outlet,
    context: RequestContext,
    options: {
      readonly id: number;
      readonly isCommittedOnly: boolean;
      readonly partitionSizeBytesMax: number;
    },
  ) {
    this.#fetch = fetch;
    this.#outlet = outlet;
    this.#context = context;
    this.#options = options;
  }

  change(request: CompactRequest<"subscribe">): void {
    this.#creditSizeBytes += request.creditSizeBytes;
    for (const { topic, partition } of request.removed) {
      this.#drop(keyOf(topic, partition));
    }
    for (const position of request.positions) {
      const key = keyOf(position.topic, position.partition);
      this.#drop(key);
      const added = {
        ...position,
        key,
        round: request.round,
        stop: new AbortController(),
        isSent: false,
      };
      this.#partitions.set(key, added);
      this.#ready.push(added);
    }
    this.wake();
  }

  grant(request: CompactRequest<"credit">): void {
    this.#creditSizeBytes += request.sizeBytes;
    for (const { topic, partition, round, offset } of request.positions) {
      const one = this.#partitions.get(keyOf(topic, partition));
      if (one === undefined || one.round !== round || !one.isSent) continue;
      one.offset = offset;
      // It reads on in this log, which is not cut while it is open.
      one.lastEpoch = null;
      one.isSent = false;
      this.#ready.push(one);
    }
    this.wake();
  }

  /** Goes on reading if there is anything to read and room to send it. */
  wake(): void {
    if (this.#isReading || !this.#maySend()) return;
    void this.#readReady();
  }

  end(): void {
    for (const { stop } of this.#partitions.values()) stop.abort();
    this.#partitions.clear();
    this.#ready = [];
  }

  #drop(key: string): void {
    this.#partitions.get(key)?.stop.abort();
    this.#partitions.delete(key);
  }

  #maySend(): boolean {
    return this.#creditSizeBytes > 0 && this.#outlet.isOpen();
  }

  async #readReady(): Promise<void> {
    this.#isReading = true;
    while (this.#maySend()) {
      const one = this.#ready.shift();
      if (one === undefined) break;
      if (!this.#isCurrent(one)) continue;
      const sizeBytesMax = Math.min(
        this.#options.partitionSizeBytesMax,
        this.#creditSizeBytes,
      );
      this.#settle(one, await this.#read(one, { waitMsMax: 0, sizeBytesMax }));
    }
    this.#isReading = false;
  }

  async #park(one: SubscribedPartition): Promise<void> {
    const sizeBytesMax = Math.min(
      this.#options.partitionSizeBytesMax,
      PARKED_SIZE_BYTES_MAX,
    );
    const limits = { waitMsMax: PARK_MS, sizeBytesMax };
    this.#settle(one, await this.#read(one, limits));
  }

  /** What was read goes out, or waits, or is dropped. Synchronous: nothing comes between. */
  #settle(one: SubscribedPartition, result: FetchResult): void {
    if (!this.#isCurrent(one)) {
      if (result.error === null) result.payload.release();
      return;
    }
    if (result.error !== null) {
      this.#drop(one.key);
      this.#push(one, result);
      return;
    }
    if (result.divergingEpoch !== undefined) {
      result.payload.release();
      this.#drop(one.key);
      const { endOffset } = result.divergingEpoch;
      this.#push(one, diverged(result), endOffset);
      return;
    }
    if (result.payload.sizeBytes === 0) {
      result.payload.release();
      void this.#park(one);
      return;
    }
    if (!this.#maySend()) {
      result.payload.release();
      this.#ready.push(one);
      return;
    }
    one.isSent = true;
    this.#creditSizeBytes -= result.payload.sizeBytes;
    this.#push(one, result);
  }

  #push(
    one: SubscribedPartition,
    result: FetchResult,
    divergingOffset: number | null = null,
  ): void {
    const head = {
      kind: FrameKind.push,
      correlationId: this.#options.id,
      api: compactApis.subscribe.key,
    };
    const fields = {
      topic: one.topic,
      partition: one.partition,
      round: one.round,
      error:
        result.error === null ? null : errorOf(result.error, result.detail),
      offset: one.offset,
      highWatermark: result.highWatermark,
      stableOffset: result.error === null ? result.stableOffset : null,
      startOffset: result.startOffset,
      divergingOffset,
    };
    const payloads = result.error === null ? [result.payload] : [];
    this.#outlet.push(batchesFrames.encode(head, fields, payloads));
  }

  #isCurrent(one: SubscribedPartition): boolean {
    return this.#partitions.get(one.key) === one;
  }

  /** Never rejects: what fails has no request to fail, so the subscriber is told. */
  async #read(
    one: SubscribedPartition,
    limits: { readonly waitMsMax: number; readonly sizeBytesMax: number },
  ): Promise<FetchResult> {
    const context = { ...this.#context, closed: one.stop.signal };
    try {
      const results = await this.#fetch(context, {
        waitMsMax: limits.waitMsMax,
        sizeBytesMin: 1,
        sizeBytesMax: limits.sizeBytesMax,
        isolation: this.#options.isCommittedOnly
          ? "read_committed"
          : "read_uncommitted",
        partitions: [
          {
            topic: one.topic,
            partition: one.partition,
            offset: one.offset,
            sizeBytesMax: limits.sizeBytesMax,
            leaderEpoch: one.leaderEpoch,
            lastFetchedEpoch: one.lastEpoch,
          },
        ],
      });
      return results[0] ?? failed("the fetch had no answer");
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Told as an error, which ends the partition here: the client says where it goes on. */
function diverged({ highWatermark, startOffset }: Fetched): FetchResult {
  const detail = "the log was cut below what was read of it";
  return {
    ...refuse("offset-out-of-range", detail),
    highWatermark,
    startOffset,
  };
}

function failed(detail: string) {
  const error: OperationError = "unknown-server-error";
  return { error, detail, highWatermark: null, startOffset: null };
}

/** No topic's name has a slash. */
function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}
