/**
 * Produce: append batches to partitions and answer as `acks` promises.
 *
 * Offsets are assigned before this function returns, unless a partition must
 * first be opened: so requests of one connection keep their order although
 * their answers wait for the disk. What each acks waits for is in
 * `docs/guarantees.md`.
 */
import type { Clock } from "../platform/clock.ts";
import { compressionOf, isTransactional } from "../record/batch.ts";
import { Compression, HEADER_SIZE } from "../record/batch-format.ts";
import type { Appended } from "../storage/append-result.ts";
import { StorageError } from "../storage/storage-error.ts";
import type { RequestContext } from "./context.ts";
import { type Refusal, refuse, refuseInternal } from "./operation-error.ts";
import { findAll, type FoundPartition, type Partitions } from "./partitions.ts";
import { withDeadline } from "./wait.ts";

export interface ProduceRequest {
  /** -1, 0 or 1; anything else is refused. */
  readonly acks: number;
  readonly timeoutMs: number;
  readonly transactionalId: string | null;
  /** The client speaks a version without zstd: its batches may not use it (KIP-110). */
  readonly isZstdRefused?: boolean;
  readonly partitions: readonly ProducePartition[];
}

export interface ProducePartition {
  readonly topic: string;
  readonly partition: number;
  /** Exactly one record batch, as Kafka demands since magic 2. */
  readonly records: Uint8Array | null;
}

export interface Produced {
  readonly error: null;
  readonly baseOffset: number;
  /** Only where the topic says LogAppendTime. */
  readonly logAppendTimeMs: number | null;
  readonly startOffset: number;
}

export type ProduceResult =
  | Produced
  /** With the index of the record whose fault it is, where it is one's. */
  | (Refusal & { readonly recordIndex?: number });

export interface Producing {
  /** When every batch has its offsets or its refusal; null: already. */
  readonly assigned: Promise<void> | null;
  /** One for each partition of the request, in its order. */
  readonly results: Promise<readonly ProduceResult[]>;
}

export type Produce = (
  context: RequestContext,
  request: ProduceRequest,
) => Producing;

export interface ProduceParts {
  readonly partitions: Partitions;
  readonly clock: Clock;
  /** `page-cache`: acks -1 is answered like acks 1, as a Kafka with one replica does. */
  readonly acksAll: "disk" | "page-cache";
  /** An append has failed. */
  readonly failed: (fault: StorageError) => void;
}

export function createProduce(parts: ProduceParts): Produce {
  return (_context, request) => {
    const refusal = refuseRequest(request) ?? parts.partitions.appendRefusal;
    if (refusal !== null) {
      const results = request.partitions.map(() => refusal);
      return { assigned: null, results: Promise.resolve(results) };
    }
    const found = findAll(parts.partitions, request.partitions);
    if (!(found instanceof Promise)) {
      const appends = appendAll(request, found);
      return { assigned: null, results: answersOf(parts, request, appends) };
    }
    const appended = found.then((opened) => appendAll(request, opened));
    return {
      assigned: appended.then(() => {}),
      results: appended.then((appends) => answersOf(parts, request, appends)),
    };
  };
}

function refuseRequest(request: ProduceRequest): Refusal | null {
  if (request.acks < -1 || request.acks > 1) {
    return refuse("invalid-required-acks", `acks ${request.acks}`);
  }
  // As Kafka does, where the id is missing or not allowed.
  if (
    request.transactionalId !== null ||
    request.partitions.some(({ records }) => isOfTransaction(records))
  ) {
    return refuse(
      "transactional-id-not-authorized",
      "this broker has no transactions",
    );
  }
  return null;
}

function isOfTransaction(batch: Uint8Array | null): boolean {
  return (
    batch !== null && batch.length >= HEADER_SIZE && isTransactional(batch, 0)
  );
}

/** Synchronous from the first append to the last: nothing comes between. */
function appendAll(
  request: ProduceRequest,
  found: readonly FoundPartition[],
): readonly AppendResult[] {
  return request.partitions.map(({ topic, records }, index) => {
    const internal = refuseInternal(topic);
    if (internal !== null) return internal;
    const one = found[index];
    if (one === undefined) return refuse("unknown-topic-or-partition");
    if (one.error !== null) return one;
    if (records === null) return refuse("invalid-record", "no records");
    if (request.isZstdRefused === true && isZstd(records)) {
      return refuse(
        "unsupported-compression",
        "this version of the request has no zstd",
      );
    }
    return one.log.append(records);
  });
}

/** Before anything else is known of the bytes. */
function isZstd(batch: Uint8Array): boolean {
  return (
    batch.length >= HEADER_SIZE && compressionOf(batch, 0) === Compression.zstd
  );
}

type AppendResult = Appended | (Refusal & { readonly recordIndex?: number });

async function answersOf(
  parts: ProduceParts,
  request: ProduceRequest,
  appends: readonly AppendResult[],
): Promise<readonly ProduceResult[]> {
  // One answer for all partitions: it waits for the slowest.
  return Promise.all(
    appends.map((append) =>
      append.error === null ? answerOf(parts, request, append) : append,
    ),
  );
}

async function answerOf(
  { clock, acksAll, failed }: ProduceParts,
  { acks, timeoutMs }: ProduceRequest,
  appended: Appended,
): Promise<ProduceResult> {
  const isDurable = acks === -1 && acksAll === "disk";
  const settled = isDurable
    ? withDeadline(
        clock,
        appended.durable().then(() => null),
        Math.max(0, timeoutMs),
        refuse("request-timed-out", `not on the disk after ${timeoutMs} ms`),
      )
    : appended.written.then(() => null);
  try {
    return (await settled) ?? producedOf(appended);
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    failed(error);
    return refuse("storage-offline", error.message);
  }
}

function producedOf(appended: Appended): Produced {
  return {
    error: null,
    baseOffset: appended.baseOffset,
    logAppendTimeMs: appended.logAppendTimeMs,
    startOffset: appended.startOffset,
  };
}
