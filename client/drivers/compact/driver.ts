/**
 * The driver for Millrace, over TCP or within one process: the compact protocol
 * on whatever connection it is given.
 *
 * One connection serves requests that are answered soon; each member of a group
 * and each fetcher has its own, as what they ask may wait for long. All are
 * opened when they are needed, and again when they were lost.
 */
import type { SeekTarget, Supports, TopicPartition } from "../../client.ts";
import type {
  Driver,
  DriverBatch,
  DriverMetadata,
  DriverOffset,
  DriverProduced,
  Fetcher,
  FetcherOptions,
  Isolation,
} from "../../core/driver.ts";
import { refused } from "../../core/refusal.ts";
import { isRetriableCode } from "../../../broker/wire/compact/error-codes.ts";
import { CompactAdmin } from "./admin.ts";
import { REQUEST_TIMEOUT_MS } from "./compact-connection.ts";
import { ConnectionSlot, type SlotOptions } from "./connection-slot.ts";
import { CompactGroupTransport } from "./group-transport.ts";
import { PushFetcher } from "./push-fetcher.ts";

const supports: Supports = {
  transactions: false,
  commitMetadata: true,
  pausePartition: true,
  delayedDelivery: false,
  lookupByKey: false,
  seekByTime: true,
  push: true,
  groupProtocols: ["classic"],
};

const NO_ACKS = 0;
/** What nobody tells with acks 0. */
const UNKNOWN_OFFSET = -1;

export function createCompactDriver(options: SlotOptions): Driver {
  return new CompactDriver(options);
}

class CompactDriver implements Driver {
  readonly supports = supports;
  readonly group: CompactGroupTransport;
  readonly admin: CompactAdmin;
  readonly #options: SlotOptions;
  readonly #slot: ConnectionSlot;
  readonly #fetchers = new Set<Fetcher>();

  constructor(options: SlotOptions) {
    this.#options = options;
    this.#slot = new ConnectionSlot(options);
    this.group = new CompactGroupTransport(options, this.#slot);
    this.admin = new CompactAdmin(this.#slot, this.group, (partitions) =>
      this.offsetsAt(partitions, "read_uncommitted"),
    );
  }

  async metadata(
    topics: readonly string[] | null,
    options: { readonly autoCreate?: boolean } = {},
  ): Promise<DriverMetadata> {
    const connection = await this.#slot.get();
    const answer = await connection.request("metadata", {
      topics,
      mayCreate: options.autoCreate ?? false,
    });
    if (answer.error !== null) {
      throw refused("metadata", answer.error, answer.detail);
    }
    return {
      topics: answer.fields.topics.map(
        ({ name, error, isInternal, partitionCount }) => ({
          name,
          error: error?.code ?? null,
          isInternal,
          partitionCount,
        }),
      ),
    };
  }

  async produce(
    batches: readonly DriverBatch[],
    {
      acks,
      timeoutMs,
    }: { readonly acks: -1 | 0 | 1; readonly timeoutMs: number },
  ): Promise<readonly DriverProduced[]> {
    const connection = await this.#slot.get();
    const fields = {
      acks,
      timeoutMs,
      partitions: batches.map(({ topic, partition, bytes }) => ({
        topic,
        partition,
        sizeBytes: bytes.length,
      })),
    };
    const bytes = batches.map((batch) => batch.bytes);
    if (acks === NO_ACKS) {
      const refusal = await connection.send("produce", fields, bytes);
      return batches.map((batch) => produced(batch, refusal));
    }
    const answer = await connection.request("produce", fields, {
      batches: bytes,
      timeoutMs: timeoutMs + REQUEST_TIMEOUT_MS,
    });
    if (answer.error !== null) {
      return batches.map((batch) => produced(batch, answer));
    }
    const { partitions } = answer.fields;
    return batches.map((batch, index) => {
      const error = partitions[index]?.error ?? null;
      const detail = error?.detail ?? error?.message ?? "";
      return produced(
        batch,
        error === null ? null : { error: error.code, detail },
        partitions[index]?.baseOffset ?? UNKNOWN_OFFSET,
      );
    });
  }

  async initProducer() {
    const connection = await this.#slot.get();
    const answer = await connection.request("init-producer", {
      producerId: null,
      producerEpoch: null,
    });
    if (answer.error !== null) {
      throw refused("a producer's id", answer.error, answer.detail);
    }
    return answer.fields;
  }

  openFetcher(options: FetcherOptions): Fetcher {
    const fetcher = new PushFetcher(this.#options, options);
    this.#fetchers.add(fetcher);
    return {
      assign: (positions) => fetcher.assign(positions),
      next: () => fetcher.next(),
      close: async () => {
        this.#fetchers.delete(fetcher);
        await fetcher.close();
      },
    };
  }

  async offsetsAt(
    partitions: readonly (TopicPartition & { readonly at: SeekTarget })[],
    isolation: Isolation,
  ): Promise<readonly DriverOffset[]> {
    const connection = await this.#slot.get();
    const answer = await connection.request("offsets", {
      isCommittedOnly: isolation === "read_committed",
      partitions: partitions.map(({ topic, partition, at }) => ({
        topic,
        partition,
        ...targetOf(at),
        leaderEpoch: null,
      })),
    });
    if (answer.error !== null) {
      throw refused("finding offsets", answer.error, answer.detail);
    }
    return partitions.map(({ topic, partition, at }, index) => {
      const found = answer.fields.partitions[index];
      return {
        topic,
        partition,
        error: found?.error?.code ?? null,
        offset: typeof at === "number" ? at : (found?.offset ?? null),
        leaderEpoch: found?.leaderEpoch ?? null,
      };
    });
  }

  describeCluster() {
    return this.admin.describeCluster();
  }

  async close(): Promise<void> {
    this.#slot.close();
    this.group.close();
    await Promise.all(Array.from(this.#fetchers, (one) => one.close()));
    this.#fetchers.clear();
  }
}

function produced(
  { topic, partition }: DriverBatch,
  refusal: { readonly error: string; readonly detail: string } | null,
  baseOffset = UNKNOWN_OFFSET,
): DriverProduced {
  const error = refusal?.error ?? null;
  return {
    topic,
    partition,
    error,
    isRetriable: error !== null && isRetriableCode(error),
    baseOffset,
    detail: refusal?.detail ?? null,
  };
}

/** An offset given as such is asked for all the same, to see whether the partition exists. */
function targetOf(at: SeekTarget) {
  if (typeof at === "object") {
    return { target: "timestamp", timestampMs: at.timestamp };
  }
  const target = typeof at === "number" ? "earliest" : at;
  return { target, timestampMs: null };
}
